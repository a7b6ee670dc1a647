//! The house is as its map says: modules use only layers below them, target conditions stay at the bottom, files stay
//! small, and nothing unfinished or local slips in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each layer of `src/` and the layers that it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("cli", &["fs", "offload", "host", "kernel", "runtime", "wasm"]),
    ("fs", &["offload", "host", "kernel", "runtime", "memory", "wasm", "abi"]),
    ("offload", &["host", "kernel", "runtime", "memory", "wasm", "abi"]),
    ("kernel", &["codegen", "wasm", "abi"]),
    ("host", &["runtime", "memory", "wasm", "abi", "sys"]),
    ("runtime", &["codegen", "ir", "memory", "wasm", "abi", "sys"]),
    ("codegen", &["ir", "wasm", "abi"]),
    ("ir", &["wasm", "abi"]),
    ("wasm", &["abi"]),
    ("memory", &["abi", "sys"]),
    ("sys", &["abi"]),
    ("abi", &[]),
];

/// Dependencies that only some places may use.
const CRATES: &[(&str, &[&str])] = &[
    ("clap", &["src/cli"]),
    ("env_logger", &["src/cli"]),
    ("landlock", &["src/cli/harden.rs"]),
    ("seccompiler", &["src/cli/harden.rs"]),
    ("fs_host", &["src/cli", "src/fs", "src/kernel/rules.rs", "fs-host"]),
    ("wasmparser", &["src/wasm", "src/ir/build", "src/cli/inspect.rs"]),
    ("regalloc2", &["src/codegen"]),
    ("dynasmrt", &["src/codegen", "src/sys", "src/runtime/host.rs"]),
    ("fuser", &["fs-host/src"]),
];

/// Where code may depend on the machine or the system that it is compiled for.
const TARGET_CODE: &[&str] = &[
    "src/sys",
    "src/codegen/x64",
    "src/codegen/aarch64",
    // Asks the machine's processor what it can do.
    "src/codegen/options.rs",
    "fs-host/src/sys.rs",
];

/// Longest source file, in lines.
const MAX_LINES: usize = 1000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files below a folder of the project, with their path in it; products and hidden folders are left out.
fn files(folder: &str, extensions: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.expect("the project can be read").path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let hidden = name.starts_with('.') && name != ".ci";
            // A module's tests may use what the module may not.
            let tests = name == "tests.rs" && path.starts_with(root().join("src"));
            if path.is_dir() && !hidden && name != "target" && !path.is_symlink() {
                folders.push(path);
            } else if path.is_file() && !tests && wanted(&path, extensions) {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let relative = path.strip_prefix(root()).expect("it is below").to_string_lossy().into_owned();
                found.push((relative, text));
            }
        }
    }
    found.sort();
    found
}

fn wanted(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    extensions.contains(&extension)
}

/// Lines of code with their numbers: comments are left out, and so is what stands in the file's tests.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    lines.take_while(|(_, line)| line.trim() != "#[cfg(test)]").map(|(at, line)| {
        let comment = line.find("//").unwrap_or(line.len());
        (at, &line[..comment])
    })
}

/// Words of a line that stand behind `prefix`, with what a `{...}` list there holds.
fn behind<'a>(line: &'a str, prefix: &str) -> Vec<&'a str> {
    let mut words = Vec::new();
    for (at, _) in line.match_indices(prefix) {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &line[at + prefix.len()..];
        let list = rest.strip_prefix('{').map(|list| list.split('}').next().unwrap_or(list));
        let end = |text: &'a str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        match list {
            Some(list) => words.extend(list.split(',').map(|item| {
                let item = item.trim();
                &item[..end(item)]
            })),
            None => words.push(&rest[..end(rest)]),
        }
    }
    words
}

