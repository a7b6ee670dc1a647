//! Real mounts. They need /dev/fuse and root; where that is missing they are left out loudly, but not in CI.
#![allow(unsafe_code)]

mod common;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use common::{PATIENCE, Script, attr_out};
use fs_host::memfs::MemFs;
use fs_host::wire::{self, Wire};
use fs_host::{End, Error, GuestFault, Mount, MountOptions, OnTrap, Server, ServerConfig, Unmount, Unmounted};

/// Whether mounts can be tested here.
fn can_mount() -> bool {
    // SAFETY: no arguments, cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    if root && Path::new("/dev/fuse").exists() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI must be able to mount");
    eprintln!("SKIPPED: mounting needs root and /dev/fuse");
    false
}

/// A fresh directory, removed at the end; whatever a failed test left mounted there goes first.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("fs-host-test-{}-{n}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Place(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// How many mounts there are at this place.
    fn mounts(&self) -> usize {
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let path = self.0.to_str().unwrap();
        table.lines().filter(|line| line.split(' ').nth(4) == Some(path)).count()
    }

    fn wait_mounted(&self) {
        wait(|| self.mounts() == 1 && fs::metadata(&self.0).is_ok());
    }

    fn wait_unmounted(&self) {
        wait(|| self.mounts() == 0);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        while self.mounts() > 0 {
            let ended = Command::new("umount").arg("-l").arg(&self.0).status();
            if !ended.is_ok_and(|status| status.success()) {
                break;
            }
        }
        let _ = fs::remove_dir(&self.0);
    }
}

fn wait(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "it did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn options(text: &str) -> MountOptions {
    let mut options = MountOptions::parse(text).unwrap();
    options.subtype = Some("fshosttest".into());
    options
}

fn quiet() -> ServerConfig {
    ServerConfig { handle_signals: false, ..ServerConfig::default() }
}

type Serving = std::thread::JoinHandle<(Server, fs_host::Result<End>)>;

fn serve_with<G: fs_host::Guest + Send + 'static>(
    place: &Place,
    text: &str,
    config: ServerConfig,
    guest: G,
) -> Serving {
    let mount = Mount::new(&place.0, &options(text)).unwrap();
    let mut server = Server::new(mount, config).unwrap();
    let mut guest = guest;
    let thread = std::thread::spawn(move || {
        let end = server.run(&mut guest);
        (server, end)
    });
    place.wait_mounted();
    thread
}

fn serve(place: &Place, text: &str) -> Serving {
    serve_with(place, text, quiet(), MemFs::new())
}

fn run(command: &str, args: &[&str]) -> bool {
    Command::new(command).args(args).stderr(Stdio::null()).status().unwrap().success()
}

fn errno(result: std::io::Result<impl Sized>) -> i32 {
    result.err().and_then(|e| e.raw_os_error()).unwrap_or(0)
}

#[test]
fn files_work() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let serving = serve(&place, "default_permissions,fsname=some where");
    let file = place.join("file");
    let content: Vec<u8> = (0..3_000_000u32).map(|i| i as u8).collect();
    fs::write(&file, &content).unwrap();
    assert!(fs::read(&file).unwrap() == content);
    fs::create_dir_all(place.join("d/e/f")).unwrap();
    assert_eq!(errno(fs::remove_dir(place.join("d/e"))), libc::ENOTEMPTY);
    symlink("file", place.join("link")).unwrap();
    assert_eq!(fs::read_link(place.join("link")).unwrap(), Path::new("file"));
    fs::hard_link(&file, place.join("d/hard")).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().nlink(), 2);
    fs::rename(&file, place.join("d/e/moved")).unwrap();
    assert_eq!(fs::metadata(place.join("d/e/moved")).unwrap().len(), content.len() as u64);
    for i in 0..1000 {
        fs::write(place.join(&format!("d/many{i}")), b"x").unwrap();
    }
    assert_eq!(fs::read_dir(place.join("d")).unwrap().count(), 1002);
    fs::set_permissions(place.join("d/hard"), fs::Permissions::from_mode(0o4751)).unwrap();
    assert_eq!(fs::metadata(place.join("d/hard")).unwrap().mode(), 0o104751);
    let sparse = OpenOptions::new().write(true).create(true).truncate(true).open(place.join("sparse")).unwrap();
    sparse.write_all_at(b"end", 10 << 20).unwrap();
    assert_eq!(sparse.metadata().unwrap().len(), (10 << 20) + 3);
    assert!(sparse.metadata().unwrap().blocks() < 1000);
    sparse.sync_all().unwrap();
    assert!(run("df", &[place.0.to_str().unwrap(), "--output=source"]));
    fs::remove_dir_all(place.join("d")).unwrap();
    assert!(
        run("umount", &[place.0.to_str().unwrap()]) || {
            drop(sparse);
            run("umount", &[place.0.to_str().unwrap()])
        }
    );
    let (_, end) = serving.join().unwrap();
    assert!(matches!(end, Ok(End::Unmounted)), "{end:?}");
    assert_eq!(place.mounts(), 0);
}

