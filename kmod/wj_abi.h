/* SPDX-License-Identifier: GPL-2.0 */
/* Made from the tables of the Rust sources by tests/kernel.rs: do not edit. */
#ifndef WJ_ABI_H
#define WJ_ABI_H

#define WJ_ABI_HASH 0x91bfb63e96d33922ULL
#define WJ_SLOT_BYTES 16
#define WJ_SLOTS_BYTES 80
#define WJ_SLOT_Return 0
#define WJ_SLOT_Indirect 1
#define WJ_SLOT_Trap 2
#define WJ_SLOT_Poll 3
#define WJ_SLOT_Floats 4
#define WJ_CTX_MEMORY_BASE 0
#define WJ_CTX_STACK_LIMIT 16
#define WJ_CTX_OWNER 48
#define WJ_CTX_FLOATS 64
#define WJ_CTX_BYTES 72
#define WJ_FUNC_REF_BYTES 24
#define WJ_TRAP_Unreachable 0
#define WJ_TRAP_MemoryOutOfBounds 1
#define WJ_TRAP_TableOutOfBounds 2
#define WJ_TRAP_UndefinedElement 3
#define WJ_TRAP_UninitializedElement 4
#define WJ_TRAP_IndirectCallTypeMismatch 5
#define WJ_TRAP_IntegerOverflow 6
#define WJ_TRAP_IntegerDivideByZero 7
#define WJ_TRAP_InvalidConversionToInteger 8
#define WJ_TRAP_StackOverflow 9
#define WJ_TRAP_Interrupt 10
#define WJ_TRAP_NullException 11
#define WJ_TRAP_TooManyExceptions 12
#define WJ_TRAP_UnalignedAtomic 20
#define WJ_TRAP_ExpectedSharedMemory 21
#define WJ_TRAP_OF_SITE 0xffffffffU
#define WJ_TRAP_NONE 0xfffffffeU
#define WJ_MAX_VALUES 32
#define WJ_MAX_FRAMES 32
#define WJ_EVENT_NONE 0
#define WJ_EVENT_ANSWER 1
#define WJ_EVENT_HOST_CALL 2
#define WJ_EVENT_BUILTIN 3
#define WJ_EVENT_FINISHED 4
#define WJ_EVENT_TRAPPED 5
#define WJ_EVENT_UNMOUNT 6
#define WJ_EVENT_START 7
#define WJ_EVENT_SIGNAL 8
#define WJ_MAY_READ 1
#define WJ_MAY_WRITE 2
#define WJ_MAY_STAT 4
#define WJ_MAY_POLL 8
#define WJ_CREATE_COROUTINE 1
#define WJ_STAT_FIELDS 16
#define WJ_OWN_MEMORY 0xffffffffU
#define WJ_NOTE_OFFSET 0x100000000ULL
#define WJ_CREATE 0xc0b07701U
#define WJ_CALL 0xc0a07702U
#define WJ_SERVE 0xc1487703U
#define WJ_STATE 0xc0a87704U
#define WJ_RUN 0xc1487706U
#define WJ_NOTIFY 0xc0007707U
#define WJ_HOLD 0xc0087708U
#define WJ_STOP 0xc0007705U
#define WJ_MEMORY 0xc0047709U
#define WJ_GROW 0xc004770aU
#define WJ_JOIN 0xc010770bU
#define WJ_SEND 0xc010770cU
#define WJ_WATCH 0xc008770dU
#define WJ_NATIVE_memory_grow 1
#define WJ_NATIVE_memory_fill 2
#define WJ_NATIVE_memory_copy 3
#define WJ_NATIVE_fuse_send 4
#define WJ_NATIVE_fuse_unmount 5
#define WJ_NATIVE_fuse_exit 6
#define WJ_NATIVE_clock_time_get 7
#define WJ_NATIVE_clock_time_get_split 8
#define WJ_NATIVE_date_now 9
#define WJ_NATIVE_resize_heap 11
#define WJ_NATIVE_memcpy 12
#define WJ_NATIVE_memcpy_big 13
#define WJ_NATIVE_clock_gettime 14
#define WJ_NATIVE_now 10
#define WJ_NATIVE_fd_read 15
#define WJ_NATIVE_fd_write 16
#define WJ_NATIVE_fd_pread 17
#define WJ_NATIVE_fd_pread_split 18
#define WJ_NATIVE_fd_pwrite 19
#define WJ_NATIVE_fd_pwrite_split 20
#define WJ_NATIVE_fstat 21
#define WJ_NATIVE_poll 22
#define WJ_NATIVE_newselect 23
#define WJ_NATIVE_table_grow 30
#define WJ_NATIVE_table_fill 31
#define WJ_NATIVE_table_copy 32
#define WJ_NATIVE_table_init 33
#define WJ_NATIVE_elem_drop 34
#define WJ_BUILTIN_PARAMS { 0x20002, 0x4, 0x5, 0x5, 0x1, 0x20003, 0x4, 0x5, 0x5, 0x1, 0x20001, 0x1, 0x4, 0x4, 0x3 }
#define WJ_BUILTIN_NATIVES { 0x1, 0x2, 0x3, 0x0, 0x0, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x0, 0x0, 0x0, 0x0, 0x0 }
#define WJ_WASI_EAGAIN 6
#define WJ_WASI_EFAULT 21
#define WJ_WASI_EINVAL 28
#define WJ_WASI_ENODEV 43
#define WJ_WASI_ENOENT 44
#define WJ_WASI_ENOSYS 52
#define WJ_RULE_Opaque 0
#define WJ_RULE_Never 1
#define WJ_RULE_Empty 2
#define WJ_RULE_Lookup 3
#define WJ_RULE_Entry 4
#define WJ_RULE_Attr 5
#define WJ_RULE_Statx 6
#define WJ_RULE_Open 7
#define WJ_RULE_Create 8
#define WJ_RULE_Data 9
#define WJ_RULE_Dirents 10
#define WJ_RULE_DirentsPlus 11
#define WJ_RULE_Readlink 12
#define WJ_RULE_Written 13
#define WJ_RULE_Copied 14
#define WJ_RULE_Statfs 15
#define WJ_RULE_XattrValue 16
#define WJ_RULE_XattrList 17
#define WJ_RULE_Lock 18
#define WJ_RULE_Bmap 19
#define WJ_RULE_Ioctl 20
#define WJ_RULE_Poll 21
#define WJ_RULE_Lseek 22
#define WJ_RULE_Init 23
#define WJ_RULE_SIZES { 0, 0, 0, 128, 128, 104, 288, 16, 144, 0, 0, 0, 0, 8, 8, 80, 0, 0, 24, 8, 0, 8, 8, 0 }
#define WJ_FUSE_OPS { \
	[1] = { WJ_RULE_Lookup, 0, 0, 0, 0, 00 }, \
	[2] = { WJ_RULE_Never, 0, 0, 0, 0, 00 }, \
	[3] = { WJ_RULE_Attr, 0, 0, 0, 0, 00 }, \
	[4] = { WJ_RULE_Attr, 0, 0, 0, 0, 00 }, \
	[5] = { WJ_RULE_Readlink, 0, 0, 0, 0, 00 }, \
	[6] = { WJ_RULE_Entry, 0, 0, 0, 0, 0120000 }, \
	[8] = { WJ_RULE_Entry, 0, 0, 1, 0, 00 }, \
	[9] = { WJ_RULE_Entry, 0, 0, 0, 0, 040000 }, \
	[10] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[11] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[12] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[13] = { WJ_RULE_Entry, 0, 0, 0, 0, 00 }, \
	[14] = { WJ_RULE_Open, 0, 0, 0, 0, 00 }, \
	[15] = { WJ_RULE_Data, 4, 16, 0, 0, 00 }, \
	[16] = { WJ_RULE_Written, 4, 16, 0, 0, 00 }, \
	[17] = { WJ_RULE_Statfs, 0, 0, 0, 0, 00 }, \
	[18] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[20] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[21] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[22] = { WJ_RULE_XattrValue, 4, 0, 0, 0, 00 }, \
	[23] = { WJ_RULE_XattrList, 4, 0, 0, 0, 00 }, \
	[24] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[25] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[26] = { WJ_RULE_Init, 0, 0, 0, 0, 00 }, \
	[27] = { WJ_RULE_Open, 0, 0, 0, 0, 00 }, \
	[28] = { WJ_RULE_Dirents, 4, 16, 0, 0, 00 }, \
	[29] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[30] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[31] = { WJ_RULE_Lock, 0, 0, 0, 0, 00 }, \
	[32] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[33] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[34] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[35] = { WJ_RULE_Create, 0, 0, 1, 4, 00 }, \
	[36] = { WJ_RULE_Never, 0, 0, 0, 0, 00 }, \
	[37] = { WJ_RULE_Bmap, 0, 0, 0, 0, 00 }, \
	[38] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[39] = { WJ_RULE_Ioctl, 4, 28, 0, 0, 00 }, \
	[40] = { WJ_RULE_Poll, 0, 0, 0, 0, 00 }, \
	[41] = { WJ_RULE_Never, 0, 0, 0, 0, 00 }, \
	[42] = { WJ_RULE_Never, 0, 0, 0, 0, 00 }, \
	[43] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[44] = { WJ_RULE_DirentsPlus, 4, 16, 0, 0, 00 }, \
	[45] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[46] = { WJ_RULE_Lseek, 0, 0, 0, 0, 00 }, \
	[47] = { WJ_RULE_Written, 8, 40, 0, 0, 00 }, \
	[48] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[49] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[50] = { WJ_RULE_Empty, 0, 0, 0, 0, 00 }, \
	[51] = { WJ_RULE_Create, 0, 0, 1, 4, 00 }, \
	[52] = { WJ_RULE_Statx, 0, 0, 0, 0, 00 }, \
	[53] = { WJ_RULE_Copied, 8, 40, 0, 0, 00 } }
