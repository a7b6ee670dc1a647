//! Message structures. Names and layouts are the kernel's; fields are documented there.
#![allow(unsafe_code, missing_docs)]

/// A structure that is plain bytes: no padding, and every bit pattern is a value.
///
/// # Safety
/// Implementors are `repr(C)`, hold integers only, and have no padding. The `wire!` macro proves both at
/// compile time; nothing else may implement this.
pub unsafe trait Wire: Copy + Default {
    /// Reads the structure from the beginning of `bytes`; `None` when they are too few.
    fn read(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..size_of::<Self>())?;
        // SAFETY: the slice has the structure's size, and any bytes are a valid value (trait contract).
        Some(unsafe { bytes.as_ptr().cast::<Self>().read_unaligned() })
    }

    /// The structure's bytes as they go over the wire.
    fn bytes(&self) -> &[u8] {
        // SAFETY: there is no padding (trait contract), so every byte is initialized.
        unsafe { std::slice::from_raw_parts((&raw const *self).cast(), size_of::<Self>()) }
    }

    /// The same bytes, for filling in place.
    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and any bytes written are a valid value.
        unsafe { std::slice::from_raw_parts_mut((&raw mut *self).cast(), size_of::<Self>()) }
    }
}

macro_rules! wire {
    ($($name:ident : $size:literal { $($field:ident : $ty:ty),* $(,)? })*) => {
        $(
            #[repr(C)]
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            pub struct $name { $(pub $field: $ty),* }
            const _: () = assert!(size_of::<$name>() == $size, "the size differs from the kernel's");
            const _: () = assert!(0 $(+ size_of::<$ty>())* == $size, "there is padding");
            // SAFETY: repr(C) integers (or structures of them) without padding, asserted above.
            unsafe impl Wire for $name {}
        )*
        /// Every structure's name, its size here, and its size in the kernel's header.
        #[cfg(test)]
        pub(crate) const SIZES: &[(&str, usize, usize)] =
            &[$((stringify!($name), size_of::<$name>(), $size)),*];
    };
}

