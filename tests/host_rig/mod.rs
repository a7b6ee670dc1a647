//! A guest that is nothing but its imports: for every host function an export that calls it, and a memory. Tests call host functions
//! through it as a guest does, shortcuts included, with the arguments that they choose.
#![allow(dead_code)]

pub mod fuzz;

use std::collections::HashMap;
use std::fmt::Write;
use wasmjit::host::{self, Errno, HasHost, Host, Policy, Role, Row, Stream};
use wasmjit::runtime::{Config, Engine, Func, Instance, Linker, Memory, Module, Store, Trap, Val};
use wasmjit::wasm::ValType;

pub struct Data(pub Host);

impl HasHost for Data {
    fn host(&mut self) -> &mut Host {
        &mut self.0
    }
}

/// Bytes of the guest's memory.
pub const MEMORY: u32 = 16 << 16;

/// Where strings and buffers of the tests are put, one after the other.
const SCRATCH: u32 = 1 << 16;

pub struct Rig {
    pub store: Store<Data>,
    pub instance: Instance,
    pub memory: Memory,
    pub funcs: Vec<(Row, Func)>,
    by_name: HashMap<&'static str, Func>,
    next: u32,
}

/// `AT_FDCWD`.
pub const CWD: i32 = -100;

/// Every row that is bound at most once.
pub fn rows() -> Vec<Row> {
    let old = ["__cxa", "__resume", "llvm_eh", "_emscripten_throw"];
    let mut seen = HashMap::new();
    host::provided()
        .filter(|row| !old.iter().any(|p| row.name.starts_with(p)))
        .filter(|row| seen.insert((row.module, row.name, row.ty(false)), ()).is_none())
        .collect()
}

pub fn letter(ty: &ValType) -> &'static str {
    match ty {
        ValType::I64 => "i64",
        ValType::F64 => "f64",
        ValType::F32 => "f32",
        _ => "i32",
    }
}

/// The text of a module that imports every row and exports a function that calls it, with 64-bit numbers whole.
fn text(rows: &[Row]) -> String {
    let mut imports = String::new();
    let mut exports = String::new();
    for (index, row) in rows.iter().enumerate() {
        let ty = row.ty(false);
        let params: Vec<_> = ty.params.iter().map(letter).collect();
        let results: Vec<_> = ty.results.iter().map(letter).collect();
        let result = if results.is_empty() { String::new() } else { format!("(result {})", results.join(" ")) };
        let params = if params.is_empty() { String::new() } else { format!("(param {})", params.join(" ")) };
        writeln!(imports, "(import {:?} {:?} (func $f{index} {params} {result}))", row.module, row.name).unwrap();
        let args: String = (0..ty.params.len()).map(|arg| format!("(local.get {arg})")).collect();
        writeln!(exports, "(func (export \"f{index}\") {params} {result} (call $f{index} {args}))").unwrap();
    }
    format!("(module {imports} (memory (export \"memory\") 16 16) {exports})")
}

impl Rig {
    /// A rig with every row that is bound at most once.
    pub fn new(policy: &Policy) -> Rig {
        let engine = Engine::new(&Config::new());
        let rows = rows();
        let bytes = wat::parse_str(text(&rows)).expect("a valid module");
        let module = Module::new(&engine, &bytes).expect("a module that compiles");
        let mut host = Host::new(policy).expect("a policy that can be opened");
        host.stdio([Stream::Null, Stream::Null, Stream::Null]).expect("streams");
        host.layout = host::Layout::for_version("6.0.5").expect("a version");
        let mut linker = Linker::new();
        host::link(&mut linker, &module).expect("host functions that do not clash");
        let mut store = Store::new(&engine, Data(host));
        let instance = linker.instantiate(&mut store, &module).expect("an instance");
        let memory = instance.get_memory(&store, "memory").expect("a memory");
        let funcs: Vec<(Row, Func)> = rows
            .iter()
            .enumerate()
            .map(|(index, row)| (*row, instance.get_func(&store, &format!("f{index}")).expect("an export")))
            .collect();
        let mut by_name = HashMap::new();
        for (row, func) in &funcs {
            by_name.entry(row.name).or_insert(*func);
        }
        Rig { store, instance, memory, funcs, by_name, next: SCRATCH }
    }

