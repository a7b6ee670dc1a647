// SPDX-License-Identifier: GPL-2.0
/*
 * Calls on files that are done where the guest runs: reading, writing, attributes; wait.c has waiting.
 *
 * The guest's descriptors are looked up in a table that the owner fills. A call is either done wholly here, or left to the owner,
 * whose host function does it again: errors, signals and files that are not plain are its business.
 *
 * A guest that its owner runs (a coroutine) uses the descriptors of the task that runs it, by number. For other tasks, which make
 * operations on a mounted filesystem, the files themselves are held, regular ones and directories only: such a task gets neither
 * SIGPIPE nor an endless wait from a guest's file. There the owner's credentials are used.
 */
#include <linux/audit.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fsnotify.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/thread_info.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include "wj.h"

#define WJ_MAX_FILES 65536
#define WJ_MAX_IOV 16
#define WJ_STAT_BYTES 128

static void wj_drop_file(struct wj_file *entry)
{
	if (entry->file)
		fput(entry->file);
	memset(entry, 0, sizeof(*entry));
}

void wj_drop_files(struct wj_vm *vm)
{
	u32 i;

	for (i = 0; i < vm->file_count; i++)
		wj_drop_file(&vm->files[i]);
	kvfree(vm->files);
	vm->files = NULL;
	vm->file_count = 0;
}

static int wj_more_files(struct wj_vm *vm, u32 count)
{
	struct wj_file *files;

	if (count <= vm->file_count)
		return 0;
	count = max_t(u32, roundup_pow_of_two(count), 16);
	files = kvcalloc(count, sizeof(*files), GFP_KERNEL_ACCOUNT);
	if (!files)
		return -ENOMEM;
	if (vm->file_count)
		memcpy(files, vm->files, vm->file_count * sizeof(*files));
	kvfree(vm->files);
	vm->files = files;
	vm->file_count = count;
	return 0;
}

/* Direct transfers want pages of user space; files of an older kind want its addresses. */
static bool wj_is_plain(const struct file *file, bool writes)
{
	const struct file_operations *ops = file->f_op;
	fmode_t mode = writes ? FMODE_WRITE | FMODE_CAN_WRITE : FMODE_READ | FMODE_CAN_READ;

	if (file->f_flags & O_DIRECT || ~file->f_mode & mode)
		return false;
	return writes ? ops->write_iter && !ops->write : ops->read_iter && !ops->read;
}

/* Notes what can be done with a file that is held from now on. */
static void wj_note_file(struct wj_file *entry, struct file *file)
{
	entry->file = file;
	entry->can = entry->may;
	if (!wj_is_plain(file, false))
		entry->can &= ~WJ_MAY_READ;
	if (!wj_is_plain(file, true))
		entry->can &= ~WJ_MAY_WRITE;
}

/* Takes changes of the guest's descriptors from the owner, whose guest waits. They are what its count `at` stands for. */
int wj_set_files(struct wj_vm *vm, u64 user, u32 count, u64 at)
{
	struct wj_file_change change;
	struct wj_file *entry;
	u32 i;
	int err;

	for (i = 0; i < count; i++) {
		if (copy_from_user(&change, (struct wj_file_change __user *)u64_to_user_ptr(user) + i, sizeof(change)))
			return -EFAULT;
		if (change.guest >= WJ_MAX_FILES)
			continue;
		err = wj_more_files(vm, change.guest + 1);
		if (err)
			return err;
		entry = &vm->files[change.guest];
		wj_drop_file(entry);
		if (!change.may)
			continue;
		entry->fd = change.host;
		entry->may = change.may;
		if (vm->coroutine)
			continue;
		entry->file = fget(change.host);
		if (entry->file && S_ISREG(file_inode(entry->file)->i_mode))
			entry->may &= ~WJ_MAY_POLL;
		else if (entry->file && S_ISDIR(file_inode(entry->file)->i_mode))
			entry->may &= WJ_MAY_STAT;
		else
			wj_drop_file(entry);
		if (entry->file)
			wj_note_file(entry, entry->file);
	}
	vm->files_at = at;
	return 0;
}

/* The owner's file is held until the guest leaves for user space, where it may be closed. */
struct file *wj_hold_file(struct wj_vm *vm, struct wj_file *entry, u32 wanted)
{
	struct file *file;

