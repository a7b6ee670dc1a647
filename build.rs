//! What the build puts into the program: a number for the compiler's sources, the SDK's files, and the example filesystems
//! that have a name of their own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Folders whose contents decide what a module compiles to.
const COMPILER: &[&str] = &["src/abi", "src/wasm", "src/ir", "src/codegen"];
/// Folders of the SDK, below `fs-host/sdk`.
const SDK: &[&str] = &["bin", "c", "rust"];
/// Filesystems that can be mounted by name.
const FILESYSTEMS: &[&str] = &["hello", "memfs"];
/// Folders that hold products, not sources.
const PRODUCTS: &[&str] = &["target", "build"];

fn main() -> io::Result<()> {
    number_compiler()?;
    embed()
}

/// The number keys cached images: an image of another compiler is never used.
fn number_compiler() -> io::Result<()> {
    let mut files = Vec::new();
    for folder in COMPILER {
        println!("cargo::rerun-if-changed={folder}");
        collect(Path::new(folder), &mut files)?;
    }
    files.push(PathBuf::from("Cargo.lock"));
    println!("cargo::rerun-if-changed=Cargo.lock");
    files.sort();
    // FNV-1a: it only has to differ when the sources do.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for file in files {
        // A package may come without the lock file.
        for byte in fs::read(file).unwrap_or_default() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    println!("cargo::rustc-env=WASMJIT_COMPILER={hash:016x}");
    Ok(())
}

/// Writes the tables that `cli::embedded` includes.
fn embed() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let sdk = root.join("fs-host/sdk");
    let mut files = Vec::new();
    for folder in SDK {
        println!("cargo::rerun-if-changed=fs-host/sdk/{folder}");
        collect(&sdk.join(folder), &mut files)?;
    }
    files.sort();
    let mut code = String::from("/// Path below the SDK's folder, whether it is a program, contents.\n");
    code += "pub const SDK: &[(&str, bool, &[u8])] = &[\n";
    for path in &files {
        let name = path.strip_prefix(&sdk).map_err(io::Error::other)?;
        let program = is_program(path)?;
        let _ = writeln!(code, "    ({:?}, {program}, include_bytes!({:?})),", name, path);
    }
    code += "];\n\n/// Name and module of each filesystem that can be mounted by name.\n";
    code += "pub const FILESYSTEMS: &[(&str, &[u8])] = &[\n";
    for name in FILESYSTEMS {
        let path = root.join(format!("examples/{name}/{name}.wasm"));
        println!("cargo::rerun-if-changed={}", path.display());
        if path.exists() {
            let _ = writeln!(code, "    ({name:?}, include_bytes!({path:?})),");
        }
    }
    code += "];\n";
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("embedded.rs"), code)
}

/// Adds the files below a folder; a folder that does not exist has none.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !PRODUCTS.contains(&name) {
                collect(&path, files)?;
            }
        } else if !name.starts_with('.') {
            files.push(path);
        }
    }
    Ok(())
}

fn is_program(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(path)?.permissions().mode() & 0o111 != 0)
}
