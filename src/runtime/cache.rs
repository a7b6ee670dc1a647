//! Compiled images on disk.
//!
//! One file per key in a directory that only its owner can write. The key covers everything that an image depends on. An entry is written to
//! a temporary file and renamed, and is believed only if it belongs to the user, carries its key and its checksum fits;
//! any other entry is treated as absent, and the next compilation replaces it. Storing one removes those that were not used
//! for longest, until all together are small enough.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use blake3::Hasher;

use crate::sys::mapping::{FileMapping, effective_uid};

/// First bytes of an entry.
const MAGIC: &[u8; 8] = b"wjcache4";

/// Bytes before the image: magic, key, checksum of the image, zeros. A page, so that pages of the image are pages of the file.
pub(crate) const HEADER: usize = 1 << 12;

/// Largest entry that is read.
const MAX_ENTRY: u64 = 2 << 30;

/// Modules from this size on are read by two threads: one makes the key and looks the image up, one describes the module.
pub(crate) const LARGE_MODULE: usize = 1 << 20;

/// Bytes that all entries together may have.
const MAX_TOTAL: u64 = 1 << 30;

/// After how long a temporary file has no writer any more.
const ABANDONED: Duration = Duration::from_secs(3600);

/// What an image depends on, as one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// The key of the image of a module: its bytes, the compiler, the ABI between compiled code and runtime, and the options.
    pub(crate) fn new(module: &[u8], abi: u64, options: u64) -> Key {
        let mut hash = Hasher::new();
        hash.update(MAGIC);
        hash.update(env!("CARGO_PKG_VERSION").as_bytes());
        hash.update(&[0]);
        hash.update(env!("WASMJIT_COMPILER").as_bytes());
        hash.update(&abi.to_le_bytes());
        hash.update(&options.to_le_bytes());
        hash.update(&module.len().to_le_bytes());
        hash.update(module);
        Key(hash.finalize().into())
    }

    fn file_name(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A directory of images.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Opens the directory, and makes it if need be. `None`, with a message in the log, if it cannot be trusted.
    pub(crate) fn open(dir: &Path) -> Option<Cache> {
        if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(dir) {
            log::info!("no cache of compiled code in {}: {error}", dir.display());
            return None;
        }
        let metadata = std::fs::symlink_metadata(dir).ok()?;
        if !metadata.is_dir() || !private(&metadata) {
            log::warn!(
                "the cache of compiled code {} is not used: it is not a directory that only you can write",
                dir.display()
            );
            return None;
        }
        Some(Cache { dir: dir.to_owned() })
    }

    /// The image with that key: an entry, whose image begins at [`HEADER`].
    pub(crate) fn load(&self, key: &Key) -> Option<FileMapping> {
        let path = self.dir.join(key.file_name());
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&path).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || !private(&metadata) || metadata.len() > MAX_ENTRY {
            log::warn!("the cached image {} is ignored: others could have written it", path.display());
            return None;
        }
        // SAFETY: only the user can write the file or its directory, and an entry has its name from when it is complete on:
        // it may be removed or replaced by another file, but nobody writes to it.
        let entry = unsafe { FileMapping::new(&file, metadata.len() as usize) }.ok()?;
        if !is_sound(entry.as_ref(), key) {
            log::info!("the cached image {} is damaged and will be rebuilt", path.display());
            return None;
        }
        // When it was used last decides what is evicted; an entry that keeps its old time is only evicted sooner.
        let _ = file.set_modified(SystemTime::now());
        Some(entry)
    }

    /// Keeps an image. Failing to is not an error: the next run compiles again.
    pub(crate) fn store(&self, key: &Key, image: &[u8]) {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let name = key.file_name();
        let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = self.dir.join(format!("{name}.{}.{unique}.tmp", std::process::id()));
        let result =
            write_entry(&temporary, key, image).and_then(|()| std::fs::rename(&temporary, self.dir.join(name)));
        if let Err(error) = result {
            log::info!("a compiled image was not cached in {}: {error}", self.dir.display());
            // It may not exist, which is fine.
            let _ = std::fs::remove_file(&temporary);
        }
        self.evict(MAX_TOTAL);
    }

    /// Removes what was not used for longest until the rest has at most `total` bytes, and what writers left that
    /// were killed. Other processes may do the same at the same time: what is gone already is as good as removed.
    fn evict(&self, total: u64) {
        let now = SystemTime::now();
        let mut entries: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in std::fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let Ok(used) = metadata.modified() else { continue };
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".tmp") {
                if now.duration_since(used).is_ok_and(|age| age > ABANDONED) {
                    let _ = std::fs::remove_file(entry.path());
                }
            } else if is_key(&name) {
                entries.push((used, metadata.len(), entry.path()));
            }
        }
        entries.sort_unstable_by(|a, b| b.cmp(a));
        let mut kept = 0u64;
        for (_, size, path) in entries {
            kept = kept.saturating_add(size);
            if kept > total {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// Whether a file has the name of an entry. Nothing else in the directory is ours to remove.
fn is_key(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether something belongs to the user and nobody else can write it.
fn private(metadata: &std::fs::Metadata) -> bool {
    metadata.uid() == effective_uid() && metadata.mode() & 0o022 == 0
}

fn is_sound(entry: &[u8], key: &Key) -> bool {
    let Some((header, image)) = entry.split_at_checked(HEADER) else { return false };
    let rest = header.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(&key.0));
    let Some((sum, zeros)) = rest.and_then(|rest| rest.split_at_checked(32)) else { return false };
    zeros.iter().all(|byte| *byte == 0) && sum == checksum(image)
}

/// Tells damage, not malice, as only the user can write entries: a change within one word always changes the sum.
fn checksum(bytes: &[u8]) -> [u8; 32] {
    const FACTORS: [u64; 4] =
        [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f, 0x1656_67b1_9e37_79f9, 0x85eb_ca77_c2b2_ae63];
    let mut lanes = FACTORS.map(|factor| factor ^ bytes.len() as u64);
    let mut add = |block: &[u8; 32]| {
        for (lane, (word, factor)) in lanes.iter_mut().zip(block.as_chunks::<8>().0.iter().zip(FACTORS)) {
            *lane = (*lane ^ u64::from_le_bytes(*word)).wrapping_mul(factor).rotate_left(29);
        }
    };
    let (blocks, rest) = bytes.as_chunks::<32>();
    blocks.iter().for_each(&mut add);
    let mut last = [0; 32];
    last[..rest.len()].copy_from_slice(rest);
    add(&last);
    let mut sum = [0; 32];
    sum.as_chunks_mut::<8>().0.iter_mut().zip(lanes).for_each(|(part, lane)| *part = lane.to_le_bytes());
    sum
}

fn write_entry(path: &Path, key: &Key, image: &[u8]) -> std::io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut header = [MAGIC.as_slice(), &key.0, &checksum(image)].concat();
    header.resize(HEADER, 0);
    file.write_all(&header)?;
    file.write_all(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    struct TempDir(PathBuf);

    impl TempDir {
        fn new(name: &str) -> TempDir {
            let dir = std::env::temp_dir().join(format!("wasmjit-cache-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&dir);
            std::fs::create_dir(&dir).unwrap();
            TempDir(dir)
        }
    }

    impl Drop for TempDir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn entry(cache: &Cache, key: &Key) -> PathBuf {
        cache.dir.join(key.file_name())
    }

    #[test]
    fn entries_come_back_and_keys_differ() {
        let temp = TempDir::new("roundtrip");
        let cache = Cache::open(&temp.0.join("a/b")).unwrap();
        let mode = std::fs::metadata(&cache.dir).unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);
        let key = Key::new(b"module", 1, 2);
        for other in [Key::new(b"modulf", 1, 2), Key::new(b"module", 2, 2), Key::new(b"module", 1, 3)] {
            assert_ne!(key, other);
        }
        assert!(cache.load(&key).is_none());
        cache.store(&key, b"image");
        cache.store(&key, b"image");
        assert_eq!(cache.load(&key).unwrap().as_ref()[HEADER..], *b"image");
        assert_eq!(std::fs::read_dir(&cache.dir).unwrap().count(), 1);
    }

    #[test]
    fn what_was_not_used_for_longest_is_evicted() {
        let temp = TempDir::new("evict");
        let cache = Cache::open(&temp.0.join("cache")).unwrap();
        let keys = [1, 2, 3].map(|options| Key::new(b"module", 1, options));
        let hours = |hours: u64| SystemTime::now() - Duration::from_secs(hours * 3600);
        let age = |path: &Path, time| File::open(path).unwrap().set_modified(time).unwrap();
        for (key, hour) in keys.iter().zip([9, 8, 7]) {
            cache.store(key, &[0; 1000]);
            age(&entry(&cache, key), hours(hour));
        }
        for (name, hour) in [("new.tmp", 0), ("old.tmp", 2), ("README", 99)] {
            std::fs::write(cache.dir.join(name), b"").unwrap();
            age(&cache.dir.join(name), hours(hour));
        }
        // The oldest has been used since.
        assert!(cache.load(&keys[0]).is_some());
        cache.evict(2 * (1000 + HEADER as u64));
        assert_eq!(keys.each_ref().map(|key| entry(&cache, key).exists()), [true, false, true]);
        assert_eq!(["new.tmp", "old.tmp", "README"].map(|name| cache.dir.join(name).exists()), [true, false, true]);
        // What is bigger than all may be goes as well.
        cache.evict(999);
        assert!(keys.iter().all(|key| !entry(&cache, key).exists()));
    }

    #[test]
    fn damaged_entries_are_absent() {
        let temp = TempDir::new("damage");
        let cache = Cache::open(&temp.0.join("cache")).unwrap();
        let key = Key::new(b"module", 1, 2);
        cache.store(&key, b"image of a module");
        let good = std::fs::read(entry(&cache, &key)).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(entry(&cache, &key), &bad).unwrap();
            assert!(cache.load(&key).is_none(), "byte {at}");
            std::fs::write(entry(&cache, &key), &good[..at]).unwrap();
            assert!(cache.load(&key).is_none(), "length {at}");
        }
        // Another key's entry does not pass for this one's.
        cache.store(&Key::new(b"other", 1, 2), b"image of another");
        std::fs::copy(entry(&cache, &Key::new(b"other", 1, 2)), entry(&cache, &key)).unwrap();
        assert!(cache.load(&key).is_none());
        cache.store(&key, b"image of a module");
        assert!(cache.load(&key).is_some());
    }

    #[test]
    fn what_others_could_have_written_is_absent() {
        let temp = TempDir::new("foreign");
        let cache = Cache::open(&temp.0.join("cache")).unwrap();
        let key = Key::new(b"module", 1, 2);
        cache.store(&key, b"image");
        let path = entry(&cache, &key);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
        assert!(cache.load(&key).is_none());
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert!(cache.load(&key).is_some());
        let moved = temp.0.join("elsewhere");
        std::fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        assert!(cache.load(&key).is_none());
        std::fs::set_permissions(&cache.dir, PermissionsExt::from_mode(0o777)).unwrap();
        assert!(Cache::open(&cache.dir).is_none());
        symlink(&cache.dir, temp.0.join("link")).unwrap();
        assert!(Cache::open(&temp.0.join("link")).is_none());
        std::fs::write(temp.0.join("file"), b"").unwrap();
        assert!(Cache::open(&temp.0.join("file")).is_none());
    }
}