	if (entry->file || ~entry->may & wanted || vm->held_count == ARRAY_SIZE(vm->held))
		return NULL;
	file = fget(entry->fd);
	if (!file)
		return NULL;
	wj_note_file(entry, file);
	vm->held[vm->held_count++] = entry - vm->files;
	return entry->can & wanted ? file : NULL;
}

/* Lets go of what a coroutine's calls have held. */
void wj_let_files_go(struct wj_vm *vm)
{
	while (vm->held_count) {
		struct wj_file *entry = &vm->files[vm->held[--vm->held_count]];

		fput(entry->file);
		entry->file = NULL;
		entry->can = 0;
	}
}

/* Around a call on a file, where a task other than the owner makes it. */
static __always_inline const struct cred *wj_be_owner(struct wj_vm *vm)
{
	return vm->coroutine ? NULL : override_creds(vm->cred);
}

static __always_inline void wj_be_self(const struct cred *saved)
{
	if (saved)
		revert_creds(saved);
}

/*
 * Whoever watches the system calls of the owner sees them made: they go to user space. Its own filter, which it put up later than it
 * opened the device, lets these calls pass; any other filter is not to be got around.
 */
static __always_inline bool wj_may_call(const struct wj_vm *vm)
{
	unsigned long work = READ_ONCE(current_thread_info()->syscall_work);
	unsigned long watched = SYSCALL_WORK_SYSCALL_TRACE | SYSCALL_WORK_SYSCALL_EMU | SYSCALL_WORK_SYSCALL_TRACEPOINT;

	/* Other threads may have changed what descriptors stand for: then the owner is asked, and tells. */
	if (!vm->coroutine)
		return !vm->shared || READ_ONCE(*(u64 *)page_address(vm->mem->note)) == vm->files_at;
	if (!vm->unconfined)
		watched |= SYSCALL_WORK_SECCOMP;
	/*
	 * Once audit was enabled, all tasks have the flag, and keep it. The context says whether there were rules when the guest was let go
	 * on; it says nothing if audit was off.
	 */
	if (unlikely(work & SYSCALL_WORK_SYSCALL_AUDIT) && audit_enabled && !audit_dummy_context())
		return false;
	return !(work & watched) && !signal_pending(current);
}

/* A list of buffers of the guest, each word of it read once; the number of bytes, or 0 if the owner has to look at it. */
static __always_inline size_t wj_gather(struct wj_vm *vm, u32 iovs, u32 count, struct kvec *vec)
{
	const u32 *from = wj_range(vm, iovs, 8 * (u64)count);
	u64 bytes = 0;
	u32 i;

	if (!from)
		return 0;
	for (i = 0; i < count; i++) {
		u32 at = READ_ONCE(from[2 * i]), len = READ_ONCE(from[2 * i + 1]);

		vec[i].iov_base = wj_range(vm, at, len);
		vec[i].iov_len = len;
		if (!vec[i].iov_base)
			return 0;
		bytes += len;
	}
	return bytes <= MAX_RW_COUNT ? bytes : 0;
}

/* As vfs_iter_read() and vfs_iter_write(), which for calls as short as a pipe's cost as much again. */
static __always_inline ssize_t wj_call_file(struct file *file, struct iov_iter *iter, bool writes, loff_t *pos)
{
	struct kiocb kiocb;
	ssize_t done;

	done = rw_verify_area(writes ? WRITE : READ, file, pos, iov_iter_count(iter));
	if (done < 0)
		return done;
	if (!pos)
		/* Pipes and sockets do without what init_sync_kiocb() finds out for disks. */
		kiocb = (struct kiocb) { .ki_filp = file, .ki_flags = file->f_iocb_flags };
	else
		init_sync_kiocb(&kiocb, file);
	kiocb.ki_pos = pos ? *pos : 0;
	if (writes) {
		/* Only filesystems are frozen. */
		if (pos)
			file_start_write(file);
		done = file->f_op->write_iter(&kiocb, iter);
		if (done > 0)
			fsnotify_modify(file);
		if (pos)
			file_end_write(file);
	} else {
		done = file->f_op->read_iter(&kiocb, iter);
		if (done >= 0)
			fsnotify_access(file);
	}
	if (pos)
		*pos = kiocb.ki_pos;
	return done;
}

