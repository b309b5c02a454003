//! One field of a dotenv or JSON file.

use std::fmt;

use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

use crate::fs::SecretBytes;

/// The name of the field that holds the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field(String);

/// Why the field could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldError {
    name: String,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    /// The content starts like a JSON object and is none.
    NotJson,
    Missing,
    NotText,
    /// A quote has no end.
    Unterminated,
}

impl Field {
    pub(crate) const fn new(name: String) -> Self {
        Self(name)
    }

    /// Reads the field of a JSON object, or else of a dotenv file.
    pub(crate) fn read(&self, content: &[u8]) -> Result<SecretBytes, FieldError> {
        let read = if content.starts_with(b"{") {
            self.read_json(content)
        } else {
            self.read_dotenv(content)
        };
        read.map_err(|problem| FieldError {
            name: self.0.clone(),
            problem,
        })
    }

    fn read_json(&self, content: &[u8]) -> Result<SecretBytes, Problem> {
        let mut json = serde_json::from_slice(content).map_err(|_| Problem::NotJson)?;
        let found = match &mut json {
            Value::Object(fields) => fields.remove(&self.0),
            _ => None,
        };
        wipe(&mut json);
        match found {
            Some(Value::String(text)) => Ok(Zeroizing::new(text.into_bytes())),
            Some(mut other) => {
                wipe(&mut other);
                Err(Problem::NotText)
            }
            None => Err(Problem::Missing),
        }
    }

    /// The last line with the name counts, as in a shell.
    fn read_dotenv(&self, content: &[u8]) -> Result<SecretBytes, Problem> {
        let assigned = content
            .split(|byte| *byte == b'\n')
            .rev()
            .find_map(|line| self.assigned(line.trim_ascii()));
        value(assigned.ok_or(Problem::Missing)?)
    }

    /// Returns what the line assigns to this name.
    fn assigned<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        let exported = line
            .strip_prefix(b"export")
            .filter(|rest| rest.first().is_some_and(u8::is_ascii_whitespace));
        let line = exported.unwrap_or(line).trim_ascii_start();
        let rest = line.strip_prefix(self.0.as_bytes())?.trim_ascii_start();
        Some(rest.strip_prefix(b"=")?.trim_ascii_start())
    }
}

/// Reads a value: in single quotes as it is, in double quotes with escapes, or up to a comment.
/// Nothing is expanded, since a key may contain a `$`.
fn value(text: &[u8]) -> Result<SecretBytes, Problem> {
    match text {
        [b'\'', rest @ ..] => {
            let end = rest.iter().position(|byte| *byte == b'\'');
            let end = end.ok_or(Problem::Unterminated)?;
            Ok(Zeroizing::new(rest[..end].to_vec()))
        }
        [b'"', rest @ ..] => unescape(rest),
        [b'#', ..] => Ok(SecretBytes::default()),
        _ => {
            let comment = text
                .windows(2)
                .position(|pair| pair[0].is_ascii_whitespace() && pair[1] == b'#');
            let bare = &text[..comment.unwrap_or(text.len())];
            Ok(Zeroizing::new(bare.trim_ascii_end().to_vec()))
        }
    }
}

/// Reads up to the closing double quote.
fn unescape(text: &[u8]) -> Result<SecretBytes, Problem> {
    let mut value = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return Ok(value),
            b'\\' => match bytes.next() {
                Some(b'n') => value.push(b'\n'),
                Some(b'r') => value.push(b'\r'),
                Some(b't') => value.push(b'\t'),
                Some(escaped) => value.push(*escaped),
                None => return Err(Problem::Unterminated),
            },
            byte => value.push(*byte),
        }
    }
    Err(Problem::Unterminated)
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, problem } = self;
        match problem {
            Problem::NotJson => f.write_str("starts like a JSON object and is none"),
            Problem::Missing => write!(
                f,
                "has no field {name:?}; write {name}=… or a JSON object with that member"
            ),
            Problem::NotText => {
                write!(
                    f,
                    "has a field {name:?} that is no text; write the key in quotes"
                )
            }
            Problem::Unterminated => {
                write!(
                    f,
                    "has a field {name:?} with a quote that has no end; close the quote"
                )
            }
        }
    }
}

/// Wipes every text: the other fields may be secrets, too.
fn wipe(json: &mut Value) {
    match json {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<String, Problem> {
        let field = Field::new("OPENAI_API_KEY".to_owned());
        let value = field.read(content.as_bytes());
        let value = value.map_err(|error| error.problem)?;
        Ok(String::from_utf8(value.to_vec()).unwrap())
    }

    #[test]
    fn dotenv_field_is_read_as_shells_write_it() {
        for content in [
            "OPENAI_API_KEY=sk-1",
            "OPENAI_API_KEY=sk-1\r\nOTHER=2\r\n",
            "# OPENAI_API_KEY=old\nOTHER=2\n  export\tOPENAI_API_KEY = sk-1 # rotated",
            "OPENAI_API_KEY='sk-1'\n",
            "OPENAI_API_KEY=\"sk-1\" # rotated\n",
            "OPENAI_API_KEY=old\nOPENAI_API_KEY=sk-1\nOPENAI_API_KEY_2=other",
            "exportOPENAI_API_KEY=other\nOPENAI_API_KEY=sk-1\nMY_OPENAI_API_KEY=other",
        ] {
            assert_eq!(read(content).as_deref(), Ok("sk-1"), "{content}");
        }
    }

    #[test]
    fn dotenv_value_keeps_its_characters() {
        for (content, expected) in [
            ("OPENAI_API_KEY=a#b", "a#b"),
            ("OPENAI_API_KEY=a$b${c}", "a$b${c}"),
            ("OPENAI_API_KEY=abc==", "abc=="),
            (r"OPENAI_API_KEY='a\n$b#'", r"a\n$b#"),
            (r#"OPENAI_API_KEY="a\"\\\$ # b""#, r#"a"\$ # b"#),
            ("OPENAI_API_KEY=", ""),
            ("OPENAI_API_KEY= # none", ""),
        ] {
            assert_eq!(read(content).as_deref(), Ok(expected), "{content}");
        }
    }

    #[test]
    fn json_field_is_read_from_the_top_level() {
        for content in [
            r#"{"OPENAI_API_KEY":"sk-1"}"#,
            r#"{"other": {"OPENAI_API_KEY": "x"}, "OPENAI_API_KEY": "sk\u002d1", "n": [1, "a"]}"#,
        ] {
            assert_eq!(read(content).as_deref(), Ok("sk-1"), "{content}");
        }
    }

    #[test]
    fn unreadable_field_says_why() {
        for (content, error) in [
            ("", Problem::Missing),
            ("sk-1", Problem::Missing),
            ("OTHER=1", Problem::Missing),
            ("OPENAI_API_KEY='sk", Problem::Unterminated),
            ("OPENAI_API_KEY=\"sk\\\"", Problem::Unterminated),
            ("{}", Problem::Missing),
            (r#"{"other": {"OPENAI_API_KEY": "x"}}"#, Problem::Missing),
            (r#"{"OPENAI_API_KEY": null}"#, Problem::NotText),
            (r#"{"OPENAI_API_KEY": ["sk-1"]}"#, Problem::NotText),
            (r#"{"OPENAI_API_KEY": "sk-"#, Problem::NotJson),
        ] {
            assert_eq!(read(content), Err(error), "{content}");
        }
    }
}