#define WJ_FUSE_INIT_FLAGS 0x5d73fffc7bULL
#define WJ_FUSE_FOPEN_FLAGS 0x7fU
#define WJ_FUSE_NEWEST_MINOR 45
#define WJ_FUSE_MAX_ERRNO 511
#define WJ_FUSE_NAME_MAX 255
#define WJ_FUSE_LINK_MAX 4095
#define WJ_FUSE_XATTR_MAX 65536
#define WJ_FUSE_MAX_OPAQUE 1048576

#ifndef __ASSEMBLY__
#include <linux/types.h>
#include <linux/build_bug.h>

struct wj_image_meta {
	__u64 abi_hash;
	__u64 id;
	__u32 bytes;
	__u32 code_bytes;
	__u32 functions;
	__u32 imported;
	__u32 types;
	__u32 floats;
	__u32 memories;
	__u32 memory_pages;
};
static_assert(sizeof(struct wj_image_meta) == 48);

struct wj_table {
	__u64 entries;
	__u32 len;
	__u32 max;
};
static_assert(sizeof(struct wj_table) == 16);

struct wj_file_change {
	__u32 guest;
	__u32 host;
	__u32 may;
	__u32 reserved;
};
static_assert(sizeof(struct wj_file_change) == 16);

struct wj_create {
	__u64 abi_hash;
	__u64 image;
	__u64 globals;
	__u64 tables;
	__u64 segments;
	__u64 imports;
	__u64 files;
	__u64 files_at;
	__u32 imported_globals;
	__u32 own_globals;
	__u32 table_count;
	__u32 memory_pages;
	__u32 max_pages;
	__u32 stack_bytes;
	__u32 timeout_ms;
	__u32 segment_count;
	__u32 file_count;
	__u32 flags;
	__u32 memory;
	__u32 reserved;
	__u32 stat[16];
};
static_assert(sizeof(struct wj_create) == 176);