#[test]
fn modules_use_only_layers_below_them() {
    let mut wrong = Vec::new();
    for (layer, below) in LAYERS {
        for (path, text) in files(&format!("src/{layer}"), &["rs"]) {
            for (at, line) in code(&text) {
                let used = behind(line, "crate::").into_iter().chain(behind(line, "wasmjit::"));
                for word in used {
                    let capital = word.chars().next().is_some_and(char::is_uppercase);
                    // The library's root names the runtime's types; within a binary `crate` is the command line.
                    let target = if capital { "runtime" } else { word };
                    let known = LAYERS.iter().any(|(layer, _)| *layer == target);
                    if known && target != *layer && !below.contains(&target) {
                        wrong.push(format!("{path}:{at}: {layer} uses {target}: {}", line.trim()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_folder_is_a_layer() {
    let known: BTreeSet<&str> = LAYERS.iter().map(|(layer, _)| *layer).collect();
    for entry in fs::read_dir(root().join("src")).expect("there are sources") {
        let path: PathBuf = entry.expect("the project can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let single = ["main.rs", "lib.rs"].contains(&name);
        assert!(single || known.contains(name), "src/{name} is in no layer");
    }
    for (at, (layer, below)) in LAYERS.iter().enumerate() {
        let later: BTreeSet<&str> = LAYERS[at + 1..].iter().map(|(layer, _)| *layer).collect();
        assert!(below.iter().all(|below| later.contains(below)), "{layer} uses something above it");
    }
}

#[test]
fn dependencies_stay_where_they_belong() {
    let sources = [files("src", &["rs"]), files("fs-host/src", &["rs"])].concat();
    let mut wrong = Vec::new();
    for (name, places) in CRATES {
        for (path, text) in sources.iter().filter(|(path, _)| !places.iter().any(|place| path.starts_with(place))) {
            let uses = |line: &str| !behind(line, &format!("{name}::")).is_empty();
            wrong.extend(code(text).filter(|(_, line)| uses(line)).map(|(at, _)| format!("{path}:{at}: {name}")));
        }
    }
    for (path, text) in files("fs-host/src", &["rs"]) {
        wrong.extend(code(&text).filter(|(_, l)| l.contains("wasm")).map(|(at, _)| format!("{path}:{at}: wasm")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn target_conditions_stay_at_the_bottom() {
    let conditions = ["target_arch", "target_os", "target_env", "target_pointer_width", "cfg(unix", "cfg!(unix"];
    let mut wrong = Vec::new();
    for (path, text) in [files("src", &["rs"]), files("fs-host/src", &["rs"])].concat() {
        if !TARGET_CODE.iter().any(|place| path.starts_with(place)) {
            let hits = code(&text).filter(|(_, line)| conditions.iter().any(|condition| line.contains(condition)));
            wrong.extend(hits.map(|(at, line)| format!("{path}:{at}: {}", line.trim())));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_are_small_and_finished() {
    // Spelled in parts, so that this file does not name what it looks for.
    let unfinished = ["TO\x44O", "FIX\x4dE", "unimplemented\x21(", "tod\x6f!(", "db\x67!("];
    let local = ["/wor\x6b/"];
    let mut wrong = Vec::new();
    for (path, text) in files("", &["rs", "c", "h", "cpp", "sh", "py", "md", "toml"]) {
        let lines = text.lines().count();
        if lines > MAX_LINES {
            wrong.push(format!("{path}: {lines} lines"));
        }
        for (at, line) in text.lines().enumerate() {
            let found = unfinished.iter().chain(&local).find(|word| line.contains(**word));
            wrong.extend(found.map(|word| format!("{path}:{}: {word}", at + 1)));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn uses_are_recognised() {
    assert_eq!(behind("use crate::ir::{self, Func};", "crate::"), ["ir"]);
    assert_eq!(behind("use crate::{abi, wasm::Module, Engine};", "crate::"), ["abi", "wasm", "Engine"]);
    assert_eq!(behind("my_crate::x + $crate::y(crate::sys::z)", "crate::"), ["sys"]);
    let text = "a // crate::x\nb\n#[cfg(test)]\nmod tests {}\n";
    assert_eq!(code(text).collect::<Vec<_>>(), [(1, "a "), (2, "b")]);
}
