//! Where a module comes from: a file, or the program itself.

use super::embedded::FILESYSTEMS;
use super::failure::{Failure, Outcome};
use std::borrow::Cow;
use std::fs::File;
use std::path::Path;
use wasmjit::Engine;

/// Room that is made before a file is read, at most; a device may claim any size.
const MAX_BUFFER: u64 = 1 << 30;

/// A module's bytes and the name that it runs under.
pub struct Source {
    /// The file's name without `.wasm`: what the guest sees as its own.
    pub name: String,
    /// The module.
    pub bytes: Cow<'static, [u8]>,
}

/// Reads a module. A plain word is the name of a filesystem that comes with the program; `./word` is a file.
pub fn read(path: &Path) -> Outcome<Source> {
    if let Some(source) = path.to_str().and_then(embedded) {
        return Ok(source);
    }
    let bytes = read_file(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => missing(path),
        std::io::ErrorKind::IsADirectory => Failure::file(path, "is a directory; a .wasm file is needed"),
        _ => Failure::file(path, error),
    })?;
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(Source { name: name.unwrap_or_else(|| "guest".to_string()), bytes: Cow::Owned(bytes) })
}

fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let expected = file.metadata()?.len().min(MAX_BUFFER) as usize;
    Engine::read_file(&mut file, expected)
}

fn embedded(name: &str) -> Option<Source> {
    let (name, bytes) = FILESYSTEMS.iter().find(|(known, _)| *known == name)?;
    Some(Source { name: name.to_string(), bytes: Cow::Borrowed(bytes) })
}

fn missing(path: &Path) -> Failure {
    let names: Vec<_> = FILESYSTEMS.iter().map(|(name, _)| *name).collect();
    let plain = path.components().count() == 1 && path.extension().is_none();
    match plain && !names.is_empty() {
        true => Failure::file(
            path,
            format!("no such file, and no filesystem of that name (there are: {})", names.join(", ")),
        ),
        false => Failure::file(path, "no such file"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_files_are_told_apart() {
        for (name, bytes) in FILESYSTEMS {
            assert!(bytes.starts_with(b"\0asm"), "{name}");
            assert_eq!(read(Path::new(name)).ok().map(|source| source.name).as_deref(), Some(*name));
            assert!(read(&Path::new("./no/such/folder").join(name)).is_err());
        }
        let error = read(Path::new("no/such.wasm")).err().expect("there is none").message;
        assert_eq!(error, "no/such.wasm: no such file");
        assert!(read(Path::new("/")).err().expect("not a file").message.contains("directory"));
    }
}
