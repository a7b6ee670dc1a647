//! Reading directories, with cookies that fit every guest.
//!
//! The host's cookies are opaque 64-bit numbers; a guest's `telldir` has 32 bits. So a guest gets an entry's ordinal, and
//! the stream remembers the host's cookie for each ordinal that it has given out.

use super::errno::Errno;
use super::sys::{self, Result};
use std::os::fd::BorrowedFd;

/// Bytes read from the host at once.
const BUFFER: usize = 16 << 10;

/// Offset of the name in the host's `linux_dirent64`.
const NAME: usize = 19;

/// One entry of a directory.
#[derive(Debug, PartialEq, Eq)]
pub struct DirEntry<'a> {
    /// Inode number.
    pub ino: u64,
    /// `DT_*`.
    pub kind: u8,
    /// Where to go on behind this entry.
    pub cookie: u64,
    /// Name.
    pub name: &'a [u8],
}

/// Where an open directory is being read.
#[derive(Debug, Default)]
pub struct DirStream {
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    /// Ordinal of the next entry.
    next: u64,
    /// The host's cookie behind the entry with each ordinal.
    cookies: Vec<i64>,
}

impl DirStream {
    /// The next entry, which stays the next until [`DirStream::advance`]; `None` at the end.
    pub fn peek(&mut self, fd: BorrowedFd<'_>) -> Result<Option<DirEntry<'_>>> {
        if self.at >= self.filled {
            self.buffer.resize(BUFFER, 0);
            self.at = 0;
            self.filled = sys::getdents64(fd, &mut self.buffer)?;
            if self.filled == 0 {
                return Ok(None);
            }
        }
        let record = &self.buffer[self.at..self.filled];
        let len = record_len(record)?;
        let name = &record[NAME..len];
        let name = &name[..name.iter().position(|&b| b == 0).unwrap_or(name.len())];
        Ok(Some(DirEntry { ino: number(record, 0), kind: record[18], cookie: self.next + 1, name }))
    }

    /// Goes past the entry that `peek` gave.
    pub fn advance(&mut self) {
        let record = &self.buffer[self.at..self.filled];
        let Ok(len) = record_len(record) else { return };
        let cookie = number(record, 8) as i64;
        match self.cookies.get_mut(self.next as usize) {
            Some(known) => *known = cookie,
            None => self.cookies.push(cookie),
        }
        self.at += len;
        self.next += 1;
    }

    /// Goes past an entry that did not come from the host: of a synthetic directory.
    pub fn step(&mut self) {
        self.next += 1;
    }

    /// Goes to an entry of a synthetic directory.
    pub fn jump(&mut self, ordinal: u64) {
        self.next = ordinal;
    }

    /// Goes to the entry behind the one whose cookie is given, 0 for the first.
    pub fn seek(&mut self, fd: BorrowedFd<'_>, cookie: u64) -> Result<()> {
        if cookie == self.next {
            return Ok(());
        }
        let host = match cookie {
            0 => 0,
            _ => *self.cookies.get(cookie as usize - 1).ok_or(Errno::EINVAL)?,
        };
        sys::lseek(fd, host, libc::SEEK_SET)?;
        (self.at, self.filled, self.next) = (0, 0, cookie);
        Ok(())
    }

    /// Forgets what was read ahead and begins anew.
    pub fn rewind(&mut self, fd: BorrowedFd<'_>) -> Result<()> {
        sys::lseek(fd, 0, libc::SEEK_SET)?;
        (self.at, self.filled, self.next) = (0, 0, 0);
        Ok(())
    }

    /// The cookie of the present position.
    pub fn tell(&self) -> u64 {
        self.next
    }
}

fn record_len(record: &[u8]) -> Result<usize> {
    let len = record.get(16..18).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    len.filter(|len| (NAME + 1..=record.len()).contains(len)).ok_or(Errno::EIO)
}

fn number(record: &[u8], at: usize) -> u64 {
    let mut raw = [0; 8];
    raw.copy_from_slice(&record[at..at + 8]);
    u64::from_ne_bytes(raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn seeks_back_by_ordinal() {
        let dir = tempfile::tempdir().unwrap();
        for index in 0..1000 {
            std::fs::write(dir.path().join(format!("file-with-a-long-name-{index:04}")), "").unwrap();
        }
        let file = std::fs::File::open(dir.path()).unwrap();
        let mut stream = DirStream::default();
        let mut names = Vec::new();
        while let Some(entry) = stream.peek(file.as_fd()).unwrap() {
            assert_eq!(entry.cookie, names.len() as u64 + 1);
            names.push(entry.name.to_vec());
            stream.advance();
        }
        assert_eq!(names.len(), 1002);
        for at in [500, 3, 1001, 0] {
            stream.seek(file.as_fd(), at).unwrap();
            assert_eq!(stream.peek(file.as_fd()).unwrap().unwrap().name, names[at as usize]);
        }
        assert_eq!(stream.seek(file.as_fd(), 5000), Err(Errno::EINVAL));
    }
}