#[test]
fn unmounting_works_in_four_ways() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let path = place.0.to_str().unwrap();
    for way in 0..5 {
        let serving = serve(&place, if way == 4 { "auto_unmount" } else { "" });
        fs::write(place.join("a"), b"a").unwrap();
        match way {
            0 => assert!(run("umount", &[path])),
            1 => assert!(run("fusermount3", &["-u", path])),
            2 => assert_eq!(fs_host::unmount(&place.0, Unmount::Strict).unwrap(), Unmounted::Gone),
            _ => assert!(run("umount", &["-l", path])),
        }
        let (server, end) = serving.join().unwrap();
        assert!(matches!(end, Ok(End::Unmounted)), "{way}: {end:?}");
        assert_eq!(server.unmount().unwrap(), Unmounted::NotOurs);
        assert_eq!(place.mounts(), 0);
    }
    assert!(matches!(fs_host::unmount(&place.0, Unmount::Strict), Err(Error::NotMounted(_))));
}

#[test]
fn a_lazy_unmount_serves_open_files_to_the_end() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let serving = serve(&place, "");
    let mut file = File::options().read(true).write(true).create_new(true).open(place.join("open")).unwrap();
    file.write_all(b"before").unwrap();
    assert!(matches!(fs_host::unmount(&place.0, Unmount::Strict), Err(Error::Busy(_))));
    assert_eq!(fs_host::unmount(&place.0, Unmount::LazyIfBusy).unwrap(), Unmounted::Detached);
    place.wait_unmounted();
    file.write_all(b" after").unwrap();
    file.sync_all().unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "before after");
    assert!(!serving.is_finished());
    drop(file);
    assert!(matches!(serving.join().unwrap().1, Ok(End::Unmounted)));
}

#[test]
fn only_our_own_mount_is_unmounted() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let path = place.0.to_str().unwrap();
    // Another filesystem over ours.
    let serving = serve(&place, "");
    assert!(run("mount", &["-t", "tmpfs", "other", path]));
    fs::write(place.join("theirs"), b"x").unwrap();
    assert_eq!(place.mounts(), 2);
    assert!(run("umount", &[path]));
    assert!(run("umount", &[path]));
    let (server, _) = serving.join().unwrap();
    // Another one in the place of ours, which the server's end must not touch.
    assert!(run("mount", &["-t", "tmpfs", "other", path]));
    drop(server);
    assert_eq!(place.mounts(), 1);
    assert!(run("umount", &[path]));

    // The same with another FUSE filesystem, whose numbers may be those that ours had.
    let first = serve(&place, "");
    assert!(run("umount", &[path]));
    let (server, _) = first.join().unwrap();
    let second = serve(&place, "");
    drop(server);
    fs::write(place.join("alive"), b"x").unwrap();
    assert_eq!(place.mounts(), 1);
    assert!(run("umount", &[path]));
    let _ = second.join().unwrap();
}

#[test]
fn a_covered_mount_is_left_alone_by_its_servers_end() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let path = place.0.to_str().unwrap();
    let mount = Mount::new(&place.0, &options("")).unwrap();
    let unmounter = mount.unmounter();
    assert!(unmounter.is_ours());
    assert!(run("mount", &["-t", "tmpfs", "other", path]));
    assert!(!unmounter.is_ours());
    assert_eq!(unmounter.unmount(Unmount::Lazy).unwrap(), Unmounted::NotOurs);
    assert_eq!(place.mounts(), 2);
    assert!(run("umount", &[path]));
    assert!(unmounter.is_ours());
    drop(mount);
    assert_eq!(place.mounts(), 0, "ours goes once it is on top again");
}