/* At the file's position, as read(2) and write(2) do; position is where to put the new one. */
static __always_inline ssize_t wj_call_here(struct file *file, struct iov_iter *iter, bool writes)
{
	bool locked = file->f_mode & FMODE_ATOMIC_POS;
	loff_t pos;
	ssize_t done;

	if (file->f_mode & FMODE_STREAM)
		return wj_call_file(file, iter, writes, NULL);
	/* Who lists a mounted folder has that of the folder. */
	if (locked)
		mutex_lock_nested(&file->f_pos_lock, SINGLE_DEPTH_NESTING);
	pos = file->f_pos;
	done = wj_call_file(file, iter, writes, &pos);
	if (done >= 0)
		file->f_pos = pos;
	if (locked)
		mutex_unlock(&file->f_pos_lock);
	return done;
}

/*
 * What the four calls have in common: a descriptor, buffers, their number, an offset if there is one, where to put the number of bytes. A WASI
 * error number, or negative if the owner has to do it.
 */
static __always_inline s64 wj_transfer_by(struct wj_vm *vm, const u64 *v, struct kvec *vec, u32 count, bool writes,
					  const loff_t *at, u32 out_at)
{
	struct file *file = wj_file_of(vm, v[0], writes ? WJ_MAY_WRITE : WJ_MAY_READ);
	size_t bytes = wj_gather(vm, v[1], count, vec);
	void *out = wj_range(vm, out_at, 4);
	const struct cred *saved;
	struct iov_iter iter;
	ssize_t done;
	loff_t pos;
	u32 moved;

	if (!out || !bytes || !file)
		return -1;
	if (at && (*at < 0 || !(file->f_mode & (writes ? FMODE_PWRITE : FMODE_PREAD))))
		return -1;
	/* As iov_iter_kvec(). */
	iter = (struct iov_iter) {
		.iter_type = ITER_KVEC, .data_source = writes ? ITER_SOURCE : ITER_DEST, .kvec = vec, .nr_segs = count, .count = bytes,
	};
	saved = wj_be_owner(vm);
	if (at) {
		pos = *at;
		done = wj_call_file(file, &iter, writes, &pos);
	} else {
		done = wj_call_here(file, &iter, writes);
	}
	wj_be_self(saved);
	if (done < 0)
		return done == -EAGAIN ? WJ_WASI_EAGAIN : -1;
	moved = done;
	memcpy(out, &moved, sizeof(moved));
	return 0;
}

/* Calls with an offset, and with several buffers. */
static noinline s64 wj_transfer(struct wj_vm *vm, const u64 *v, bool writes, const loff_t *at, u32 out_at)
{
	struct kvec vec[WJ_MAX_IOV];
	u32 count = v[2];

	return count && count <= WJ_MAX_IOV ? wj_transfer_by(vm, v, vec, count, writes, at, out_at) : -1;
}

/* Nearly every call has one buffer and no offset: no loop, and next to no array that the compiler would have to clear. */
static noinline s64 wj_read(struct wj_vm *vm, const u64 *v)
{
	struct kvec vec;

	if (unlikely((u32)v[2] != 1))
		return wj_transfer(vm, v, false, NULL, v[3]);
	return wj_transfer_by(vm, v, &vec, 1, false, NULL, v[3]);
}

static noinline s64 wj_write(struct wj_vm *vm, const u64 *v)
{
	struct kvec vec;

	if (unlikely((u32)v[2] != 1))
		return wj_transfer(vm, v, true, NULL, v[3]);
	return wj_transfer_by(vm, v, &vec, 1, true, NULL, v[3]);
}

static void wj_put(u8 *to, u32 field, u64 value)
{
	memcpy(to + (field & 0xff), &value, field >> 8);
}

static void wj_put_time(u8 *to, u32 field, struct timespec64 time)
{
	u32 nanos = time.tv_nsec;

	wj_put(to, field, time.tv_sec);
	memcpy(to + (field & 0xff) + (field >> 8), &nanos, sizeof(nanos));
}

