// SPDX-License-Identifier: GPL-2.0
/* /dev/wasm: the module's beginning and end. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include "wj.h"

static struct miscdevice wj_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "wasm",
	.fops = &wj_fops,
	.mode = 0600,
};

static int __init wj_init(void)
{
	int err;

	err = wj_vm_init();
	if (err)
		return err;
	err = wj_fuse_init();
	if (err)
		goto out_vm;
	err = misc_register(&wj_device);
	if (err)
		goto out_fuse;
	return 0;

out_fuse:
	wj_fuse_exit();
out_vm:
	wj_vm_exit();
	return err;
}

static void __exit wj_exit(void)
{
	misc_deregister(&wj_device);
	wj_fuse_exit();
	wj_vm_exit();
}

module_init(wj_init);
module_exit(wj_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Runs compiled WebAssembly and mounts filesystems written in it");
MODULE_VERSION(__stringify(WJ_ABI_HASH));
MODULE_ALIAS_FS("wasmjit");
