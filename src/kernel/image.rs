//! Images as kernel modules.
//!
//! `kmod/` builds a small template module once for each kernel release. [`KernelImage::new`] puts compiled code and its tables in
//! place of two of the template's sections and gives it a name of its own: the bodies are appended to the file, and only the
//! section headers' offsets and sizes change, so that the template's relocations and the kernel's patch lists stay true. The kernel's
//! own loader does the rest: executable memory, its policy of signatures and lockdown, reference counts.
#![allow(unsafe_code)]

use super::device::Device;
use super::uapi::ImageMeta;
use crate::abi::slots::SLOTS_BYTES;
pub use crate::codegen::CodeImage;
use crate::codegen::Options;
use crate::codegen::image::abi_hash;
use crate::wasm::{FuncIndex, FuncType, Module, TypeIndex, ValType};
use sha2::{Digest, Sha256};
use std::ffi::CString;
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How names of packed modules end, and what unpacks them.
const PACKED: [(&str, &str); 3] = [(".xz", "xz"), (".gz", "gzip"), (".zst", "zstd")];
/// Name of the template module, in its file and in its metadata.
const TEMPLATE: &[u8] = b"wjimage\0";
/// Bytes of a module's name in the kernel.
const NAME_BYTES: usize = 64 - size_of::<usize>();

/// How often, and how many milliseconds apart, an image is loaded that somebody else unloads.
const HOLD_TRIES: (usize, u64) = (200, 10);

/// Why an image cannot enter the kernel. The text says what the user can do.
#[derive(Debug)]
pub struct ImageError(String);

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ImageError {}

fn fail<T>(text: impl Into<String>) -> Result<T, ImageError> {
    Err(ImageError(text.into()))
}

/// A type's signature for the kernel: number of parameters, number of results (bits 8..16), whether the result is a float (bit 16),
/// whether it has 64 bits (bit 17); then the set of parameters that are floats. Too many parameters show as 255.
pub fn signature(ty: &FuncType) -> [u32; 2] {
    let is_float = |ty: &ValType| matches!(ty, ValType::F32 | ValType::F64);
    let vectors = ty.params.iter().chain(&ty.results).any(|ty| *ty == ValType::V128);
    let fits = ty.params.len() <= super::uapi::MAX_VALUES && ty.results.len() <= 1 && !vectors;
    let params = if fits { ty.params.len() as u32 } else { 255 };
    let float = ty.results.first().is_some_and(is_float) as u32;
    let wide = ty.results.first().is_some_and(|ty| !matches!(ty, ValType::I32 | ValType::F32)) as u32;
    let floats = ty.params.iter().take(32).enumerate().map(|(at, ty)| (is_float(ty) as u32) << at).sum();
    [params | (ty.results.len().min(255) as u32) << 8 | float << 16 | wide << 17, floats]
}

/// What the kernel side has no counterpart of.
fn unsupported(module: &Module) -> Option<&'static str> {
    let memory = module.memories.first();
    let uses = [
        (module.memories.len() > 1, "several memories"),
        (memory.is_some_and(|memory| memory.memory64), "a 64-bit memory"),
        (module.tables.iter().any(|table| table.table64), "a 64-bit table"),
        (!module.tags.is_empty(), "exceptions"),
    ];
    uses.iter().find(|(used, _)| *used).map(|(_, what)| *what)
}

/// Head and tables of an image.
fn tables(module: &Module, image: &CodeImage) -> Vec<u8> {
    let mut words: Vec<u32> = module.functions.iter().map(|ty| ty.0).collect();
    let own = module.imported_functions..module.functions.len() as u32;
    words.extend(own.map(|func| image.function(FuncIndex(func)).map_or(0, |range| range.start as u32)));
    let first_equal = |ty: &FuncType| module.types.iter().position(|other| other == ty).unwrap_or(0) as u32;
    words.extend(module.types.iter().map(first_equal));
    let trampoline = |ty: u32| image.trampoline(TypeIndex(ty)).map_or(u32::MAX, |at| at as u32);
    words.extend((0..module.types.len() as u32).map(trampoline));
    words.extend(module.types.iter().flat_map(signature));
    let mut out = Vec::with_capacity(size_of::<ImageMeta>() + 4 * words.len());
    let mut id = Sha256::new();
    id.update(image.code());
    words.iter().for_each(|word| id.update(word.to_le_bytes()));
    let id = id.finalize();
    let long = [abi_hash(), u64::from_le_bytes([id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]])];
    let short = [
        (size_of::<ImageMeta>() + 4 * words.len()) as u32,
        image.code().len() as u32,
        module.functions.len() as u32,
        module.imported_functions,
        module.types.len() as u32,
        image.uses_floats() as u32,
        module.memories.len() as u32,
        module.memories.first().map_or(0, |memory| memory.limits.min as u32),
    ];
    long.iter().for_each(|number| out.extend(number.to_le_bytes()));
    short.iter().chain(&words).for_each(|number| out.extend(number.to_le_bytes()));
    out
}

