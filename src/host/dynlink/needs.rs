//! What a module asks of whoever links it: the section `dylink.0`.

use crate::runtime::Module;

/// Numbers of the parts of `dylink.0` that matter here.
const MEM_INFO: u64 = 1;
const NEEDED: u64 = 2;

/// What a module's section `dylink.0` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Bytes of data.
    pub(super) memory: u32,
    /// Its alignment, as a power of two.
    pub(super) memory_align: u32,
    /// Functions that have a place in the table.
    pub(super) table: u32,
    /// Their alignment, as a power of two.
    pub(super) table_align: u32,
    /// Names of the modules that must be there first.
    pub(super) modules: Vec<Vec<u8>>,
}

/// A reader of LEB128 numbers.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn word(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(taken)
    }
}

impl Needs {
    /// The needs of a module; `None` where it is not dynamically linked, or the section is damaged.
    pub(super) fn of(module: &Module) -> Option<Needs> {
        Needs::parse(module.custom_sections("dylink.0").next()?)
    }

    fn parse(section: &[u8]) -> Option<Needs> {
        let mut bytes = Bytes(section);
        let mut needs = Needs::default();
        while !bytes.0.is_empty() {
            let (kind, len) = (bytes.number()?, bytes.number()?);
            let mut part = Bytes(bytes.take(len)?);
            match kind {
                MEM_INFO => {
                    (needs.memory, needs.memory_align) = (part.word()?, part.word()?);
                    (needs.table, needs.table_align) = (part.word()?, part.word()?);
                }
                NEEDED => {
                    for _ in 0..part.number()? {
                        let len = part.number()?;
                        needs.modules.push(part.take(len)?.to_vec());
                    }
                }
                _ => {}
            }
        }
        // A larger alignment than a page of memory is a mistake.
        (needs.memory_align <= 16 && needs.table_align <= 16).then_some(needs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_read_and_damage_is_seen() {
        let section = [1, 5, 0xa0, 0x15, 4, 6, 0, 9, 1, 0, 2, 3, 1, 1, b'x'];
        let needs = Needs { memory: 2720, memory_align: 4, table: 6, table_align: 0, modules: vec![b"x".to_vec()] };
        assert_eq!(Needs::parse(&section), Some(needs));
        assert_eq!(Needs::parse(&[]), Some(Needs::default()));
        for len in [1, 3, 6, 8, 11, 13, 14] {
            assert_eq!(Needs::parse(&section[..len]), None, "{len}");
        }
        assert_eq!(Needs::parse(&[1, 4, 0, 17, 0, 0]), None);
        assert_eq!(Needs::parse(&[2, 2, 0xff, 0x7f]), None);
    }
}
