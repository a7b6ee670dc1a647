//! Images as bytes.
//!
//! Little endian: magic, ABI hash, options, counts, then the tables, zeros up to a page, and the code, so that a file can be
//! mapped and run where it is. Reading checks every field: bytes of any content give an image whose offsets lie inside it, or
//! `None`; whether the code itself is undamaged is the cache's business (it keeps a checksum).

use super::{ALIGN, Code, CodeImage, NONE, Source, abi_hash};
use crate::abi::trap::TrapCode;
use crate::codegen::options::{CallSite, HandlerSite, Options, TrapSite};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"wjimage3";

/// What the code's offset is a multiple of: the largest page of any machine that files are mapped on.
pub(super) const CODE_ALIGN: usize = 1 << 12;

/// Reads numbers from bytes that may end anywhere.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes(8)?.try_into().ok()?))
    }

    /// A table of `count` rows of `N` bytes: nothing is allocated for rows that are not there.
    fn rows<const N: usize, T>(&mut self, count: u32, row: impl Fn(&[u8; N]) -> Option<T>) -> Option<Vec<T>> {
        let bytes = self.bytes((count as usize).checked_mul(N)?)?;
        let mut rows = Vec::with_capacity(count as usize);
        for bytes in bytes.as_chunks::<N>().0 {
            rows.push(row(bytes)?);
        }
        Some(rows)
    }
}

/// The number at a place in a row.
fn number(row: &[u8], at: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&row[at..at + 4]);
    u32::from_le_bytes(bytes)
}

impl CodeImage {
    /// The image as bytes.
    pub fn serialize(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.code.len() + 9 * self.traps.len() + 8 * self.calls.len() + 1024);
        out.extend(MAGIC);
        out.extend(abi_hash().to_le_bytes());
        out.extend(self.options.bits().to_le_bytes());
        let counts = [
            self.uses_floats as u32,
            self.imported_functions,
            self.functions.len() as u32,
            self.trampolines.len() as u32,
            self.traps.len() as u32,
            self.calls.len() as u32,
            self.handlers.len() as u32,
            self.code.len() as u32,
        ];
        counts.iter().for_each(|count| out.extend(count.to_le_bytes()));
        for (start, len) in &self.functions {
            out.extend(start.to_le_bytes());
            out.extend(len.to_le_bytes());
        }
        self.trampolines.iter().for_each(|start| out.extend(start.to_le_bytes()));
        for site in &self.traps {
            out.extend(site.pc.to_le_bytes());
            out.extend(site.loc.to_le_bytes());
            out.push(site.code as u8);
        }
        for site in &self.calls {
            out.extend(site.pc.to_le_bytes());
            out.extend(site.loc.to_le_bytes());
        }
        for site in &self.handlers {
            out.extend(site.pc.to_le_bytes());
            out.extend(site.landing.to_le_bytes());
        }
        out.resize(out.len().next_multiple_of(CODE_ALIGN), 0);
        out.extend_from_slice(&self.code);
        out
    }

    /// Reads an image back. `None` if the bytes are damaged, of another version, or made for another ABI; the caller
    /// checks whether the options suit it.
    pub fn deserialize(bytes: &[u8]) -> Option<CodeImage> {
        CodeImage::deserialize_from(Arc::new(bytes.to_vec()), 0)
    }

    /// As [`CodeImage::deserialize`], of bytes that begin at `start`; the code stays where it is.
    pub fn deserialize_from(source: Source, start: usize) -> Option<CodeImage> {
        let bytes: &[u8] = (*source).as_ref();
        let (mut image, len) = CodeImage::read(bytes.get(start..)?)?;
        image.code = Code::Rest(source.clone(), bytes.len() - len);
        image.is_consistent().then_some(image)
    }

    /// Everything but the code, and its length: it comes last.
    fn read(bytes: &[u8]) -> Option<(CodeImage, usize)> {
        let mut reader = Reader(bytes);
        if reader.bytes(8)? != MAGIC || reader.u64()? != abi_hash() {
            return None;
        }
        let options = Options::from_bits(reader.u64()?)?;
        let uses_floats = match reader.u32()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        let imported_functions = reader.u32()?;
        let (functions, trampolines) = (reader.u32()?, reader.u32()?);
        let (traps, calls, handlers, code) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
        let image = CodeImage {
            functions: reader.rows(functions, |row: &[u8; 8]| Some((number(row, 0), number(row, 4))))?,
            trampolines: reader.rows(trampolines, |row: &[u8; 4]| Some(number(row, 0)))?,
            traps: reader.rows(traps, |row: &[u8; 9]| {
                let code = TrapCode::from_u8(row[8])?;
                Some(TrapSite { pc: number(row, 0), loc: number(row, 4), code })
            })?,
            calls: reader.rows(calls, |row: &[u8; 8]| Some(CallSite { pc: number(row, 0), loc: number(row, 4) }))?,
            handlers: reader
                .rows(handlers, |row: &[u8; 8]| Some(HandlerSite { pc: number(row, 0), landing: number(row, 4) }))?,
            code: Code::Own(Vec::new()),
            imported_functions,
            options,
            uses_floats,
        };
        let padding = (bytes.len() - reader.0.len()).next_multiple_of(CODE_ALIGN) - (bytes.len() - reader.0.len());
        let zeros = reader.bytes(padding)?.iter().all(|byte| *byte == 0);
        (zeros && reader.0.len() == code as usize).then_some((image, code as usize))
    }

    /// Whether every offset lies where it must.
    fn is_consistent(&self) -> bool {
        let len = self.code.len() as u64;
        if len > i32::MAX as u64 || self.imported_functions.checked_add(self.functions.len() as u32).is_none() {
            return false;
        }
        let mut end = 0;
        for &(start, size) in &self.functions {
            if (start as u64) < end || !(start as usize).is_multiple_of(ALIGN) || size == 0 {
                return false;
            }
            end = start as u64 + size as u64;
        }
        let inside = |start: u32| start as u64 >= end && (start as u64) < len && (start as usize).is_multiple_of(ALIGN);
        end <= len
            && self.trampolines.iter().all(|&start| start == NONE || inside(start))
            && self.traps.iter().all(|site| (site.pc as u64) < len)
            && self.traps.is_sorted_by(|a, b| a.pc < b.pc)
            && self.calls.iter().all(|site| site.pc as u64 <= len)
            && self.calls.is_sorted_by(|a, b| a.pc < b.pc)
            && self.handlers.iter().all(|site| site.pc as u64 <= len && (site.landing as u64) < end)
            && self.handlers.is_sorted_by(|a, b| a.pc < b.pc)
    }
}