/// An object file whose sections get other bodies.
struct Elf {
    bytes: Vec<u8>,
    /// Offset of the section headers, their number, the number of the section of names.
    headers: (usize, usize, usize),
}

const HEADER_BYTES: usize = 64;

impl Elf {
    fn new(bytes: &[u8]) -> Result<Elf, ImageError> {
        if bytes.len() < 64 || bytes[..6] != *b"\x7fELF\x02\x01" {
            return fail("the template is no 64-bit object file");
        }
        let mut elf = Elf { bytes: bytes.to_vec(), headers: (0, 0, 0) };
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]) as usize;
        elf.headers = (elf.word(0x28)? as usize, half(0x3c), half(0x3e));
        let end = elf.headers.0.checked_add(elf.headers.1 * HEADER_BYTES);
        if end.is_none_or(|end| end > bytes.len()) || half(0x3a) != HEADER_BYTES || elf.headers.2 >= elf.headers.1 {
            return fail("the template's section headers are damaged");
        }
        Ok(elf)
    }

    fn word(&self, at: usize) -> Result<u64, ImageError> {
        match at.checked_add(8).and_then(|end| self.bytes.get(at..end)) {
            Some(bytes) => Ok(u64::from_le_bytes(bytes.try_into().expect("eight bytes"))),
            None => fail("the template is truncated"),
        }
    }

    /// Place of a section's header.
    fn header(&self, section: usize) -> usize {
        self.headers.0 + section * HEADER_BYTES
    }

    /// Where a section's body lies in the file.
    fn body(&self, section: usize) -> Result<std::ops::Range<usize>, ImageError> {
        let at = self.header(section);
        let (start, size) = (self.word(at + 0x18)? as usize, self.word(at + 0x20)? as usize);
        match start.checked_add(size) {
            Some(end) if end <= self.bytes.len() => Ok(start..end),
            _ => fail("the template is truncated"),
        }
    }

    fn find(&self, name: &str) -> Result<usize, ImageError> {
        let names = &self.bytes[self.body(self.headers.2)?];
        for section in 0..self.headers.1 {
            let at = self.word(self.header(section))? as u32 as usize;
            let rest = names.get(at..).unwrap_or_default();
            if rest.split(|byte| *byte == 0).next() == Some(name.as_bytes()) {
                return Ok(section);
            }
        }
        fail(format!("the template has no section {name}"))
    }

    /// Gives a section another body.
    fn replace(&mut self, name: &str, body: &[u8]) -> Result<(), ImageError> {
        let at = self.header(self.find(name)?);
        let align = self.word(at + 0x30)?.clamp(16, 4096) as usize;
        self.bytes.resize(self.bytes.len().next_multiple_of(align), 0);
        let start = self.bytes.len() as u64;
        self.bytes[at + 0x18..at + 0x20].copy_from_slice(&start.to_le_bytes());
        self.bytes[at + 0x20..at + 0x28].copy_from_slice(&(body.len() as u64).to_le_bytes());
        self.bytes.extend(body);
        Ok(())
    }
}

/// A kernel module that holds an image.
pub struct KernelImage {
    /// The image's number, which [`super::uapi::Create`] names.
    pub id: u64,
    name: String,
    elf: Vec<u8>,
}