#[test]
fn dropping_and_panicking_unmount() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    drop(Mount::new(&place.0, &options("")).unwrap());
    assert_eq!(place.mounts(), 0);

    let guest = Script::new(|header, _, replies| {
        let _ = match header.opcode {
            wire::STATFS => panic!("a bug in the host"),
            wire::GETATTR => replies.data(header.unique, attr_out().bytes()),
            _ => replies.error(header.unique, libc::ENOSYS),
        };
        Ok(())
    });
    let mount = Mount::new(&place.0, &options("")).unwrap();
    let mut server = Server::new(mount, quiet()).unwrap();
    let thread = std::thread::spawn(move || {
        let mut guest = guest;
        let _ = server.run(&mut guest);
    });
    place.wait_mounted();
    assert!(!run("df", &[place.0.to_str().unwrap()]));
    assert!(thread.join().is_err());
    place.wait_unmounted();
}

#[test]
fn unusable_mountpoints_are_named() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let new = |path: &Path| Mount::new(path, &options("")).unwrap_err();
    assert!(matches!(new(&place.join("missing")), Error::MountpointMissing(_)));
    fs::write(place.join("file"), b"").unwrap();
    assert!(matches!(new(&place.join("file")), Error::NotADirectory(_)));
    fs::remove_file(place.join("file")).unwrap();
    let serving = serve(&place, "");
    assert!(matches!(new(&place.0), Error::AlreadyMounted(_)));
    fs_host::unmount(&place.0, Unmount::Strict).unwrap();
    let _ = serving.join().unwrap();
    // A mount whose connection is aborted, as after its program died.
    let mut child = daemon(&place, "");
    child.kill().unwrap();
    child.wait().unwrap();
    wait(|| fs::metadata(&place.0).is_err());
    assert!(matches!(new(&place.0), Error::DeadMount(_)));
    assert_eq!(fs_host::unmount(&place.0, Unmount::Strict).unwrap(), Unmounted::Gone);
    assert_eq!(place.mounts(), 0);
}

#[test]
fn options_reach_the_kernel() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    for helper in [false, true] {
        let mut wanted = options("ro,noexec,noatime,max_read=65536,allow_other,default_permissions,fsname=a b");
        wanted.use_helper = helper;
        let mount = Mount::new(&place.0, &wanted).unwrap();
        let mut server = Server::new(mount, quiet()).unwrap();
        let thread = std::thread::spawn(move || server.run(&mut MemFs::new()).map(|end| format!("{end:?}")));
        place.wait_mounted();
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let line = table.lines().find(|line| line.contains(place.0.to_str().unwrap())).unwrap();
        for part in [
            "ro,",
            "nosuid",
            "nodev",
            "noexec",
            "noatime",
            "max_read=65536",
            "allow_other",
            "fuse.fshosttest",
            "a\\040b",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert_eq!(errno(File::create(place.join("x"))), libc::EROFS);
        fs_host::unmount(&place.0, Unmount::Strict).unwrap();
        thread.join().unwrap().unwrap();
    }
}

#[test]
fn attribute_options_apply_to_every_guest() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let serving = serve(&place, "uid=1234,gid=99,umask=027");
    fs::write(place.join("a"), b"").unwrap();
    let meta = fs::metadata(place.join("a")).unwrap();
    assert_eq!((meta.uid(), meta.gid(), meta.mode()), (1234, 99, 0o100750));
    fs_host::unmount(&place.0, Unmount::Strict).unwrap();
    let _ = serving.join().unwrap();
}

#[test]
fn workers_serve_a_mount_in_parallel() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let mount = Mount::new(&place.0, &options("")).unwrap();
    let mut server = Server::new(mount, ServerConfig { workers: 3, ..quiet() }).unwrap();
    let slow = || {
        let mut guest = Script::new(|header, body, replies| {
            let _ = match header.opcode {
                wire::LOOKUP if body.starts_with(b"slow") => {
                    std::thread::sleep(Duration::from_millis(400));
                    replies.error(header.unique, libc::ENOENT)
                }
                wire::GETATTR => replies.data(header.unique, attr_out().bytes()),
                _ => replies.error(header.unique, libc::ENOSYS),
            };
            Ok(())
        });
        // Without this the kernel itself lets one lookup per directory pass at a time.
        guest.init = guest.init.map(|out| wire::InitOut { flags: wire::INIT_PARALLEL_DIROPS as u32, ..out });
        guest
    };
    let thread = std::thread::spawn(move || {
        let mut guests = [slow(), slow(), slow()];
        matches!(server.run_workers(&mut guests), Ok(End::Unmounted))
    });
    place.wait_mounted();
    let start = Instant::now();
    let clients: Vec<_> = (0..3)
        .map(|i| place.join(&format!("slow{i}")))
        .map(|path| std::thread::spawn(move || errno(fs::metadata(path))))
        .collect();
    for client in clients {
        assert_eq!(client.join().unwrap(), libc::ENOENT);
    }
    assert!(start.elapsed() < Duration::from_millis(800), "they did not wait for each other");
    fs_host::unmount(&place.0, Unmount::Strict).unwrap();
    assert!(thread.join().unwrap());
}

