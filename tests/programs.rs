//! Libraries for WASI that hosts embed, from public registries: tests/programs/run.py fetches them and runs these tests.
#![allow(missing_docs)]

use std::fs::File;
use std::path::{Path, PathBuf};
use wasmjit::host::{self, HasHost, Host, Policy, Stream};
use wasmjit::{Config, Engine, Instance, Linker, Memory, Module, Store, WasmParams, WasmResults};

struct Data(Host);

impl HasHost for Data {
    fn host(&mut self) -> &mut Host {
        &mut self.0
    }
}

/// The file that an environment variable names.
fn file(variable: &str) -> PathBuf {
    std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} is set by tests/programs/run.py")).into()
}

/// A library in a store of its own.
struct Library {
    store: Store<Data>,
    instance: Instance,
    memory: Memory,
}

impl Library {
    /// Loads a file, with a directory as the guest's root.
    fn load(file: &Path, root: Option<&Path>) -> Library {
        let mut policy = Policy::new();
        if let Some(root) = root {
            policy.dir(root, "/", false).expect("a directory");
        }
        Library::with(file, &policy, Stream::Inherit, &[])
    }

    fn with(file: &Path, policy: &Policy, output: Stream, args: &[&str]) -> Library {
        let mut config = Config::new();
        config.cache_dir(Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")));
        let engine = Engine::new(&config);
        let module = Module::new(&engine, &std::fs::read(file).expect("a file")).expect("a module");
        let mut host = Host::new(policy).expect("a host");
        host.stdio([Stream::Null, output, Stream::Inherit]).expect("streams");
        host.set_args(args);
        host::configure(&mut host, &module).expect("a configuration");
        let mut linker = Linker::new();
        // Functions of a library's own host, which these tests do not have it call.
        linker.trap_on_missing(true);
        host::link(&mut linker, &module).expect("host functions");
        let mut store = Store::new(&engine, Data(host));
        let instance = linker.instantiate(&mut store, &module).expect("an instance");
        let memory = instance.get_memory(&store, "memory").expect("a memory");
        Library { store, instance, memory }
    }

    fn call<P: WasmParams, R: WasmResults>(&mut self, name: &str, params: P) -> R {
        let func = self.instance.get_typed_func::<P, R>(&self.store, name).expect(name);
        func.call(&mut self.store, params).expect(name)
    }

    /// Puts bytes into memory that the guest's allocator gives.
    fn put(&mut self, bytes: &[u8]) -> i32 {
        let at: i32 = self.call("malloc", (bytes.len() as i32,));
        self.memory.view(&mut self.store).copy_in(at as u32, bytes).expect("room");
        at
    }

    fn bytes(&mut self, at: i32, len: u32) -> Vec<u8> {
        self.memory.view(&mut self.store).read_bytes(at as u32, len).expect("bytes")
    }
}

#[test]
#[ignore = "needs what tests/programs/run.py fetches"]
fn graphviz_draws() {
    let mut graphviz = Library::load(&file("GRAPHVIZ"), None);
    let dot = graphviz.put(b"digraph g { a -> b -> c; a -> c; label=\"a graph\" }\0");
    let (format, engine, length) = (graphviz.put(b"svg\0"), graphviz.put(b"dot\0"), graphviz.put(&[0; 4]));
    let drawn: i32 = graphviz.call("graphviz_render", (dot, format, engine, length));
    assert_ne!(drawn, 0);
    let length = graphviz.bytes(length, 4);
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
    let svg = String::from_utf8(graphviz.bytes(drawn, length)).expect("text");
    assert!(svg.contains("</svg>") && svg.matches("class=\"node\"").count() == 3, "{svg}");
    assert_eq!(svg.matches("class=\"edge\"").count(), 3);
}

#[test]
#[ignore = "needs what tests/programs/run.py fetches"]
fn pandoc_converts() {
    let files = tempfile::tempdir().expect("a directory");
    let path = |name: &str| files.path().join(name);
    let text = "# Title\n\nSome *text* with $x^2$.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
    for (name, content) in [("stdin", text), ("stdout", ""), ("stderr", ""), ("warnings", "")] {
        std::fs::write(path(name), content).expect("a file");
    }
    let mut pandoc = Library::load(&file("PANDOC"), Some(files.path()));
    pandoc.call::<_, ()>("__wasm_call_ctors", ());
    // As main() has them: the program's name and the options of Haskell's runtime.
    let words: Vec<i32> =
        ["pandoc\0", "+RTS\0", "-H64m\0", "-RTS\0"].iter().map(|word| pandoc.put(word.as_bytes())).collect();
    let list: Vec<u8> = words.iter().chain([&0]).flat_map(|word| word.to_le_bytes()).collect();
    let argv = pandoc.put(&list);
    let (count, argv) = (pandoc.put(&(words.len() as i32).to_le_bytes()), pandoc.put(&argv.to_le_bytes()));
    pandoc.call::<_, ()>("hs_init_with_rtsopts", (count, argv));
    let options = br#"{"from": "markdown", "to": "html"}"#;
    let at = pandoc.put(options);
    pandoc.call::<_, ()>("convert", (at, options.len() as i32));
    let read = |name: &str| std::fs::read_to_string(path(name)).expect("a file");
    let html = read("stdout");
    assert!(html.contains("<h1 id=\"title\">Title</h1>"), "{html}{}", read("stderr"));
    assert!(html.contains("<em>text</em>") && html.contains("<td>2</td>"), "{html}");
}

/// Python with its standard library, and numpy and pandas besides, in a directory that it was granted.
#[test]
#[ignore = "needs what tests/programs/run.py fetches"]
fn python_computes() {
    let (python, work) = (file("PYTHON"), tempfile::tempdir().expect("a directory"));
    let library = python.parent().expect("a directory").join("python-stdlib.zip");
    std::fs::create_dir(work.path().join("lib")).expect("a directory");
    // Where this Python looks, by its version.
    std::fs::copy(library, work.path().join("lib/python315.zip")).expect("a copy");
    let mut policy = Policy::new();
    policy.dir(work.path().join("lib"), "/usr/local/lib", true).expect("a directory");
    let code = "import numpy as np, pandas as pd\n\
                m = np.arange(12.0).reshape(3, 4)\n\
                print((m @ m.T).tolist())\n\
                print(pd.DataFrame({'a': [1, 2, 2], 'b': [3.5, 4.5, 5.5]}).groupby('a').sum().to_csv())\n";
    let output = work.path().join("output");
    let stream = Stream::Fd(File::create(&output).expect("a file").into());
    let mut python = Library::with(&python, &policy, stream, &["python", "-c", code]);
    python.call::<_, ()>("_initialize", ());
    let status: i32 = python.call("run", ());
    let output = std::fs::read_to_string(output).expect("text");
    assert_eq!(status, 0, "{output}");
    let product = "[[14.0, 38.0, 62.0], [38.0, 126.0, 214.0], [62.0, 214.0, 366.0]]";
    assert_eq!(output, format!("{product}\na,b\n1,3.5\n2,10.0\n\n"));
}
