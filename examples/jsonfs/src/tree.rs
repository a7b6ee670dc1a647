//! A JSON document as inodes: objects and arrays are directories, everything else is a file.

use crate::json::Value;
use std::collections::BTreeMap;

/// The longest name that Linux takes, in bytes.
const MAX_NAME: usize = 255;

/// What an inode holds.
pub enum Content {
    /// A directory: names with their inodes in the document's order, and where each name stands in that order.
    Directory(Vec<(String, u64)>, BTreeMap<String, usize>),
    /// A file.
    File(Vec<u8>),
}

/// A file or directory.
pub struct Node {
    pub parent: u64,
    pub content: Content,
}

/// All inodes; the number of each is its position plus one, so that the root's is 1.
pub struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// The tree of a document. A document that is a single value becomes the file `value`.
    pub fn new(document: Value) -> Tree {
        let document = match document {
            value @ (Value::Array(_) | Value::Object(_)) => value,
            value => Value::Object(vec![("value".into(), value)]),
        };
        let mut tree = Tree { nodes: Vec::new() };
        tree.add(1, document);
        tree
    }

    /// The inode of that number.
    pub fn get(&self, ino: u64) -> Option<&Node> {
        self.nodes.get(usize::try_from(ino.checked_sub(1)?).ok()?)
    }

    /// The inode of a name in a directory.
    pub fn find(&self, parent: u64, name: &str) -> Option<u64> {
        match &self.get(parent)?.content {
            Content::Directory(entries, positions) => positions.get(name).map(|at| entries[*at].1),
            Content::File(_) => None,
        }
    }

    /// How many inodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    fn add(&mut self, parent: u64, value: Value) -> u64 {
        let at = self.nodes.len();
        let ino = at as u64 + 1;
        let members = match value {
            Value::Plain(text) | Value::Text(text) => {
                let content = Content::File(line(text));
                self.nodes.push(Node { parent, content });
                return ino;
            }
            Value::Array(items) => items.into_iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
            Value::Object(members) => members,
        };
        self.nodes.push(Node { parent, content: Content::Directory(Vec::new(), BTreeMap::new()) });
        let mut entries = Vec::with_capacity(members.len());
        let mut positions = BTreeMap::new();
        for (name, value) in members {
            let name = unique(file_name(&name), &positions);
            let child = self.add(ino, value);
            positions.insert(name.clone(), entries.len());
            entries.push((name, child));
        }
        self.nodes[at].content = Content::Directory(entries, positions);
        ino
    }
}

/// A file's text ends with a newline, as `cat` and `grep` like it.
fn line(mut text: String) -> Vec<u8> {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.into_bytes()
}

/// A member's name as a file name: what a file name cannot hold is written `%XX`.
fn file_name(name: &str) -> String {
    if name.is_empty() || name == "." || name == ".." {
        return name.replace('.', "%2E") + if name.is_empty() { "%" } else { "" };
    }
    let mut out = String::with_capacity(name.len());
    for character in name.chars() {
        let written = match character {
            '/' => "%2F".to_string(),
            '\0' => "%00".to_string(),
            '%' => "%25".to_string(),
            plain => plain.to_string(),
        };
        if out.len() + written.len() > MAX_NAME {
            break;
        }
        out.push_str(&written);
    }
    out
}

/// The name, or a variant of it if an earlier member has it.
fn unique(name: String, taken: &BTreeMap<String, usize>) -> String {
    if !taken.contains_key(&name) {
        return name;
    }
    let variants = (2u64..).map(|count| {
        let suffix = format!("~{}", count);
        let mut cut = name.len().min(MAX_NAME - suffix.len());
        while !name.is_char_boundary(cut) {
            cut -= 1;
        }
        name[..cut].to_string() + &suffix
    });
    variants.into_iter().find(|variant| !taken.contains_key(variant)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn names(text: &str) -> Vec<String> {
        let tree = Tree::new(parse(text).expect("it is JSON"));
        match &tree.get(1).expect("there is a root").content {
            Content::Directory(entries, _) => entries.iter().map(|(name, _)| name.clone()).collect(),
            Content::File(_) => panic!("the root is a directory"),
        }
    }

    #[test]
    fn every_member_has_a_name_that_works() {
        assert_eq!(
            names(r#"{"a/b": 1, "..": 1, "": 1, "50%": 1, "a": 1, "a": 2}"#),
            ["a%2Fb", "%2E%2E", "%", "50%25", "a", "a~2"]
        );
        assert_eq!(names("[5, 6]"), ["0", "1"]);
        assert_eq!(names("true"), ["value"]);
        let long = "é".repeat(200);
        assert!(names(&format!("{{\"{long}\": 1, \"{long}\": 2}}")).iter().all(|name| name.len() <= MAX_NAME));
    }

    #[test]
    fn values_become_lines() {
        let tree = Tree::new(parse(r#"{"list": ["x", 1.50]}"#).expect("it is JSON"));
        let list = tree.find(1, "list").expect("it is there");
        let second = tree.find(list, "1").expect("it is there");
        match &tree.get(second).expect("it is there").content {
            Content::File(text) => assert_eq!(text, b"1.50\n"),
            Content::Directory(..) => panic!("a number is a file"),
        }
        assert_eq!(tree.get(second).map(|node| node.parent), Some(list));
        assert!(tree.get(0).is_none() && tree.get(tree.len() as u64 + 1).is_none());
    }
}