/// Runs a shell command as a user without rights; its exit code.
fn as_nobody(command: &str) -> i32 {
    Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", command])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .code()
        .unwrap_or(-1)
}

#[test]
fn allow_root_keeps_others_out() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let path = place.0.to_str().unwrap();
    for (text, allowed) in [("", false), ("allow_root", false), ("allow_other", true)] {
        let serving = serve(&place, text);
        fs::write(place.join("a"), b"").unwrap();
        assert_eq!(as_nobody(&format!("stat {path}/a > /dev/null")) == 0, allowed, "{text}");
        assert!(fs::metadata(place.join("a")).is_ok());
        fs_host::unmount(&place.0, Unmount::Strict).unwrap();
        let _ = serving.join().unwrap();
    }
}

// Tests that need a process of their own run this test binary again, with a name and a mountpoint in the environment.

const CHILD: &str = "FS_HOST_TEST_CHILD";

fn start(place: &Place, role: &str, text: &str, user: bool) -> Child {
    let exe = std::env::current_exe().unwrap();
    let mut command = if user {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(exe);
        command
    } else {
        Command::new(exe)
    };
    command
        .args(["child_process", "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, role)
        .env("PLACE", &place.0)
        .env("OPTIONS", text)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn daemon(place: &Place, text: &str) -> Child {
    let child = start(place, "memfs", text, false);
    place.wait_mounted();
    child
}

fn signal(child: &Child, signal: i32) {
    // SAFETY: a signal to our own child, which was not waited for yet.
    unsafe { libc::kill(child.id() as i32, signal) };
}

/// Not a test by itself: what a child process does.
#[test]
fn child_process() {
    let Some(role) = std::env::var_os(CHILD) else {
        return;
    };
    let place = std::env::var_os("PLACE").unwrap();
    let text = std::env::var("OPTIONS").unwrap();
    let config =
        ServerConfig { timeout: Some(Duration::from_secs(2)), on_trap: OnTrap::Continue, ..ServerConfig::default() };
    let mount = match Mount::new(&place, &options(&text)) {
        Ok(mount) => mount,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(if matches!(error, Error::AllowOtherDenied) { 13 } else { 14 });
        }
    };
    let mut server = Server::new(mount, config).unwrap();
    if role == "late" {
        std::thread::sleep(Duration::from_millis(500));
    }
    let end = match role.to_str().unwrap() {
        // Unmounted before INIT, a late server gets an error.
        "memfs" | "late" => server.run(&mut MemFs::new()).unwrap_or(End::Unmounted),
        "blocking" => server.run(&mut blocking()).unwrap(),
        role => panic!("{role}"),
    };
    drop(server);
    std::process::exit(match end {
        End::Unmounted => 0,
        End::Stopped => 3,
        _ => 4,
    });
}

/// Blocks in LOOKUP of `block`, whatever happens; fails in LOOKUP of `trap`.
fn blocking() -> Script {
    Script::new(|header, body, replies| {
        match header.opcode {
            wire::LOOKUP if body.starts_with(b"block") => loop {
                std::thread::sleep(Duration::from_secs(1));
            },
            wire::LOOKUP if body.starts_with(b"trap") => return Err(GuestFault::trap("trap")),
            wire::LOOKUP => drop(replies.error(header.unique, libc::ENOENT)),
            wire::GETATTR => drop(replies.data(header.unique, attr_out().bytes())),
            _ => drop(replies.error(header.unique, libc::ENOSYS)),
        }
        Ok(())
    })
}

fn exit_code(mut child: Child) -> i32 {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap_or(-1);
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("the daemon did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn signals_unmount() {
    if !can_mount() {
        return;
    }
    // Who runs the tests may have them ignore it (nohup), and daemons inherit that.
    // SAFETY: sets a disposition of this process, in which no handler is installed.
    unsafe { libc::signal(libc::SIGHUP, libc::SIG_DFL) };
    let place = Place::new();
    for number in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let child = daemon(&place, "");
        fs::write(place.join("a"), b"a").unwrap();
        signal(&child, libc::SIGUSR1);
        signal(&child, number);
        assert_eq!(exit_code(child), 0);
        assert_eq!(place.mounts(), 0);
    }
    // Before serving began it is not lost.
    let child = start(&place, "late", "", false);
    wait(|| place.mounts() == 1);
    std::thread::sleep(Duration::from_millis(100));
    signal(&child, libc::SIGTERM);
    exit_code(child);
    assert_eq!(place.mounts(), 0);
    // With a file open it detaches, serves, and ends when the file is closed; or at a second signal.
    let child = daemon(&place, "");
    let mut file = File::create(place.join("open")).unwrap();
    signal(&child, libc::SIGTERM);
    place.wait_unmounted();
    file.write_all(b"still there").unwrap();
    drop(file);
    assert_eq!(exit_code(child), 0);

    let child = daemon(&place, "");
    let file = File::create(place.join("open")).unwrap();
    signal(&child, libc::SIGTERM);
    place.wait_unmounted();
    signal(&child, libc::SIGTERM);
    assert_eq!(exit_code(child), 3);
    drop(file);
}

#[test]
fn auto_unmount_survives_a_killed_daemon() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let mut child = daemon(&place, "auto_unmount");
    fs::write(place.join("a"), b"a").unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    place.wait_unmounted();
}

#[test]
fn ctrl_c_ends_the_wait_for_a_blocked_operation() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let child = start(&place, "blocking", "", false);
    place.wait_mounted();
    let mut waiting = Command::new("stat").arg(place.join("block")).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(waiting.try_wait().unwrap().is_none());
    let start = Instant::now();
    signal(&waiting, libc::SIGINT);
    waiting.wait().unwrap();
    assert!(start.elapsed() < Duration::from_millis(1800), "sooner than the timeout");
    // The guest still blocks; others are refused, and nothing hangs.
    let start = Instant::now();
    assert!(fs::metadata(place.join("other")).is_err());
    assert!(start.elapsed() < PATIENCE);
    signal(&child, libc::SIGTERM);
    place.wait_unmounted();
    signal(&child, libc::SIGKILL);
    exit_code(child);
}

