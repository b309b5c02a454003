//! The check that content is a key, rather than what templates and copies leave in its place.

use std::fmt;

#[cfg(any(feature = "exec", feature = "http"))]
use super::error::SourceError;
#[cfg(any(feature = "exec", feature = "http"))]
use super::fetch::{Fetched, Purpose};
#[cfg(any(feature = "exec", feature = "http"))]
use crate::key;
#[cfg(any(feature = "exec", feature = "http"))]
use crate::secret::Secret;

/// What programs write in place of a value that is missing, in this case.
const NOTHING: [&[u8]; 8] = [
    b"None",
    b"nil",
    b"<nil>",
    b"(null)",
    b"NaN",
    b"true",
    b"false",
    b"[object Object]",
];
/// The same, in any case.
const NOTHING_IN_ANY_CASE: [&[u8]; 5] = [
    b"null",
    b"undefined",
    b"changeme",
    b"change-me",
    b"change_me",
];

/// Whether content is checked before it becomes a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum KeyCheck {
    #[default]
    On,
    Off,
}

/// Something that is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAKey {
    /// A word such as `null`.
    Nothing,
    Quoted,
    Json,
    /// `NAME=value`.
    Assignment,
}

impl KeyCheck {
    /// Checks trimmed content.
    pub(crate) fn check(self, content: &[u8]) -> Result<(), NotAKey> {
        match self {
            Self::On => check(content),
            Self::Off => Ok(()),
        }
    }
}

#[cfg(any(feature = "exec", feature = "http"))]
impl KeyCheck {
    /// Checks what a source found. `place` says in an error where that was.
    pub(crate) fn check_fetched(
        self,
        fetched: Fetched<Secret>,
        purpose: Purpose,
        place: &str,
    ) -> Result<Fetched<Secret>, SourceError> {
        if let (Fetched::Value { value, .. }, Purpose::Secret) = (&fetched, purpose) {
            let checked = self.check(key::trim(value.expose_secret()));
            checked.map_err(|found| SourceError::invalid(format!("{place} {found}")))?;
        }
        Ok(fetched)
    }
}

fn check(content: &[u8]) -> Result<(), NotAKey> {
    let is_content = |word: &&[u8]| content.eq_ignore_ascii_case(word);
    if NOTHING.contains(&content) || NOTHING_IN_ANY_CASE.iter().any(is_content) {
        return Err(NotAKey::Nothing);
    }
    match content {
        [quote @ (b'"' | b'\'' | b'`'), .., end] if quote == end => Err(NotAKey::Quoted),
        [b'{', ..] | [b'[', .., b']'] => Err(NotAKey::Json),
        _ if is_assignment(content) => Err(NotAKey::Assignment),
        _ => Ok(()),
    }
}

/// Returns whether the content starts with a name, `=` and a value. The padding of Base64 is not
/// such a value: `abc==` is a key.
fn is_assignment(content: &[u8]) -> bool {
    let content = content.strip_prefix(b"export ").unwrap_or(content);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let end = content.iter().position(|byte| !is_part(byte));
    let Some((name, [b'=', value, ..])) = end.map(|end| content.split_at(end)) else {
        return false;
    };
    *value != b'=' && name.first().is_some_and(|first| !first.is_ascii_digit())
}

impl fmt::Display for NotAKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, remedy) = match self {
            Self::Nothing => (
                "a word that stands for no value, such as null",
                "check the template that writes it",
            ),
            Self::Quoted => ("a key in quotes", "remove the quotes"),
            Self::Json => (
                "JSON instead of a key",
                "write the key alone, or read one field of the file",
            ),
            Self::Assignment => (
                "NAME=value instead of a key",
                "write the key alone, or read one field of the file",
            ),
        };
        write!(
            f,
            "{what}; {remedy}, or call `allow_any_content` if this is the secret"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_is_no_key_is_refused() {
        let cases: [(&[&str], NotAKey); 4] = [
            (
                &[
                    "null",
                    "NULL",
                    "undefined",
                    "None",
                    "<nil>",
                    "[object Object]",
                    "CHANGEME",
                ],
                NotAKey::Nothing,
            ),
            (&["\"sk-1\"", "'sk-1'", "`sk-1`", "\"\""], NotAKey::Quoted),
            (
                &[
                    "{}",
                    "{\"error\":\"not found\"}",
                    "{\"key\":\"sk",
                    "[\"sk-1\"]",
                    "[]",
                ],
                NotAKey::Json,
            ),
            (
                &[
                    "OPENAI_API_KEY=sk-1",
                    "key=v",
                    "_=x",
                    "a1=x==",
                    "export KEY=sk-1",
                    "A=1\nB=2",
                ],
                NotAKey::Assignment,
            ),
        ];
        for (contents, expected) in cases {
            for content in contents {
                let checked = KeyCheck::On.check(content.as_bytes());
                assert_eq!(checked, Err(expected), "{content}");
                assert_eq!(KeyCheck::Off.check(content.as_bytes()), Ok(()));
            }
        }
    }

    #[test]
    fn keys_pass() {
        for key in [
            "sk-1f0c",
            "abc==",
            "abc=",
            "dGVzdA==",
            "=x",
            "1=x",
            "a.b=c",
            "sk-a=b",
            "none",
            "nullable",
            "\"sk-1",
            "sk-1\"",
            "\"",
            "'sk-1\"",
            "[sk-1",
            "sk-{1}",
            "-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----",
            "\u{ff}\u{0}",
            "",
        ] {
            assert_eq!(KeyCheck::On.check(key.as_bytes()), Ok(()), "{key}");
        }
    }
}
