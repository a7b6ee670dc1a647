//! Going to the background: the parent waits until the child says that it works, and exits with the child's answer.

#![allow(unsafe_code)]

use super::failure::{ERROR, Failure, OK, Outcome};
use super::logging;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};

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
}

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
            Ok(Side::Child(Ready { answer: writer, output }))
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
        if let Ok(null) = File::open("/dev/null") {
            replace(&null, libc::STDIN_FILENO);
        }
        replace(&self.output, libc::STDOUT_FILENO);
        replace(&self.output, libc::STDERR_FILENO);
        // A parent that was killed does not listen; the filesystem works all the same.
        let _ = self.answer.write_all(&[OK]);
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

/// Makes `target` another descriptor of what `source` refers to.
fn replace(source: &impl AsRawFd, target: i32) {
    // SAFETY: both are numbers of descriptors; the standard ones are owned by nobody in particular, and whatever
    // `target` was, code that uses it expects a stream there and gets one.
    unsafe { libc::dup2(source.as_raw_fd(), target) };
}