    /// Bytes in guest memory.
    pub fn bytes(&mut self, bytes: &[u8]) -> i64 {
        if self.next + bytes.len() as u32 + 16 > MEMORY {
            self.next = SCRATCH;
        }
        let at = self.next;
        self.memory.view(&mut self.store).copy_in(at, bytes).expect("room");
        self.next = (at + bytes.len() as u32).next_multiple_of(8);
        i64::from(at)
    }

    /// A NUL-terminated string in guest memory.
    pub fn str(&mut self, text: &str) -> i64 {
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0);
        self.bytes(&bytes)
    }

    /// Room in guest memory.
    pub fn room(&mut self, len: usize) -> i64 {
        self.bytes(&vec![0; len])
    }

    pub fn read(&mut self, at: i64, len: usize) -> Vec<u8> {
        self.memory.view(&mut self.store).read_bytes(at as u32, len as u32).expect("readable")
    }

    /// Calls a row with numbers for its parameters.
    pub fn call_func(&mut self, func: Func, args: &[i64]) -> Result<i64, Trap> {
        let ty = func.ty(&self.store);
        let args: Vec<Val> = ty
            .params
            .iter()
            .zip(args)
            .map(|(ty, arg)| match ty {
                ValType::I64 => Val::I64(*arg),
                ValType::F64 => Val::F64((*arg as f64).to_bits()),
                _ => Val::I32(*arg as i32),
            })
            .collect();
        let results = func.call(&mut self.store, &args)?;
        Ok(results.first().map_or(0, |v| v.i32().map(i64::from).or(v.i64()).unwrap_or(0)))
    }

    /// A system call's answer.
    pub fn sys(&mut self, name: &str, args: &[i64]) -> Result<i64, Errno> {
        let func = *self.by_name.get(name).unwrap_or_else(|| panic!("no row {name}"));
        let answer = self.call_func(func, args).unwrap_or_else(|trap| panic!("{name}: {trap}"));
        if answer < 0 { Err(Errno::from_emscripten(-answer as u16).expect("a known error")) } else { Ok(answer) }
    }

    /// A WASI function's answer.
    pub fn wasi(&mut self, name: &str, args: &[i64]) -> Result<(), Errno> {
        match self.sys(name, args)? {
            0 => Ok(()),
            number => Err(Errno::from_emscripten(number as u16).expect("a known error")),
        }
    }

    pub fn openat(&mut self, dirfd: i32, path: &str, flags: i32) -> Result<i32, Errno> {
        let path = self.str(path);
        let va = self.bytes(&0o644u32.to_le_bytes());
        self.sys("__syscall_openat", &[i64::from(dirfd), path, i64::from(flags), va]).map(|fd| fd as i32)
    }

    pub fn open(&mut self, path: &str, flags: i32) -> Result<i32, Errno> {
        self.openat(CWD, path, flags)
    }

    pub fn close(&mut self, fd: i32) {
        self.wasi("fd_close", &[i64::from(fd)]).expect("an open descriptor");
    }

    /// The first bytes of an open file.
    pub fn content(&mut self, fd: i32) -> Result<String, Errno> {
        let (buf, out) = (self.room(256), self.room(8));
        let mut iov = (buf as u32).to_le_bytes().to_vec();
        iov.extend_from_slice(&256u32.to_le_bytes());
        let iov = self.bytes(&iov);
        self.wasi("fd_read", &[i64::from(fd), iov, 1, out])?;
        let len = self.read(out, 4);
        let bytes = self.read(buf, u32::from_le_bytes(len.try_into().unwrap()) as usize);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The content of a file by path.
    pub fn cat(&mut self, path: &str) -> Result<String, Errno> {
        self.catat(CWD, path)
    }

    pub fn catat(&mut self, dirfd: i32, path: &str) -> Result<String, Errno> {
        let fd = self.openat(dirfd, path, 0)?;
        let content = self.content(fd);
        self.close(fd);
        content
    }

    /// A call that takes one path and numbers behind it.
    pub fn path(&mut self, name: &str, path: &str, rest: &[i64]) -> Result<i64, Errno> {
        let path = self.str(path);
        let args: Vec<i64> = std::iter::once(path).chain(rest.iter().copied()).collect();
        self.sys(name, &args)
    }

    /// A call that takes a directory, a path, and numbers.
    pub fn at(&mut self, name: &str, dirfd: i32, path: &str, rest: &[i64]) -> Result<i64, Errno> {
        let path = self.str(path);
        let args: Vec<i64> = [i64::from(dirfd), path].into_iter().chain(rest.iter().copied()).collect();
        self.sys(name, &args)
    }

    /// A call that takes two paths.
    pub fn two(&mut self, name: &str, a: &str, b: &str) -> Result<i64, Errno> {
        let (a, b) = (self.str(a), self.str(b));
        self.sys(name, &[a, b])
    }

    /// `st_mode`.
    pub fn mode(&mut self, name: &str, path: &str) -> Result<u32, Errno> {
        let buf = self.room(96);
        self.path(name, path, &[buf])?;
        let mode = self.read(buf + 4, 4);
        Ok(u32::from_le_bytes(mode.try_into().unwrap()))
    }

    /// The text of a symbolic link.
    pub fn readlink(&mut self, path: &str) -> Result<String, Errno> {
        let buf = self.room(4096);
        let len = self.path("__syscall_readlink", path, &[buf, 4096])?;
        Ok(String::from_utf8_lossy(&self.read(buf, len as usize)).into_owned())
    }

    pub fn getcwd(&mut self) -> Result<String, Errno> {
        let buf = self.room(4096);
        let len = self.sys("__syscall_getcwd", &[buf, 4096])?;
        Ok(String::from_utf8_lossy(&self.read(buf, len as usize - 1)).into_owned())
    }

    /// The names in a directory, sorted.
    pub fn names(&mut self, path: &str) -> Result<Vec<String>, Errno> {
        let fd = self.open(path, O_DIRECTORY)?;
        let (buf, mut names) = (self.room(1024), Vec::new());
        loop {
            let len = self.sys("__syscall_getdents64", &[i64::from(fd), buf, 1024])? as usize;
            if len == 0 {
                break;
            }
            let bytes = self.read(buf, len);
            let mut at = 0;
            while at < len {
                let record = usize::from(u16::from_le_bytes([bytes[at + 16], bytes[at + 17]]));
                let name = &bytes[at + 19..at + record];
                let end = name.iter().position(|b| *b == 0).expect("a terminator");
                names.push(String::from_utf8_lossy(&name[..end]).into_owned());
                at += record;
            }
        }
        self.close(fd);
        names.sort();
        Ok(names)
    }
}

/// Parameters of a row that 64-bit numbers take.
pub fn is_wide(role: Role) -> bool {
    matches!(role, Role::Off | Role::Wide)
}

pub const O_WRONLY: i32 = 1;
pub const O_RDWR: i32 = 2;
pub const O_CREAT: i32 = 0o100;
pub const O_EXCL: i32 = 0o200;
pub const O_TRUNC: i32 = 0o1000;
pub const O_DIRECTORY: i32 = 0o200000;
pub const O_NOFOLLOW: i32 = 0o400000;
pub const O_PATH: i32 = 0o10000000;
pub const O_TMPFILE: i32 = 0o20200000;

/// Descriptors that this process has open.
pub fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("a proc filesystem").count()
}
