//! Gives the compiler's sources a number, which keys cached images: an image of another compiler is never used.

use std::path::{Path, PathBuf};

/// Folders whose contents decide what a module compiles to.
const COMPILER: [&str; 4] = ["src/abi", "src/wasm", "src/ir", "src/codegen"];

fn main() -> std::io::Result<()> {
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
        for byte in std::fs::read(file).unwrap_or_default() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    println!("cargo::rustc-env=WASMJIT_COMPILER={hash:016x}");
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
