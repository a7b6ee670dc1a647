//! `wasmjit sdk`, `wasmjit cc`, `wasmjit c++`: the SDK that the program carries.

use super::args::{CompileArgs, SdkArgs};
use super::embedded::SDK;
use super::failure::{Failure, OK, Outcome};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Prints one of the SDK's places.
pub fn main(args: SdkArgs) -> Outcome {
    let sdk = unpacked()?;
    let line = match args.what {
        what if what.pkg_config => sdk.join("c/pkgconfig").into_os_string(),
        what if what.rust => sdk.join("rust").into_os_string(),
        what if what.cflags => {
            let mut flags = std::ffi::OsString::from("-I");
            flags.push(sdk.join("c/include/fuse3"));
            flags
        }
        _ => sdk.into_os_string(),
    };
    let mut out = io::stdout();
    let printed = out.write_all(line.as_encoded_bytes()).and_then(|()| out.write_all(b"\n"));
    printed.map_err(|error| Failure::new(format!("standard output: {error}")))?;
    Ok(OK)
}

/// Becomes one of the SDK's compilers.
pub fn compile(program: &str, args: CompileArgs) -> Outcome {
    let path = unpacked()?.join("bin").join(program);
    let error = std::process::Command::new(&path).args(args.args).exec();
    Err(Failure::file(&path, error))
}

/// The SDK's directory; unpacks it if this version was not unpacked yet.
fn unpacked() -> Outcome<PathBuf> {
    let data = data_home()?;
    let home = data.join("wasmjit");
    let sdk = home.join(format!("sdk-{}-{}", env!("CARGO_PKG_VERSION"), digest()));
    if sdk.is_dir() {
        return Ok(sdk);
    }
    let hint = |error: io::Error| {
        Failure::file(&sdk, format!("{error}; set XDG_DATA_HOME to a directory that can be written"))
    };
    fs::create_dir_all(&home).map_err(hint)?;
    let temporary = home.join(format!(".sdk-{}", std::process::id()));
    let _ = fs::remove_dir_all(&temporary);
    unpack(&temporary).map_err(hint)?;
    match fs::rename(&temporary, &sdk) {
        Ok(()) => {}
        // Another process was faster, and its SDK is the same.
        Err(_) if sdk.is_dir() => {
            let _ = fs::remove_dir_all(&temporary);
        }
        Err(error) => return Err(hint(error)),
    }
    Ok(sdk)
}

fn data_home() -> Outcome<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share"))).ok_or_else(|| {
        Failure::new("neither XDG_DATA_HOME nor HOME is set; set XDG_DATA_HOME to a directory for the SDK")
    })
}

fn unpack(target: &Path) -> io::Result<()> {
    fs::create_dir(target)?;
    fs::set_permissions(target, fs::Permissions::from_mode(0o755))?;
    for (name, program, bytes) in SDK {
        let path = target.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mode = if *program { 0o755 } else { 0o644 };
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
        file.write_all(bytes)?;
    }
    Ok(())
}

/// Tells SDKs of one version apart, so that a changed one is unpacked anew.
fn digest() -> String {
    let mut hash = Sha256::new();
    for (name, program, bytes) in SDK {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update([u8::from(*program)]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_sdk_is_unpacked() {
        let target = env::temp_dir().join(format!("wasmjit-sdk-test-{}", std::process::id()));
        let _ = fs::remove_dir_all(&target);
        unpack(&target).expect("it can be unpacked");
        let rust = fs::read_to_string(target.join("rust/Cargo.toml")).expect("the Rust SDK is part of it");
        assert!(rust.contains("wasmjit-fs"));
        assert!(!target.join("rust/target").exists());
        for (name, program, bytes) in SDK {
            let path = target.join(name);
            assert_eq!(&fs::read(&path).expect("every file is there"), bytes);
            let mode = fs::metadata(&path).expect("every file is there").permissions().mode();
            assert_eq!(mode & 0o111 != 0, *program, "{name}");
        }
        fs::remove_dir_all(&target).expect("it can be removed");
        assert_eq!(digest().len(), 12);
    }
}
