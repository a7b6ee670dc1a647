//! Options of an engine.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes of stack that guests may use, if the thread has as much.
const DEFAULT_STACK: usize = 4 << 20;

/// Entries that a table may have, unless the embedder says otherwise.
const DEFAULT_TABLE_ENTRIES: u32 = 10_000_000;

/// Options of an [`crate::Engine`].
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) interruptible: bool,
    pub(crate) kernel_code: bool,
    pub(crate) memory_limit: Option<u64>,
    pub(crate) table_limit: u32,
    pub(crate) stack_size: usize,
    pub(crate) cache_dir: Option<PathBuf>,
    pub(crate) perf_map: Option<Arc<File>>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            interruptible: false,
            kernel_code: false,
            memory_limit: None,
            table_limit: DEFAULT_TABLE_ENTRIES,
            stack_size: DEFAULT_STACK,
            cache_dir: None,
            perf_map: None,
        }
    }
}

impl Config {
    /// The defaults: not interruptible, no limit on memory, 4 MiB of stack, no cache.
    pub fn new() -> Config {
        Config::default()
    }

    /// Compiles guests so that an [`crate::InterruptHandle`] can stop them. Costs a load and a branch per loop iteration.
    pub fn interruptible(&mut self, enabled: bool) -> &mut Config {
        self.interruptible = enabled;
        self
    }

    /// Compiles guests as for the inside of a kernel, which runs in user space, too, only slower. For tests.
    pub fn kernel_code(&mut self, enabled: bool) -> &mut Config {
        self.kernel_code = enabled;
        self
    }

    /// Most bytes that each linear memory may have. `None`: the 4 GiB that its addresses reach.
    pub fn memory_limit(&mut self, bytes: Option<u64>) -> &mut Config {
        self.memory_limit = bytes;
        self
    }

    /// Most entries that each table may have.
    pub fn table_limit(&mut self, entries: u32) -> &mut Config {
        self.table_limit = entries;
        self
    }

    /// Most bytes of the thread's stack that a guest may use. The host keeps at least 128 KiB of the stack for itself.
    pub fn stack_size(&mut self, bytes: usize) -> &mut Config {
        self.stack_size = bytes;
        self
    }

    /// Where compiled images are kept between runs. The directory is made with mode 0700; one that belongs to somebody else or
    /// that others can write is not used. `None`: nowhere.
    pub fn cache_dir(&mut self, dir: Option<PathBuf>) -> &mut Config {
        self.cache_dir = dir;
        self
    }

    /// Where to write which addresses belong to which function of a guest, in the format of Linux perf's maps (`perf-PID.map`).
    /// `None`: nowhere.
    pub fn perf_map(&mut self, file: Option<File>) -> &mut Config {
        self.perf_map = file.map(Arc::new);
        self
    }
}
