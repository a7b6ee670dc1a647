//! A table whose entries last as long as the scope that they were made in.

use std::collections::HashMap;
use std::hash::Hash;

/// What passes know on the way down the dominator tree.
pub struct Scoped<K, V> {
    entries: HashMap<K, V>,
    /// Former values of keys, in the order of their change.
    undo: Vec<(K, Option<V>)>,
    /// Lengths of `undo` at which the open scopes began.
    marks: Vec<usize>,
}

impl<K: Clone + Eq + Hash, V: Copy> Default for Scoped<K, V> {
    fn default() -> Self {
        Scoped { entries: HashMap::new(), undo: Vec::new(), marks: Vec::new() }
    }
}

impl<K: Clone + Eq + Hash, V: Copy> Scoped<K, V> {
    /// Begins a scope.
    pub fn enter(&mut self) {
        self.marks.push(self.undo.len());
    }

    /// Ends the scope that was begun last: everything is as it was then.
    pub fn leave(&mut self) {
        for (key, former) in self.undo.drain(self.marks.pop().unwrap_or(0)..).rev() {
            match former {
                Some(former) => self.entries.insert(key, former),
                None => self.entries.remove(&key),
            };
        }
    }

    /// What is known of a key.
    pub fn get(&self, key: &K) -> Option<V> {
        self.entries.get(key).copied()
    }

    /// Notes something, until the scope ends.
    pub fn insert(&mut self, key: K, value: V) {
        let former = self.entries.insert(key.clone(), value);
        self.undo.push((key, former));
    }
}