static noinline s64 wj_fstat(struct wj_vm *vm, u32 fd, u32 at)
{
	struct file *file = wj_file_of(vm, fd, WJ_MAY_STAT);
	struct user_namespace *ns = vm->cred->user_ns;
	const u32 *layout = vm->stat_layout;
	u8 bytes[WJ_STAT_BYTES] = {};
	u8 *to = wj_range(vm, at, layout[WJ_STAT_SIZE]);
	const struct cred *saved;
	struct kstat stat;
	int err;

	if (!to || !layout[WJ_STAT_SIZE] || !file)
		return -1;
	saved = wj_be_owner(vm);
	err = vfs_getattr(&file->f_path, &stat, STATX_BASIC_STATS, 0);
	wj_be_self(saved);
	if (err)
		return -1;
	wj_put(bytes, layout[WJ_STAT_DEV], new_encode_dev(stat.dev));
	wj_put(bytes, layout[WJ_STAT_MODE], stat.mode);
	wj_put(bytes, layout[WJ_STAT_NLINK], stat.nlink);
	wj_put(bytes, layout[WJ_STAT_UID], from_kuid_munged(ns, stat.uid));
	wj_put(bytes, layout[WJ_STAT_GID], from_kgid_munged(ns, stat.gid));
	wj_put(bytes, layout[WJ_STAT_RDEV], new_encode_dev(stat.rdev));
	wj_put(bytes, layout[WJ_STAT_LENGTH], stat.size);
	wj_put(bytes, layout[WJ_STAT_BLKSIZE], stat.blksize);
	wj_put(bytes, layout[WJ_STAT_BLOCKS], stat.blocks);
	wj_put_time(bytes, layout[WJ_STAT_ATIME], stat.atime);
	wj_put_time(bytes, layout[WJ_STAT_MTIME], stat.mtime);
	wj_put_time(bytes, layout[WJ_STAT_CTIME], stat.ctime);
	wj_put(bytes, layout[WJ_STAT_INO], stat.ino);
	memcpy(to, bytes, layout[WJ_STAT_SIZE]);
	return 0;
}

static noinline s64 wj_other_call(struct wj_vm *vm, u32 native, u64 *v)
{
	loff_t whole = v[3], halves;

	switch (native) {
	case WJ_NATIVE_fd_pread:
		return wj_transfer(vm, v, false, &whole, v[4]);
	case WJ_NATIVE_fd_pwrite:
		return wj_transfer(vm, v, true, &whole, v[4]);
	case WJ_NATIVE_fd_pread_split:
		halves = (u32)v[3] | (u64)v[4] << 32;
		return wj_transfer(vm, v, false, &halves, v[5]);
	case WJ_NATIVE_fd_pwrite_split:
		halves = (u32)v[3] | (u64)v[4] << 32;
		return wj_transfer(vm, v, true, &halves, v[5]);
	case WJ_NATIVE_fstat:
		return wj_fstat(vm, v[0], v[1]);
	case WJ_NATIVE_poll:
		return wj_poll_files(vm, v);
	case WJ_NATIVE_newselect:
		return wj_select_files(vm, v);
	default:
		return -1;
	}
}

/* The call's result, or negative if the owner has to do it. */
s64 wj_file_call(struct wj_vm *vm, u32 native, u64 *v)
{
	if (unlikely(!wj_may_call(vm)))
		return -1;
	switch (native) {
	case WJ_NATIVE_fd_write:
		return wj_write(vm, v);
	case WJ_NATIVE_fd_read:
		return wj_read(vm, v);
	default:
		return wj_other_call(vm, native, v);
	}
}

/*
 * Called by entry.S on the task's stack: registers is five integer registers and eight vector registers, stack what the
 * caller passed there. The result's bits go back in rax, and in xmm0 if vector registers are in use.
 *
 * It is here because calls on files are the hot ones.
 */
asmlinkage u64 wj_host_call(struct wj_import *import, u64 *registers, const u64 *stack)
{
	struct wj_vm *vm = import->vm;
	s64 answer;

	if (unlikely(!import->plain_file || vm->ask_owner || vm->ctx->floats))
		return wj_any_call(import, registers, stack);
	if (unlikely(!wj_may_call(vm)))
		return wj_ask(import, registers);
	if (import->native == WJ_NATIVE_fd_write)
		answer = wj_write(vm, registers);
	else if (import->native == WJ_NATIVE_fd_read)
		answer = wj_read(vm, registers);
	else
		answer = wj_other_call(vm, import->native, registers);
	return likely(answer >= 0) ? answer : wj_ask(import, registers);
}
