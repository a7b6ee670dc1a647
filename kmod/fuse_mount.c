// SPDX-License-Identifier: GPL-2.0
/* Mounting and unmounting, and instances that come to a mounted filesystem. */
#include <linux/anon_inodes.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/module.h>
#include <linux/version.h>
#include "fuse_mount.h"

struct workqueue_struct *wj_wq;
DECLARE_RWSEM(wj_seats_lock);

static struct wj_seat *wj_new_seat(struct wj_vm *vm, u32 dispatch, u32 buffer)
{
	struct wj_seat *seat = kzalloc(sizeof(*seat), GFP_KERNEL_ACCOUNT);

	if (seat) {
		seat->vm = wj_vm_get(vm);
		seat->dispatch = dispatch;
		seat->buffer = buffer;
	}
	return seat;
}

/* An instance that answers requests from now on. Under both locks. */
static void wj_add_seat(struct wj_mount *m, struct wj_seat *seat)
{
	seat->mount = m;
	seat->vm->seat = seat;
	seat->vm->joined = m;
	m->seats[m->seat_count] = seat;
	smp_store_release(&m->seat_count, m->seat_count + 1);	/* pairs with wj_count_seats() */
	wake_up(&m->free);
}

/* Another instance comes to the filesystem that one of the same guest is mounted as. Under vm->lock. */
int wj_fuse_join(struct wj_vm *vm, const struct wj_join __user *user)
{
	struct wj_seat *seat = NULL;
	struct wj_vm *other;
	struct wj_join arg;
	int err = -EINVAL;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	other = wj_vm_of_fd(arg.fd);
	if (!other)
		return -EINVAL;
	down_write(&wj_seats_lock);
	if (!other->joined)
		err = -ENODEV;
	else if (other->joined->seat_count == WJ_MAX_SEATS)
		err = -EUSERS;
	else if (vm->shared && vm->mem == other->mem && !vm->dead && !other->dead && !vm->seat && !vm->coroutine &&
		 wj_range(vm, arg.buffer, other->joined->buffer_bytes)) {
		seat = wj_new_seat(vm, arg.dispatch, arg.buffer);
		err = seat ? 0 : -ENOMEM;
	}
	if (seat)
		wj_add_seat(other->joined, seat);
	up_write(&wj_seats_lock);
	wj_vm_put(other);
	return err;
}

/*
 * A descriptor for the owner, to which it writes notifications. Nothing can be read from it: requests never wait in the connection's
 * queue. Under vm->lock.
 */
int wj_fuse_notify_fd(struct wj_vm *vm)
{
	struct fuse_dev *fud;
	struct fuse_conn *fc;
	int fd;

	if (!vm->seat)
		return -ENODEV;
	fc = vm->seat->mount->fud->fc;
	fud = fuse_dev_alloc_install(fc);
	if (!fud)
		return -ENOMEM;
	atomic_inc(&fc->dev_count);
	fd = anon_inode_getfd("[wasmjit]", &fuse_dev_operations, fud, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		atomic_dec(&fc->dev_count);
		fuse_dev_free(fud);
	}
	return fd;
}

/* Whether the running guest's filesystem is unmounted by force: nobody waits for what it does. Under vm->lock. */
bool wj_fuse_aborted(const struct wj_vm *vm)
{
	return vm->seat && !READ_ONCE(vm->seat->mount->fud->fc->connected);
}

/* The import unmount or exit: the owner does it. */
void wj_fuse_ask_unmount(struct wj_vm *vm)
{
	if (vm->seat)
		wj_exchange_unmount(vm);
}

enum { WJ_OPT_FD, WJ_OPT_DISPATCH, WJ_OPT_BUFFER, WJ_OPT_SIZE, WJ_OPT_ALLOW_OTHER, WJ_OPT_PERMISSIONS };

static const struct fs_parameter_spec wj_parameters[] = {
	fsparam_u32("fd", WJ_OPT_FD),
	fsparam_u32("dispatch", WJ_OPT_DISPATCH),
	fsparam_u32("buffer", WJ_OPT_BUFFER),
	fsparam_u32("size", WJ_OPT_SIZE),
	fsparam_flag("allow_other", WJ_OPT_ALLOW_OTHER),
	fsparam_flag("default_permissions", WJ_OPT_PERMISSIONS),
	{}
};