struct wj_trap {
	__u32 code;
	__u32 count;
	__u32 pcs[32];
};
static_assert(sizeof(struct wj_trap) == 136);

struct wj_call {
	__u64 values;
	__u32 func;
	__u32 count;
	__u32 trapped;
	__u32 reserved;
	struct wj_trap trap;
};
static_assert(sizeof(struct wj_call) == 160);

struct wj_event {
	__u32 kind;
	__u32 index;
	__u32 count;
	__u32 failed;
	__u32 file_count;
	__u32 ask_owner;
	__u64 result;
	__u64 globals;
	__u64 files;
	__u64 files_at;
	__u64 call;
	__u64 memory_bytes;
	__u64 values[32];
};
static_assert(sizeof(struct wj_event) == 328);

struct wj_join {
	__u32 fd;
	__u32 dispatch;
	__u32 buffer;
	__u32 reserved;
};
static_assert(sizeof(struct wj_join) == 16);

struct wj_send {
	__u32 iov;
	__u32 count;
	__u32 status;
	__u32 reserved;
};
static_assert(sizeof(struct wj_send) == 16);

struct wj_state {
	__u64 globals;
	__u64 tables;
	__u64 memory_bytes;
	__u32 dead;
	__u32 reserved;
	struct wj_trap trap;
};
static_assert(sizeof(struct wj_state) == 168);
#endif
#endif