impl KernelImage {
    /// Makes the kernel module; the template was built for the running kernel.
    ///
    /// # Errors
    /// If the image was compiled for user space, or the template is none.
    pub fn new(template: &[u8], module: &Module, image: &CodeImage) -> Result<KernelImage, ImageError> {
        let wanted = Options::kernel();
        let options = image.options();
        if !options.thunks || !options.poll || !options.endbr || options.memory != wanted.memory {
            return fail("the code was not compiled for the kernel");
        }
        if let Some(what) = unsupported(module) {
            return fail(format!("the module uses {what}, which the kernel side does not support"));
        }
        let meta = tables(module, image);
        let id = u64::from_le_bytes(meta[8..16].try_into().expect("eight bytes"));
        let name = format!("wjimg_{id:016x}");
        let mut elf = Elf::new(template)?;
        let code = elf.body(elf.find(".wj.code")?)?;
        if code.len() < SLOTS_BYTES {
            return fail("the template has too few slots");
        }
        let mut body = elf.bytes[code][..SLOTS_BYTES].to_vec();
        body.extend(&image.code()[SLOTS_BYTES..]);
        elf.replace(".wj.code", &body)?;
        elf.replace(".wj.meta", &meta)?;
        let info = elf.bytes[elf.body(elf.find(".modinfo")?)?].to_vec();
        let mut renamed = Vec::with_capacity(info.len() + 16);
        for entry in info.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
            renamed.extend(if entry.starts_with(b"name=") {
                format!("name={name}").into_bytes()
            } else {
                entry.to_vec()
            });
            renamed.push(0);
        }
        elf.replace(".modinfo", &renamed)?;
        let this = elf.body(elf.find(".gnu.linkonce.this_module")?)?;
        let found = elf.bytes[this.clone()].windows(TEMPLATE.len()).position(|window| window == TEMPLATE);
        let Some(at) = found.filter(|at| at + NAME_BYTES <= this.len()) else {
            return fail("the template does not hold its own name");
        };
        let field = &mut elf.bytes[this.start + at..this.start + at + NAME_BYTES];
        field.fill(0);
        field[..name.len()].copy_from_slice(name.as_bytes());
        Ok(KernelImage { id, name, elf: elf.bytes })
    }

    /// The module's file, for who wants to sign or look at it.
    pub fn bytes(&self) -> &[u8] {
        &self.elf
    }

    /// The same module with other bytes, for tests of what the kernel refuses.
    pub fn with_bytes(self, elf: Vec<u8>) -> KernelImage {
        KernelImage { elf, ..self }
    }

    /// Loads it for an instance of this device, which holds it from then on. Another process that ran the same program may unload it
    /// between the two: then it is loaded again.
    ///
    /// # Errors
    /// If the kernel refuses it.
    pub fn load_for(&self, device: &Device) -> Result<LoadedImage, ImageError> {
        for _ in 0..HOLD_TRIES.0 {
            let loaded = self.load()?;
            match device.hold(self.id) {
                Ok(()) => return Ok(loaded),
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
                Err(error) => return fail(format!("the kernel does not hold the code: {error}")),
            }
            // What is on its way out counts as loaded for a while.
            std::mem::forget(loaded);
            std::thread::sleep(std::time::Duration::from_millis(HOLD_TRIES.1));
        }
        fail("the kernel does not keep the code: another process unloads it again and again")
    }

    /// Loads it, or finds that it is loaded.
    ///
    /// # Errors
    /// If the kernel refuses it.
    pub fn load(&self) -> Result<LoadedImage, ImageError> {
        let file = memfd(&self.elf).map_err(|error| ImageError(format!("no memory for the module: {error}")))?;
        let load = || {
            // SAFETY: an open descriptor and an empty string.
            match unsafe { libc::syscall(libc::SYS_finit_module, file.as_raw_fd(), c"".as_ptr(), 0) } {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        };
        let mut outcome = load();
        // Another process's module of the same name is just about to go, or did not come to be.
        for _ in 0..HOLD_TRIES.0 {
            if !outcome.as_ref().is_err_and(|error| error.raw_os_error() == Some(libc::EBUSY)) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(HOLD_TRIES.1));
            outcome = load();
        }
        let error = match outcome {
            Err(error) if error.raw_os_error() != Some(libc::EEXIST) => error,
            _ => return Ok(LoadedImage { id: self.id, name: self.name.clone() }),
        };
        fail(match error.raw_os_error() {
            Some(libc::EPERM) => "the kernel may not be given code: that takes CAP_SYS_MODULE (root)".to_owned(),
            Some(libc::EKEYREJECTED) => "the kernel takes signed modules only (Secure Boot or lockdown)".to_owned(),
            Some(libc::ENOENT) => "the kernel module is not loaded, or is another version: modprobe wasmjit".to_owned(),
            Some(libc::ENOEXEC) => {
                "the kernel module was built for another version of this program or of the kernel; see the kernel's log"
                    .to_owned()
            }
            _ => format!("the kernel does not take the code: {error}"),
        })
    }
}

