//! A JSON parser. Its input comes from anywhere, so that depth is limited and every error has a position.

/// How deep arrays and objects may nest.
const MAX_DEPTH: usize = 256;

/// A JSON value. Numbers stay as they were written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `true`, `false` or a number, as text.
    Plain(String),
    /// A string, its escapes resolved.
    Text(String),
    /// An array.
    Array(Vec<Value>),
    /// An object, in the order of its text.
    Object(Vec<(String, Value)>),
}

/// What is wrong, and at which byte.
#[derive(Debug, PartialEq)]
pub struct Error {
    pub at: usize,
    pub what: &'static str,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "byte {}: {}", self.at, self.what)
    }
}

/// Parses a document.
pub fn parse(text: &str) -> Result<Value, Error> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.space();
    match parser.peek() {
        None => Ok(value),
        Some(_) => parser.fail("something follows the document"),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn fail<T>(&self, what: &'static str) -> Result<T, Error> {
        Err(Error { at: self.at, what })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        if depth > MAX_DEPTH {
            return self.fail("nested too deeply");
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9' | b'a'..=b'z') => self.plain(),
            Some(_) => self.fail("expected a value"),
            None => self.fail("the document ends too early"),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Error> {
        self.at += 1;
        let mut members = Vec::new();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return self.fail("expected a name in quotes");
            }
            let name = self.string()?;
            if !self.take(b':') {
                return self.fail("expected a colon");
            }
            members.push((name, self.value(depth + 1)?));
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.take(b',') {
                return self.fail("expected a comma or a closing brace");
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Error> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            if !self.take(b',') {
                return self.fail("expected a comma or a closing bracket");
            }
        }
    }

    fn plain(&mut self) -> Result<Value, Error> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E')) {
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        let number = word.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if matches!(word, "null" | "true" | "false") || (number && word.parse::<f64>().is_ok()) {
            return Ok(Value::Plain(word.to_string()));
        }
        self.at = start;
        self.fail("neither a number nor null, true or false")
    }

    fn string(&mut self) -> Result<String, Error> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let stop = match rest.find(|c: char| c == '"' || c == '\\' || c < ' ') {
                Some(stop) => stop,
                None => return self.fail("a string without an end"),
            };
            out.push_str(&rest[..stop]);
            self.at += stop + 1;
            match rest.as_bytes()[stop] {
                b'"' => return Ok(out),
                b'\\' => out.push(self.escape()?),
                _ => {
                    self.at -= 1;
                    return self.fail("a control character in a string");
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let byte = self.peek();
        self.at += 1;
        Ok(match byte {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(plain @ (b'"' | b'\\' | b'/')) => plain as char,
            Some(b'u') => return self.unicode(),
            _ => {
                self.at -= 1;
                return self.fail("an unknown escape");
            }
        })
    }

    fn unicode(&mut self) -> Result<char, Error> {
        let first = self.hex()?;
        let high = 0xd800..0xdc00;
        if !high.contains(&first) {
            // A lone surrogate has no character.
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if !self.text[self.at..].starts_with("\\u") {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let back = self.at;
        self.at += 2;
        let second = self.hex()?;
        if !(0xdc00..0xe000).contains(&second) {
            self.at = back;
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let mut value = 0;
        for digit in digits.into_iter().flatten() {
            match (*digit as char).to_digit(16) {
                Some(digit) => value = value * 16 + digit,
                None => return self.fail("expected four hexadecimal digits"),
            }
        }
        if digits.is_none() {
            return self.fail("expected four hexadecimal digits");
        }
        self.at += 4;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_kind() {
        let text = r#" {"a": [1, -2.5e3, null, true], "b\u00e9\ud83d\ude00": "x\n\"", "": {}} "#;
        let number = |text: &str| Value::Plain(text.into());
        let expected = Value::Object(vec![
            ("a".into(), Value::Array(vec![number("1"), number("-2.5e3"), number("null"), number("true")])),
            ("bé😀".into(), Value::Text("x\n\"".into())),
            ("".into(), Value::Object(vec![])),
        ]);
        assert_eq!(parse(text), Ok(expected));
        assert_eq!(parse(r#""\ud83dx""#), Ok(Value::Text("\u{fffd}x".into())));
    }

    #[test]
    fn errors_have_positions() {
        let at = |text: &str| parse(text).expect_err("it is wrong").at;
        assert_eq!(at(""), 0);
        assert_eq!(at("[1 2]"), 3);
        assert_eq!(at("{\"a\" 1}"), 5);
        assert_eq!(at("[tru]"), 1);
        assert_eq!(at("1 2"), 2);
        assert_eq!(at("\"\\u12"), 3);
        assert_eq!(at("\"abc"), 1);
        assert_eq!(at("inf"), 0);
        assert_eq!(parse(&"[".repeat(100_000)).expect_err("too deep").what, "nested too deeply");
    }
}