/* What mount(2) was told. */
struct wj_options {
	struct fuse_fs_context ctx;
	struct wj_vm *vm;
	struct wj_seat *seat;
	u32 dispatch, buffer, size;
};

static int wj_parse_param(struct fs_context *fsc, struct fs_parameter *param)
{
	struct wj_options *options = fsc->fs_private;
	struct fs_parse_result result;
	int opt;

	opt = vfs_parse_fs_param_source(fsc, param);
	if (opt != -ENOPARAM)
		return opt;
	opt = fs_parse(fsc, wj_parameters, param, &result);
	if (opt < 0)
		return opt;
	switch (opt) {
	case WJ_OPT_FD:
		if (options->vm)
			return -EINVAL;
		options->vm = wj_vm_of_fd(result.uint_32);
		return options->vm ? 0 : invalf(fsc, "fd is no instance");
	case WJ_OPT_DISPATCH:
		options->dispatch = result.uint_32;
		return 0;
	case WJ_OPT_BUFFER:
		options->buffer = result.uint_32;
		return 0;
	case WJ_OPT_SIZE:
		options->size = result.uint_32;
		return 0;
	case WJ_OPT_ALLOW_OTHER:
		options->ctx.allow_other = true;
		return 0;
	default:
		options->ctx.default_permissions = true;
		return 0;
	}
}

static void wj_free_fsc(struct fs_context *fsc)
{
	struct wj_options *options = fsc->fs_private;

	if (options && options->seat) {
		wj_vm_put(options->seat->vm);
		kfree(options->seat);
	}
	if (options && options->vm)
		wj_vm_put(options->vm);
	kfree(options);
}

static int wj_fill_super(struct super_block *sb, struct fs_context *fsc)
{
	struct wj_options *options = fsc->fs_private;
	struct fuse_mount *fm = get_fuse_mount_super(sb);
	struct fuse_conn *fc = fm->fc;
	struct wj_mount *m = fc->iq.priv;
	int err;

	options->ctx.rootmode = S_IFDIR;
	options->ctx.user_id = current_fsuid();
	options->ctx.group_id = current_fsgid();
	options->ctx.max_read = options->size - WJ_HEAD_ROOM;
	options->ctx.destroy = true;
	m->fud = fuse_dev_alloc();
	if (!m->fud)
		return -ENOMEM;
	err = fuse_fill_super_common(sb, &options->ctx);
	if (err) {
		fuse_dev_free(m->fud);
		m->fud = NULL;
		return err;
	}
	fuse_dev_install(m->fud, fc);
	mutex_lock_nested(&options->vm->lock, WJ_TURN_MOUNT);
	down_write(&wj_seats_lock);
	wj_add_seat(m, options->seat);
	options->seat = NULL;
	up_write(&wj_seats_lock);
	mutex_unlock(&options->vm->lock);
	fuse_send_init(fm);
	return 0;
}

static int wj_get_tree(struct fs_context *fsc)
{
	struct wj_options *options = fsc->fs_private;
	struct super_block *sb;
	struct fuse_conn *fc;
	struct fuse_mount *fm;
	struct wj_mount *m;
	int err;

	if (!capable(CAP_SYS_ADMIN) || !capable(CAP_SYS_MODULE))
		return -EPERM;
	if (!options->vm || !options->vm->ctx || options->vm->seat)
		return invalf(fsc, "an instance that is not mounted yet is needed");
	if (options->size < WJ_HEAD_ROOM + PAGE_SIZE || !wj_range(options->vm, options->buffer, options->size))
		return invalf(fsc, "the buffer is too small, or not in memory");
	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	fc = kzalloc(sizeof(*fc), GFP_KERNEL_ACCOUNT);
	fm = kzalloc(sizeof(*fm), GFP_KERNEL_ACCOUNT);
	options->seat = wj_new_seat(options->vm, options->dispatch, options->buffer);
	if (!m || !fc || !fm || !options->seat) {
		kfree(m);
		kfree(fc);
		kfree(fm);
		return -ENOMEM;
	}
	spin_lock_init(&m->lock);
	INIT_LIST_HEAD(&m->queue);
	INIT_DELAYED_WORK(&m->work, wj_work);
	INIT_DELAYED_WORK(&m->deadline, wj_deadline);
	init_waitqueue_head(&m->free);
	m->timeout = options->vm->timeout;
	m->buffer_bytes = options->size;
	fuse_conn_init(fc, fm, fsc->user_ns, &wj_fiq_ops, m);
	m->fiq = &fc->iq;
	fc->release = fuse_free_conn;
	fc->sync_fs = true;
	fc->max_pages_limit = min_t(unsigned int, fc->max_pages_limit, (m->buffer_bytes - WJ_HEAD_ROOM) >> PAGE_SHIFT);
	fsc->s_fs_info = fm;
	sb = sget_fc(fsc, NULL, set_anon_super_fc);
	if (fsc->s_fs_info)
		fuse_mount_destroy(fm);
	if (IS_ERR(sb))
		return PTR_ERR(sb);
	err = wj_fill_super(sb, fsc);
	if (err) {
		deactivate_locked_super(sb);
		return err;
	}
	sb->s_flags |= SB_ACTIVE;
	fsc->root = dget(sb->s_root);
	return 0;
}

