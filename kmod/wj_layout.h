/* SPDX-License-Identifier: GPL-2.0 */
/* Offsets that entry.S uses; wj.h asserts them. */
#ifndef WJ_LAYOUT_H
#define WJ_LAYOUT_H

#define WJ_VM_HOST_SP	0
#define WJ_VM_GUEST_SP	8
#define WJ_VM_CTX	16
#define WJ_VM_BUILTINS	24
#define WJ_VM_SUSPENDED	32
#define WJ_VM_LEAVING	40
#define WJ_VM_RESUME	44

#define WJ_IMPORT_VM	8
#define WJ_IMPORT_BYTES	40

/* Distance between the entry points of builtins. */
#define WJ_BUILTIN_STRIDE 32
#endif
