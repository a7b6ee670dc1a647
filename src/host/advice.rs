//! What to do about an import that nothing provides: one rule a line, the first that matches.

use super::provided::provided;
use crate::wasm::ExternType;

/// What a rule looks at.
enum Match {
    /// The import's module.
    Module(&'static str),
    /// The field name.
    Name(&'static str),
    /// A beginning of the field name.
    Prefix(&'static str),
    /// A beginning of the field name that a capital letter follows.
    Camel(&'static str),
}

use Match::{Camel, Module, Name, Prefix};

/// Names that stand for a feature, and what helps.
const RULES: &[(Match, &str)] = &[
    (Module("gojs"), "it is a Go program for JavaScript hosts; build it with GOOS=wasip1 GOARCH=wasm instead"),
    (Module("go"), "it is a TinyGo program for JavaScript hosts; build it with tinygo -target=wasip1 instead"),
    (Module("wbg"), "it is glued to JavaScript by wasm-bindgen; build the Rust program for wasm32-wasip1 instead"),
    (
        Module("__wbindgen_placeholder__"),
        "it is glued to JavaScript by wasm-bindgen; build the Rust program for wasm32-wasip1 instead",
    ),
    (
        Module("wasmjit_fuse"),
        "it is a filesystem: mount it with `wasmjit mount`, and check that its SDK is not newer than this wasmjit",
    ),
    (Module("wasi_unstable"), "it was built for an old draft of WASI; rebuild it with a current toolchain"),
    (Prefix("emscripten_asm_const"), "it contains JavaScript (EM_ASM); leave that code out when building for wasmjit"),
    (Prefix("__asyncjs__"), "it contains JavaScript (EM_ASYNC_JS); leave that code out when building for wasmjit"),
    (Prefix("emscripten_gl"), "it draws with WebGL, which a mounted or command-line program cannot"),
    (Camel("gl"), "it draws with WebGL, which a mounted or command-line program cannot"),
    (Prefix("emscripten_webgl"), "it draws with WebGL, which a mounted or command-line program cannot"),
    (Prefix("SDL_"), "it needs SDL's JavaScript, which a command-line program cannot have"),
    (
        Prefix("_wasmfs_"),
        "it brings its own filesystem (-sWASMFS); link it without that, and grant directories with --dir",
    ),
    (
        Prefix("invoke_"),
        "its type does not fit its name, so it was not made by Emscripten; rebuild the program with emcc",
    ),
    (
        Name("emscripten_set_main_loop"),
        "it runs in a browser's event loop; give it an ordinary loop when building for wasmjit",
    ),
    (
        Prefix("fuse_"),
        "it calls libfuse without having it; compile and link it with wasmjit-cc, which brings the library along",
    ),
    (Prefix("blkid_"), "it needs libblkid; build it without, or link a version of the library that emcc has compiled"),
    (Prefix("uuid_"), "it needs libuuid; link a version of the library that emcc has compiled"),
    (Prefix("__cpp_exception"), "it throws exceptions in a form that is not supported; compile it with -fexceptions"),
    (Prefix("__c_longjmp"), "it jumps in a form that is not supported; link it with -sSUPPORT_LONGJMP=emscripten"),
];

/// Says why an import is missing and what helps: one sentence, without the import's name at its start.
pub fn explain_missing(module: &str, name: &str, ty: &ExternType) -> String {
    if is_minified(module, name) {
        return "the names of its imports were shortened when it was linked; link it with emcc -O2 (objects may still be \
                compiled with -O3 or -Os)"
            .to_string();
    }
    let rule = RULES.iter().find(|(rule, _)| match rule {
        Module(wanted) => module == *wanted,
        Name(wanted) => name == *wanted,
        Prefix(wanted) => name.starts_with(wanted),
        Camel(wanted) => {
            name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
        }
    });
    if let Some((_, advice)) = rule {
        return (*advice).to_string();
    }
    match ty {
        ExternType::Memory(_) => {
            return "it imports its memory under a name that neither Emscripten nor WASI uses; export it instead"
                .into();
        }
        ExternType::Table(_) | ExternType::Global(_) | ExternType::Tag(_) => {
            return "it is part of a program that is not linked as Emscripten does; link one program that needs no other module"
                .into();
        }
        ExternType::Func(_) => {}
    }
    if provided().any(|row| row.module == module && row.name == name) {
        return "it exists here with other parameters, so the program was built by an Emscripten that this wasmjit does not \
                know; rebuild it with 3.1.6 to 6.0"
            .to_string();
    }
    match module {
        "wasi_snapshot_preview1" => {
            "WASI preview 1 has no such function; rebuild the program for preview 1".to_string()
        }
        "env" => format!(
            "no library that the program was linked with defines {name}; link the one that does, or leave out the code \
             that calls it (--stub-missing turns calls of it into traps)"
        ),
        _ => format!("nothing is known of the module {module}; it belongs to another host than wasmjit"),
    }
}

/// Whether names were minified: Emscripten then imports everything from `a`, under the shortest names.
fn is_minified(module: &str, name: &str) -> bool {
    module.len() == 1 && name.len() <= 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasm::FuncType;

    #[test]
    fn advice_names_what_helps() {
        let func = ExternType::Func(FuncType::default());
        for (module, name, words) in [
            ("a", "b", "-O2"),
            ("env", "emscripten_asm_const_int", "EM_ASM"),
            ("gojs", "runtime.wasmWrite", "wasip1"),
            ("env", "__pthread_create_js", "other parameters"),
            ("env", "fuse_main_real", "wasmjit-cc"),
            ("env", "__syscall_openat", "other parameters"),
            ("env", "my_function", "my_function"),
            ("wasi_snapshot_preview1", "fd_teleport", "preview 1"),
            ("host", "call", "another host"),
        ] {
            let advice = explain_missing(module, name, &func);
            assert!(advice.contains(words), "{module}.{name}: {advice}");
        }
    }
}