static const struct fs_context_operations wj_context_ops = {
	.free = wj_free_fsc,
	.parse_param = wj_parse_param,
	.get_tree = wj_get_tree,
};

static int wj_init_fs_context(struct fs_context *fsc)
{
	if (fsc->purpose == FS_CONTEXT_FOR_SUBMOUNT)
		return -EINVAL;
	fsc->fs_private = kzalloc(sizeof(struct wj_options), GFP_KERNEL_ACCOUNT);
	if (!fsc->fs_private)
		return -ENOMEM;
	fsc->ops = &wj_context_ops;
	return 0;
}

static void wj_kill_sb(struct super_block *sb)
{
	struct fuse_mount *fm = get_fuse_mount_super(sb);
	struct wj_mount *m = fm ? fm->fc->iq.priv : NULL;
	struct wj_vm *vms[WJ_MAX_SEATS];
	struct fuse_dev *fud = NULL;
	unsigned int i, count = 0;

	if (sb->s_root && fuse_mount_remove(fm)) {
		down_write(&wj_seats_lock);
		count = m->seat_count;
		for (i = 0; i < count; i++) {
			m->seats[i]->vm->joined = NULL;
			vms[i] = wj_vm_get(m->seats[i]->vm);
		}
		up_write(&wj_seats_lock);
		/* What was sent before is done, then the guest is told, then nothing reaches it any more. */
		fud = m->fud;
		flush_delayed_work(&m->work);
		fuse_conn_destroy(fm);
		flush_delayed_work(&m->work);
		for (i = 0; i < count; i++) {
			mutex_lock_nested(&vms[i]->lock, WJ_TURN_MOUNT);
			vms[i]->seat = NULL;
			mutex_unlock(&vms[i]->lock);
		}
	}
	kill_anon_super(sb);
	if (count) {
		flush_delayed_work(&m->work);
		cancel_delayed_work_sync(&m->deadline);
		fuse_dev_free(fud);
	}
	if (fm)
		fuse_mount_destroy(fm);
	for (i = 0; i < count; i++) {
		wj_exchange_finish(vms[i]);
		wj_vm_put(vms[i]);
	}
}

static struct file_system_type wj_fs_type = {
	.owner = THIS_MODULE,
	.name = "wasmjit",
	.fs_flags = FS_HAS_SUBTYPE,
	.parameters = wj_parameters,
	.init_fs_context = wj_init_fs_context,
	.kill_sb = wj_kill_sb,
};

int wj_fuse_init(void)
{
	int err;

	/* Its rescuer thread bears the name: not that of the command, by which people look for daemons. */
	wj_wq = alloc_workqueue("wasmjit_fuse", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!wj_wq)
		return -ENOMEM;
	err = register_filesystem(&wj_fs_type);
	if (err)
		destroy_workqueue(wj_wq);
	return err;
}

void wj_fuse_exit(void)
{
	unregister_filesystem(&wj_fs_type);
	destroy_workqueue(wj_wq);
	/* Connections are freed after a grace period. */
	rcu_barrier();
}
