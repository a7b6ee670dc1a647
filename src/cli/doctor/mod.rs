//! `wasmjit doctor`: what this machine can do, and what to do about what it cannot.
//!
//! Everything is read from files below a root, so that tests can make a machine of their own.

mod kernel;
mod user;

use super::args::DoctorArgs;
use super::failure::{ERROR, Failure, OK, Outcome};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The right to mount.
const CAP_SYS_ADMIN: u32 = 21;
/// The right to load kernel modules.
const CAP_SYS_MODULE: u32 = 16;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is as it should be.
    Ok,
    /// Something is not possible, which not everybody needs.
    Note,
    /// What the section is about does not work.
    Bad,
}

/// What was found.
#[derive(Debug)]
struct Finding {
    state: State,
    what: String,
    /// What to do about it.
    advice: Option<String>,
}

/// The findings about one thing that users want.
#[derive(Debug)]
struct Section {
    title: &'static str,
    findings: Vec<Finding>,
}

impl Section {
    fn new(title: &'static str) -> Section {
        Section { title, findings: Vec::new() }
    }

    fn ok(&mut self, what: impl Into<String>) {
        self.findings.push(Finding { state: State::Ok, what: what.into(), advice: None });
    }

    fn note(&mut self, what: impl Into<String>, advice: impl Into<String>) {
        self.findings.push(Finding { state: State::Note, what: what.into(), advice: Some(advice.into()) });
    }

    fn bad(&mut self, what: impl Into<String>, advice: impl Into<String>) {
        self.findings.push(Finding { state: State::Bad, what: what.into(), advice: Some(advice.into()) });
    }

    fn works(&self) -> bool {
        self.findings.iter().all(|finding| finding.state != State::Bad)
    }

    fn text(&self) -> String {
        let mut text = format!("{}: {}\n", self.title, if self.works() { "works" } else { "does not work here" });
        for Finding { state, what, advice } in &self.findings {
            let mark = match state {
                State::Ok => "ok  ",
                State::Note => "note",
                State::Bad => "no  ",
            };
            // Strings take everything.
            let _ = writeln!(text, "  {mark}  {what}");
            for line in advice.iter().flat_map(|advice| advice.lines()) {
                let _ = writeln!(text, "        {line}");
            }
        }
        text
    }
}

/// A machine, as its files show it.
struct Machine {
    root: PathBuf,
    /// The kernel's release.
    release: String,
    status: String,
    /// Directories of programs.
    path: Vec<PathBuf>,
}

impl Machine {
    fn new(root: &Path, path: &std::ffi::OsStr) -> Machine {
        let mut machine = Machine {
            root: root.to_owned(),
            release: String::new(),
            status: String::new(),
            path: std::env::split_paths(path).collect(),
        };
        machine.release = machine.read("proc/sys/kernel/osrelease");
        machine.status = machine.read("proc/self/status");
        machine
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.at(path).exists()
    }

    /// A small file's text without white space around it; empty if it cannot be read.
    fn read(&self, path: impl AsRef<Path>) -> String {
        std::fs::read(self.at(path)).map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()).unwrap_or_default()
    }

    /// A line of this process's status.
    fn field(&self, name: &str) -> Option<&str> {
        self.status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    fn is_root(&self) -> bool {
        self.field("Uid").and_then(|uids| uids.split_whitespace().nth(1)) == Some("0")
    }

    fn capable(&self, capability: u32) -> bool {
        let effective = self.field("CapEff").and_then(|text| u64::from_str_radix(text, 16).ok());
        effective.is_some_and(|bits| bits >> capability & 1 == 1)
    }

    /// Where a program is.
    fn program(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|folder| self.at(folder).join(name)).find(|path| path.is_file())
    }

    /// Major and minor number of the kernel.
    fn version(&self) -> (u32, u32) {
        let mut numbers = self.release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }
}