wire! {
    InHeader: 40 { len: u32, opcode: u32, unique: u64, nodeid: u64, uid: u32, gid: u32, pid: u32,
        total_extlen: u16, padding: u16 }
    OutHeader: 16 { len: u32, error: i32, unique: u64 }
    Attr: 88 { ino: u64, size: u64, blocks: u64, atime: u64, mtime: u64, ctime: u64, atimensec: u32,
        mtimensec: u32, ctimensec: u32, mode: u32, nlink: u32, uid: u32, gid: u32, rdev: u32,
        blksize: u32, flags: u32 }
    EntryOut: 128 { nodeid: u64, generation: u64, entry_valid: u64, attr_valid: u64,
        entry_valid_nsec: u32, attr_valid_nsec: u32, attr: Attr }
    AttrOut: 104 { attr_valid: u64, attr_valid_nsec: u32, dummy: u32, attr: Attr }
    OpenOut: 16 { fh: u64, open_flags: u32, backing_id: u32 }
    CreateOut: 144 { entry: EntryOut, open: OpenOut }
    WriteOut: 8 { size: u32, padding: u32 }
    Kstatfs: 80 { blocks: u64, bfree: u64, bavail: u64, files: u64, ffree: u64, bsize: u32,
        namelen: u32, frsize: u32, padding: u32, spare: [u32; 6] }
    GetxattrOut: 8 { size: u32, padding: u32 }
    FileLock: 24 { start: u64, end: u64, kind: u32, pid: u32 }
    BmapOut: 8 { block: u64 }
    IoctlOut: 16 { result: i32, flags: u32, in_iovs: u32, out_iovs: u32 }
    PollOut: 8 { revents: u32, padding: u32 }
    LseekOut: 8 { offset: u64 }
    CopyOut: 8 { bytes_copied: u64 }
    InitOut: 64 { major: u32, minor: u32, max_readahead: u32, flags: u32, max_background: u16,
        congestion_threshold: u16, max_write: u32, time_gran: u32, max_pages: u16, map_alignment: u16,
        flags2: u32, max_stack_depth: u32, request_timeout: u16, unused0: u16, unused: [u32; 5] }
    SxTime: 16 { tv_sec: i64, tv_nsec: u32, reserved: i32 }
    Statx: 256 { mask: u32, blksize: u32, attributes: u64, nlink: u32, uid: u32, gid: u32, mode: u16,
        spare0: u16, ino: u64, size: u64, blocks: u64, attributes_mask: u64, atime: SxTime,
        btime: SxTime, ctime: SxTime, mtime: SxTime, rdev_major: u32, rdev_minor: u32, dev_major: u32,
        dev_minor: u32, spare2: [u64; 14] }
    StatxOut: 288 { attr_valid: u64, attr_valid_nsec: u32, flags: u32, spare: [u64; 2], stat: Statx }
    Dirent: 24 { ino: u64, off: u64, namelen: u32, kind: u32 }

    ForgetIn: 8 { nlookup: u64 }
    ForgetOne: 16 { nodeid: u64, nlookup: u64 }
    BatchForgetIn: 8 { count: u32, dummy: u32 }
    GetattrIn: 16 { getattr_flags: u32, dummy: u32, fh: u64 }
    MknodIn: 16 { mode: u32, rdev: u32, umask: u32, padding: u32 }
    MkdirIn: 8 { mode: u32, umask: u32 }
    RenameIn: 8 { newdir: u64 }
    Rename2In: 16 { newdir: u64, flags: u32, padding: u32 }
    LinkIn: 8 { oldnodeid: u64 }
    SetattrIn: 88 { valid: u32, padding: u32, fh: u64, size: u64, lock_owner: u64, atime: u64,
        mtime: u64, ctime: u64, atimensec: u32, mtimensec: u32, ctimensec: u32, mode: u32,
        unused4: u32, uid: u32, gid: u32, unused5: u32 }
    OpenIn: 8 { flags: u32, open_flags: u32 }
    CreateIn: 16 { flags: u32, mode: u32, umask: u32, open_flags: u32 }
    ReleaseIn: 24 { fh: u64, flags: u32, release_flags: u32, lock_owner: u64 }
    FlushIn: 24 { fh: u64, unused: u32, padding: u32, lock_owner: u64 }
    ReadIn: 40 { fh: u64, offset: u64, size: u32, read_flags: u32, lock_owner: u64, flags: u32,
        padding: u32 }
    WriteIn: 40 { fh: u64, offset: u64, size: u32, write_flags: u32, lock_owner: u64, flags: u32,
        padding: u32 }
    FsyncIn: 16 { fh: u64, fsync_flags: u32, padding: u32 }
    SetxattrIn: 16 { size: u32, flags: u32, setxattr_flags: u32, padding: u32 }
    SetxattrCompatIn: 8 { size: u32, flags: u32 }
    GetxattrIn: 8 { size: u32, padding: u32 }
    LkIn: 48 { fh: u64, owner: u64, lk: FileLock, lk_flags: u32, padding: u32 }
    AccessIn: 8 { mask: u32, padding: u32 }
    InitIn: 64 { major: u32, minor: u32, max_readahead: u32, flags: u32, flags2: u32,
        unused: [u32; 11] }
    InterruptIn: 8 { unique: u64 }
    BmapIn: 16 { block: u64, blocksize: u32, padding: u32 }
    IoctlIn: 32 { fh: u64, flags: u32, cmd: u32, arg: u64, in_size: u32, out_size: u32 }
    PollIn: 24 { fh: u64, kh: u64, flags: u32, events: u32 }
    FallocateIn: 32 { fh: u64, offset: u64, length: u64, mode: u32, padding: u32 }
    LseekIn: 24 { fh: u64, offset: u64, whence: u32, padding: u32 }
    CopyFileRangeIn: 56 { fh_in: u64, off_in: u64, nodeid_out: u64, fh_out: u64, off_out: u64,
        len: u64, flags: u64 }
    SyncfsIn: 8 { padding: u64 }
    StatxIn: 24 { getattr_flags: u32, reserved: u32, fh: u64, sx_flags: u32, sx_mask: u32 }

    NotifyPoll: 8 { kh: u64 }
    NotifyInvalInode: 24 { ino: u64, off: i64, len: i64 }
    NotifyInvalEntry: 16 { parent: u64, namelen: u32, flags: u32 }
    NotifyDelete: 24 { parent: u64, child: u64, namelen: u32, padding: u32 }
    NotifyStore: 24 { nodeid: u64, offset: u64, size: u32, padding: u32 }
    NotifyRetrieve: 32 { notify_unique: u64, nodeid: u64, offset: u64, size: u32, padding: u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_the_kernels() {
        for (name, ours, kernels) in SIZES {
            assert_eq!(ours, kernels, "{name}");
        }
    }

    #[test]
    fn short_input_is_refused_and_bytes_round_trip() {
        let header = InHeader { len: 40, opcode: 3, unique: 8, nodeid: 1, ..Default::default() };
        assert_eq!(InHeader::read(header.bytes()), Some(header));
        assert_eq!(InHeader::read(&header.bytes()[..39]), None);
        let mut copy = InHeader::default();
        copy.bytes_mut().copy_from_slice(header.bytes());
        assert_eq!(copy, header);
    }
}
