//! Where messages go: the terminal, a file, or, for a mount in the background, the system's log.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Where the system takes messages.
const SYSLOG: &str = "/dev/log";
/// Facility `daemon`, level `notice`, as syslog writes them.
const PRIORITY: u32 = 3 << 3 | 5;
/// Most bytes of a message that syslog takes whole.
const SYSLOG_MESSAGE: usize = 1000;

enum Sink {
    Terminal,
    File(File),
    Syslog(UnixDatagram),
    Nowhere,
}

static SINK: Mutex<Sink> = Mutex::new(Sink::Terminal);

/// Writes to whatever the sink is at the time.
struct ToSink;

impl Write for ToSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *SINK.lock().unwrap_or_else(PoisonError::into_inner) {
            Sink::Terminal => io::stderr().write_all(bytes)?,
            Sink::File(file) => file.write_all(bytes)?,
            Sink::Syslog(socket) => to_syslog(socket, bytes),
            Sink::Nowhere => {}
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn to_syslog(socket: &UnixDatagram, bytes: &[u8]) {
    for line in String::from_utf8_lossy(bytes).lines() {
        let end = line.floor_char_boundary(SYSLOG_MESSAGE);
        let message = format!("<{PRIORITY}>wasmjit[{}]: {}", std::process::id(), &line[..end]);
        // A log that does not listen is no reason to stop serving.
        let _ = socket.send(message.as_bytes());
    }
}

/// Starts logging; `verbose` counts the `-v`s. `RUST_LOG` has the last word.
pub fn start(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let environment = env_logger::Env::default().default_filter_or(level);
    let mut builder = env_logger::Builder::from_env(environment);
    builder.target(env_logger::Target::Pipe(Box::new(ToSink))).write_style(env_logger::WriteStyle::Never);
    if std::env::var_os("RUST_LOG").is_none() && verbose < 2 {
        builder.format(|out, record| writeln!(out, "wasmjit: {}", record.args()));
    }
    builder.init();
}

/// Sends messages to a file from now on, behind what it holds.
pub fn to_file(path: &Path) -> io::Result<()> {
    set(Sink::File(File::options().append(true).create(true).open(path)?));
    Ok(())
}

/// The process goes to the background: what went to the terminal goes to the system's log, if there is one.
pub fn leave_terminal() {
    let mut sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    if let Sink::Terminal = *sink {
        let socket = UnixDatagram::unbound().and_then(|socket| socket.connect(SYSLOG).map(|()| socket));
        // A full log must not make requests wait.
        let ready = socket.and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
        *sink = ready.map_or(Sink::Nowhere, Sink::Syslog);
    }
}

/// Prints lines whatever the log's level is.
pub fn print(text: &str) {
    // Where even that fails, nobody is left to be told.
    let _ = writeln!(ToSink, "{}", text.trim_end());
}

fn set(sink: Sink) {
    *SINK.lock().unwrap_or_else(PoisonError::into_inner) = sink;
}
