//! Which locals each construct of a body assigns.

use wasmparser::{FunctionBody, Operator};

/// Scans a body: for each `block`, `loop`, `if`, `try` and `try_table` in the order of the text, the locals that are set within it, ascending.
///
/// Linear in the size of the body times the number of locals that nested constructs share.
pub(super) fn scan(body: &FunctionBody<'_>) -> Result<Vec<Box<[u32]>>, wasmparser::Error> {
    let mut done: Vec<Box<[u32]>> = Vec::new();
    let mut open: Vec<(usize, Set)> = Vec::new();
    let mut reader = body.get_operators_reader()?;
    while !reader.eof() {
        match reader.read()? {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Try { .. }
            | Operator::TryTable { .. } => {
                open.push((done.len(), Set::default()));
                done.push(Box::default());
            }
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                if let Some((_, set)) = open.last_mut() {
                    set.add(local_index);
                }
            }
            Operator::End | Operator::Delegate { .. } => {
                // The function's own `end` closes nothing here.
                if let Some((construct, set)) = open.pop() {
                    let members = set.finish();
                    if let Some((_, outer)) = open.last_mut() {
                        outer.add_all(&members);
                    }
                    done[construct] = members;
                }
            }
            _ => {}
        }
    }
    Ok(done)
}

/// A set that is mostly appended to; duplicates are removed when they have doubled it.
#[derive(Default)]
struct Set {
    members: Vec<u32>,
    distinct: usize,
}

impl Set {
    fn add(&mut self, member: u32) {
        self.members.push(member);
        if self.members.len() > 2 * self.distinct + 64 {
            self.compact();
        }
    }

    fn add_all(&mut self, members: &[u32]) {
        self.members.extend_from_slice(members);
        if self.members.len() > 2 * self.distinct + 64 {
            self.compact();
        }
    }

    fn compact(&mut self) {
        self.members.sort_unstable();
        self.members.dedup();
        self.distinct = self.members.len();
    }

    fn finish(mut self) -> Box<[u32]> {
        self.compact();
        self.members.into_boxed_slice()
    }
}
