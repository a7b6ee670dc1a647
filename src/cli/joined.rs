//! `--net RULE` with a space: the rule may be missing, so the parser alone could not tell it from the program that follows.

use super::args::Wasmjit;
use clap::CommandFactory;
use std::ffi::OsString;

/// How rules begin.
const RULES: &[&str] = &["connect=", "listen=", "resolve="];

fn is_rule(word: &OsString) -> bool {
    let text = word.to_string_lossy();
    text == "all" || RULES.iter().any(|rule| text.starts_with(rule))
}

/// Joins `--net RULE` to `--net=RULE`, wherever it is an option of wasmjit and not of the program that runs.
pub fn join_rules(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let Some(at) = words.iter().skip(1).position(|w| w == "run" || w == "mount").map(|at| at + 1) else { return words };
    let program_follows = words[at] == "run";
    let command = Wasmjit::command();
    let Some(command) = command.find_subcommand(words[at].to_string_lossy().as_ref()) else { return words };
    let takes_value = |word: &str| {
        let found = command.get_arguments().find(|arg| {
            let long = arg.get_long().is_some_and(|long| word.strip_prefix("--") == Some(long));
            long || arg.get_short().is_some_and(|short| word == format!("-{short}"))
        });
        found.is_some_and(|arg| arg.get_action().takes_values() && !arg.is_require_equals_set())
    };
    let mut next = at + 1;
    while let Some(word) = words.get(next) {
        let text = word.to_string_lossy().into_owned();
        if text == "--" || (program_follows && !text.starts_with('-')) {
            break;
        }
        next += if takes_value(&text) { 2 } else { 1 };
        if text == "--net" && words.get(next).is_some_and(is_rule) {
            let rule = words.remove(next);
            let mut joined = OsString::from("--net=");
            joined.push(rule);
            words[next - 1] = joined;
        }
    }
    words
}