#[test]
fn a_blocked_operation_times_out_and_a_trap_is_an_error() {
    if !can_mount() {
        return;
    }
    let place = Place::new();
    let child = start(&place, "blocking", "", false);
    place.wait_mounted();
    assert_eq!(errno(fs::metadata(place.join("trap"))), libc::EIO);
    assert_eq!(errno(fs::metadata(place.join("nothing"))), libc::ENOENT);
    let start = Instant::now();
    assert_eq!(errno(fs::metadata(place.join("block"))), libc::EIO);
    assert!(start.elapsed() > Duration::from_millis(1900));
    signal(&child, libc::SIGTERM);
    place.wait_unmounted();
    signal(&child, libc::SIGKILL);
    exit_code(child);
}

/// Makes the device accessible to users as every distribution's device manager does, for as long as this lives.
struct OpenDevice(fs::Permissions);

impl OpenDevice {
    fn new() -> OpenDevice {
        let former = fs::metadata("/dev/fuse").unwrap().permissions();
        fs::set_permissions("/dev/fuse", fs::Permissions::from_mode(0o666)).unwrap();
        OpenDevice(former)
    }
}

impl Drop for OpenDevice {
    fn drop(&mut self) {
        let _ = fs::set_permissions("/dev/fuse", self.0.clone());
    }
}

#[test]
fn a_user_mounts_through_the_helper() {
    if !can_mount() {
        return;
    }
    let _device = OpenDevice::new();
    let place = Place::new();
    std::os::unix::fs::chown(&place.0, Some(65534), Some(65534)).unwrap();
    let denied = start(&place, "memfs", "allow_other", true);
    assert_eq!(exit_code(denied), 13, "user_allow_other is not set");
    for way in 0..3 {
        let mut child = start(&place, "memfs", if way == 2 { "auto_unmount" } else { "" }, true);
        wait(|| place.mounts() == 1);
        let path = place.0.to_str().unwrap();
        wait(|| as_nobody(&format!("echo x > {path}/a")) == 0);
        assert_eq!(errno(fs::metadata(place.join("a"))), libc::EACCES, "not even root, unless allowed");
        match way {
            0 => signal(&child, libc::SIGTERM),
            1 => assert_eq!(as_nobody(&format!("fusermount3 -u {path}")), 0),
            _ => child.kill().unwrap(),
        }
        let code = exit_code(child);
        assert!(way == 2 || code == 0, "{way}: {code}");
        place.wait_unmounted();
    }
    std::os::unix::fs::chown(&place.0, Some(0), Some(0)).unwrap();
    let denied = start(&place, "memfs", "", true);
    assert_eq!(exit_code(denied), 14, "the mountpoint is another's");
}