fn memfd(bytes: &[u8]) -> io::Result<OwnedFd> {
    // SAFETY: a constant name; the descriptor is ours alone.
    let file = unsafe {
        let fd = libc::memfd_create(c"wasmjit-image".as_ptr(), libc::MFD_CLOEXEC);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(fd)
    };
    let mut file = std::fs::File::from(file);
    io::Write::write_all(&mut file, bytes)?;
    Ok(file.into())
}

/// A loaded image. Dropping it unloads it, unless instances or other processes use it.
#[derive(Debug)]
pub struct LoadedImage {
    /// Its number.
    pub id: u64,
    name: String,
}

impl LoadedImage {
    /// Has the image unloaded when this process is gone, by a process that waits for that: this one may be killed, or not be allowed to.
    ///
    /// # Errors
    /// If no process can be started.
    pub fn unload_at_exit(&self) -> io::Result<()> {
        let name = CString::new(self.name.as_str())?;
        let mut ends = [0; 2];
        // SAFETY: the child makes system calls on memory that was there before, and leaves; the write end stays open here for good.
        unsafe {
            if libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) != 0 {
                return Err(io::Error::last_os_error());
            }
            match libc::fork() {
                -1 => return Err(io::Error::last_os_error()),
                0 => wait_and_unload(ends[0], &name),
                _ => {}
            }
            libc::close(ends[0]);
        }
        Ok(())
    }
}

/// How often, and how many milliseconds apart, a process that has ended is waited for to let go of its image.
const UNLOAD_TRIES: (usize, u64) = (100, 20);

/// # Safety
/// Only in a child process that has nothing else to do.
unsafe fn wait_and_unload(end: libc::c_int, name: &std::ffi::CStr) -> ! {
    // SAFETY: by contract; only system calls.
    unsafe {
        // What ends the program from the terminal does not end this, and no stream is held open.
        libc::setsid();
        libc::dup2(end, 0);
        libc::syscall(libc::SYS_close_range, 1, u32::MAX, 0);
        libc::read(0, [0u8; 1].as_mut_ptr().cast(), 1);
        for _ in 0..UNLOAD_TRIES.0 {
            if libc::syscall(libc::SYS_delete_module, name.as_ptr(), libc::O_NONBLOCK) == 0
                || *libc::__errno_location() == libc::ENOENT
            {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(UNLOAD_TRIES.1));
        }
        libc::_exit(0)
    }
}

impl Drop for LoadedImage {
    fn drop(&mut self) {
        if let Ok(name) = CString::new(self.name.as_str()) {
            // SAFETY: a valid string. The kernel refuses while somebody uses the module.
            unsafe { libc::syscall(libc::SYS_delete_module, name.as_ptr(), libc::O_NONBLOCK) };
        }
    }
}

/// Release of the running kernel.
pub fn release() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().to_owned()
}

/// Where a module of the running kernel is, below `root`, which is `/`.
pub fn module_file(root: &Path, release: &str, name: &str) -> Option<PathBuf> {
    let modules = root.join("lib/modules").join(release);
    let folders = ["updates/dkms", "updates", "extra"].map(|folder| modules.join(folder));
    let suffixes = std::iter::once("").chain(PACKED.iter().map(|(suffix, _)| *suffix));
    let files = suffixes.flat_map(|suffix| folders.each_ref().map(|folder| folder.join(format!("{name}.ko{suffix}"))));
    files.into_iter().find(|file| file.is_file())
}

/// A module's bytes. What was packed when it was installed is unpacked by the program that packed it.
fn read_module(file: &Path) -> io::Result<Vec<u8>> {
    let name = file.as_os_str().to_string_lossy();
    let Some((_, program)) = PACKED.iter().find(|(suffix, _)| name.ends_with(suffix)) else {
        return std::fs::read(file);
    };
    let output = Command::new(program).arg("-dc").arg(file).stdin(Stdio::null()).output()?;
    if output.status.success() { Ok(output.stdout) } else { Err(io::Error::other(format!("{program} failed"))) }
}

/// Reads the template for the running kernel.
///
/// # Errors
/// If there is none: the kernel module is not installed.
pub fn template() -> Result<Vec<u8>, ImageError> {
    let wanted = std::env::var_os("WASMJIT_TEMPLATE").map(PathBuf::from);
    if let Some(file) = wanted.or_else(|| module_file(Path::new("/"), &release(), "wjimage")) {
        return read_module(&file).map_err(|error| ImageError(format!("{}: {error}", file.display())));
    }
    fail(format!(
        "wjimage.ko is not installed below /lib/modules/{}: build and install the kernel module (kmod/)",
        release()
    ))
}
