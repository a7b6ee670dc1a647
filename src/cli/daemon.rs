//! Going to the background: the parent waits until the child says that it works, and exits with the child's answer.

#![allow(unsafe_code)]

use super::failure::{ERROR, Failure, OK, Outcome};
use super::logging;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

/// Which side of the fork this process is on.
pub enum Side {
    /// Wait for the child, then exit with this outcome.
    Parent(Waiting),
    /// Do the work.
    Child(Ready),
}

/// The parent's view of its child.
pub struct Waiting {
    answer: PipeReader,
    child: libc::pid_t,
}

/// The child's way to tell its parent, and to leave the terminal.
pub struct Ready {
    answer: PipeWriter,
    /// Where the guest's own output goes from then on.
    output: OwnedFd,
    /// The files behind the standard streams that it was started with.
    streams: [Option<FileId>; 3],
}

/// Device and inode: tells whether two descriptors refer to the same file.
type FileId = (u64, u64);

/// Splits the process in two. To be called before any thread is started.
///
/// `output` takes the child's standard output and error once it works; without it they are thrown away.
pub fn split(output: Option<File>) -> io::Result<Side> {
    let output = match output {
        Some(file) => OwnedFd::from(file),
        None => OwnedFd::from(File::options().write(true).open("/dev/null")?),
    };
    let (reader, writer) = io::pipe()?;
    // SAFETY: the process has one thread (this function's contract), so that the child may go on as it likes.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: setsid takes nothing and only fails for a leader of a group, which a new child is not.
            unsafe { libc::setsid() };
            Ok(Side::Child(Ready { answer: writer, output, streams: [0, 1, 2].map(file_id) }))
        }
        child => Ok(Side::Parent(Waiting { answer: reader, child })),
    }
}

impl Waiting {
    /// Waits for the child's answer.
    pub fn outcome(mut self) -> Outcome {
        let mut code = [0];
        match self.answer.read(&mut code) {
            Ok(1) if code[0] == OK => return Ok(OK),
            Ok(1) => {
                let mut message = String::new();
                let _ = self.answer.read_to_string(&mut message);
                return Err(Failure { code: code[0], message });
            }
            _ => {}
        }
        let mut status = 0;
        // SAFETY: `status` is a valid place, and the child is this process's own.
        let waited = unsafe { libc::waitpid(self.child, &mut status, 0) };
        let how = match waited == self.child {
            true if libc::WIFSIGNALED(status) => format!("was killed by signal {}", libc::WTERMSIG(status)),
            true => format!("ended with code {}", libc::WEXITSTATUS(status)),
            false => "is gone".to_string(),
        };
        Err(Failure::new(format!("the background process {how} before the filesystem was mounted")))
    }
}

impl Ready {
    /// Says that it works, and leaves the terminal and the working directory.
    pub fn works(mut self) {
        logging::leave_terminal();
        let _ = std::env::set_current_dir("/");
        self.leave_streams();
        // A parent that was killed does not listen; the filesystem works all the same.
        let _ = self.answer.write_all(&[OK]);
    }

    /// Replaces the standard streams and all copies of them, such as the guest's: whoever reads the other end of a
    /// pipe waits until the last one is closed.
    fn leave_streams(&self) {
        let Ok(null) = File::open("/dev/null") else { return };
        let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        let numbers = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        for number in numbers.collect::<Vec<i32>>() {
            let file = file_id(number);
            let own = number == self.answer.as_raw_fd() || number == self.output.as_raw_fd();
            if file.is_none() || own || number == null.as_raw_fd() || !self.streams.contains(&file) {
                continue;
            }
            let output = number > 0 && self.streams[1..].contains(&file);
            let source = if output { self.output.as_raw_fd() } else { null.as_raw_fd() };
            replace(source, number);
        }
    }

    /// Says that it failed, and with what.
    pub fn fails(mut self, failure: &Failure) {
        let code = if failure.code == OK { ERROR } else { failure.code };
        let told = self.answer.write_all(&[code]).and_then(|()| self.answer.write_all(failure.message.as_bytes()));
        if told.is_err() {
            logging::print(&format!("wasmjit: {}", failure.message));
        }
    }
}

fn file_id(number: i32) -> Option<FileId> {
    let meta = std::fs::metadata(format!("/proc/self/fd/{number}")).ok()?;
    Some((meta.dev(), meta.ino()))
}

/// Makes `target` another descriptor of what `source` refers to.
fn replace(source: i32, target: i32) {
    // SAFETY: both are numbers of open descriptors, and `target` is a copy of a standard stream: code that uses it
    // expects a stream there and gets one. A close-on-exec mark is of no use to a process that starts nothing.
    unsafe { libc::dup2(source, target) };
}