/// Prints what works here. Fails where what was asked for does not.
pub fn main(args: DoctorArgs) -> Outcome {
    let machine = Machine::new(Path::new("/"), &std::env::var_os("PATH").unwrap_or_default());
    let sections =
        [user::mounting(&machine), user::running(&machine), user::building(&machine), kernel::mounting(&machine)];
    let text: Vec<String> = sections.iter().map(Section::text).collect();
    let printed = std::io::stdout().write_all(text.join("\n").as_bytes());
    printed.map_err(|error| Failure::new(format!("standard output: {error}")))?;
    let [mounting, running, _, in_kernel] = sections;
    let fine = mounting.works() && running.works() && (!args.kernel || in_kernel.works());
    Ok(if fine { OK } else { ERROR })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine made of a few files.
    struct Made(PathBuf);

    impl Made {
        fn new(name: &str, release: &str, capabilities: &str) -> Made {
            let root = std::env::temp_dir().join(format!("wasmjit-doctor-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&root);
            let made = Made(root);
            let uid = if capabilities == "0" { "1000\t1000\t1000\t1000" } else { "0\t0\t0\t0" };
            made.put("proc/self/status", &format!("Name:\tx\nUid:\t{uid}\nCapEff:\t{capabilities}\nSeccomp:\t0\n"));
            made.put("proc/sys/kernel/osrelease", &format!("{release}\n"));
            made.put("proc/filesystems", "nodev\tproc\nnodev\tfuse\n");
            made
        }

        fn put(&self, path: &str, text: &str) -> &Made {
            let path = self.0.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            self
        }

        fn machine(&self) -> Machine {
            Machine::new(&self.0, std::ffi::OsStr::new("/bin:/usr/bin"))
        }
    }

    impl Drop for Made {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn says(section: &Section, works: bool, words: &[&str]) {
        let text = section.text();
        assert_eq!(section.works(), works, "{text}");
        for word in words {
            assert!(text.contains(word), "no `{word}` in:\n{text}");
        }
    }

    const ALL: &str = "000001ffffffffff";

    #[test]
    fn mounting_needs_the_device_and_rights() {
        let made = Made::new("fuse", "6.12.1", ALL);
        says(&user::mounting(&made.machine()), false, &["/dev/fuse", "modprobe fuse"]);
        made.put("dev/fuse", "");
        says(&user::mounting(&made.machine()), true, &["ok    /dev/fuse can be opened", "ok    Linux 6.12.1"]);

        let user = Made::new("user", "6.12.1", "0");
        user.put("dev/fuse", "");
        says(&user::mounting(&user.machine()), false, &["fusermount3", "apt-get install fuse3"]);
        user.put("bin/fusermount3", "");
        says(&user::mounting(&user.machine()), false, &["setuid"]);

        let old = Made::new("old", "4.19.0-27", ALL);
        old.put("dev/fuse", "");
        says(&user::mounting(&old.machine()), false, &["Linux 4.19.0-27 is too old"]);
    }

    #[test]
    fn each_obstacle_to_kernel_mounts_is_named_with_its_remedy() {
        let made = Made::new("kernel", "6.12.9-amd64", ALL);
        let look = || kernel::mounting(&made.machine());
        says(&look(), false, &["linux-headers-6.12.9-amd64", "linux-source-6.12", "make -C kmod"]);
        made.put("lib/modules/6.12.9-amd64/build/Makefile", "").put("usr/src/linux-source-6.12.tar.xz", "");
        made.put("usr/bin/make", "").put("usr/bin/gcc", "");
        says(&look(), false, &["ok    headers", "make -C kmod"]);
        made.put("lib/modules/6.12.9-amd64/extra/wjimage.ko", "").put("lib/modules/6.12.9-amd64/extra/wasmjit.ko", "");
        says(&look(), false, &["modprobe wasmjit"]);
        made.put("sys/module/wasmjit/version", "0x0ULL\n").put("dev/wasm", "");
        says(&look(), false, &["another version"]);
        made.put("sys/module/wasmjit/version", &wasmjit::kernel::header::module_version());
        says(&look(), true, &["ok    the module wasmjit is loaded"]);
        made.put("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
        says(&look(), false, &["locked down", "Secure Boot"]);
        made.put("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
        made.put("sys/module/module/parameters/sig_enforce", "Y\n");
        says(&look(), false, &["signed"]);
        made.put("sys/module/module/parameters/sig_enforce", "N\n").put("proc/sys/kernel/modules_disabled", "1\n");
        says(&look(), false, &["modules_disabled"]);
    }

    #[test]
    fn other_kernels_and_other_users_are_told_so() {
        let other = Made::new("other", "6.18.5", ALL);
        says(&kernel::mounting(&other.machine()), false, &["Linux 6.18.5", "6.1 and 6.12", "without --kernel"]);
        let user = Made::new("nobody", "6.1.0-1-amd64", "0");
        says(&kernel::mounting(&user.machine()), false, &["CAP_SYS_MODULE", "CAP_SYS_ADMIN"]);
    }
}
