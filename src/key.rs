//! The check of a key where it enters the program.

use std::error::Error;
use std::fmt;

use super::secret::Secret;

/// The longest key, in bytes. Servers accept no longer header values.
const LONGEST: usize = 16 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// An error of something that is not a usable key.
///
/// It says what is wrong and contains no byte of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey(InvalidKeyKind);

/// The kinds of [`InvalidKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidKeyKind {
    /// Nothing but white space.
    Empty,
    /// More than 16 KiB.
    TooLong,
    /// White space in the middle: several keys, several lines, or a sentence.
    InnerSpace,
    /// A byte that is not visible ASCII.
    NotVisibleAscii,
    /// The word `Bearer` before the key. The crate adds it where it belongs.
    WithScheme,
    /// A placeholder of a template that nobody filled in: `{{ … }}`, `${…}`, `$NAME`,
    /// `os.environ/…` or `<…>`.
    Placeholder,
}

impl InvalidKey {
    pub(crate) const fn new(kind: InvalidKeyKind) -> Self {
        Self(kind)
    }

    /// Returns the kind of this error.
    #[must_use]
    pub const fn kind(self) -> InvalidKeyKind {
        self.0
    }
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            InvalidKeyKind::Empty => "the key is empty",
            InvalidKeyKind::TooLong => "the key is longer than 16 KiB",
            InvalidKeyKind::InnerSpace => {
                "the key has white space in the middle; provide exactly one key"
            }
            InvalidKeyKind::NotVisibleAscii => "the key has characters other than visible ASCII",
            InvalidKeyKind::WithScheme => "the key starts with \"Bearer\"; provide the key alone",
            InvalidKeyKind::Placeholder => "the key is a placeholder; fill in the template",
        })
    }
}

impl Error for InvalidKey {}

/// Returns the key without white space and byte order marks around it.
pub(crate) fn parse(secret: &Secret) -> Result<&[u8], InvalidKey> {
    let key = trim(secret.expose_secret());
    check(key).map(|()| key)
}

/// Checks that these bytes are a key, with nothing around it.
pub(crate) fn check(key: &[u8]) -> Result<(), InvalidKey> {
    if key.is_empty() {
        return Err(InvalidKey::new(InvalidKeyKind::Empty));
    }
    if key.len() > LONGEST {
        return Err(InvalidKey::new(InvalidKeyKind::TooLong));
    }
    if key.len() > 7 && key[..6].eq_ignore_ascii_case(b"bearer") && key[6].is_ascii_whitespace() {
        return Err(InvalidKey::new(InvalidKeyKind::WithScheme));
    }
    if is_placeholder(key) {
        return Err(InvalidKey::new(InvalidKeyKind::Placeholder));
    }
    match key.iter().find(|byte| !byte.is_ascii_graphic()) {
        Some(byte) if byte.is_ascii_whitespace() => {
            Err(InvalidKey::new(InvalidKeyKind::InnerSpace))
        }
        Some(_) => Err(InvalidKey::new(InvalidKeyKind::NotVisibleAscii)),
        None => Ok(()),
    }
}

/// Removes ASCII white space and byte order marks from both ends.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let mut trimmed = bytes;
    loop {
        let next = trimmed.trim_ascii();
        let next = next.strip_prefix(BOM).unwrap_or(next);
        let next = next.strip_suffix(BOM).unwrap_or(next);
        if next.len() == trimmed.len() {
            return trimmed;
        }
        trimmed = next;
    }
}

fn is_placeholder(key: &[u8]) -> bool {
    match key {
        [b'{', b'{', ..] | [b'<', ..] => true,
        [b'$', next, ..] => matches!(next, b'{' | b'(' | b'A'..=b'Z' | b'_'),
        _ => key.starts_with(b"os.environ/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(bytes: &[u8]) -> Result<Vec<u8>, InvalidKey> {
        parse(&Secret::new(bytes.to_vec())).map(<[u8]>::to_vec)
    }

    #[test]
    fn key_is_trimmed_of_white_space_and_bom() {
        for around in [
            "sk-1",
            "sk-1\n",
            "  sk-1\r\n",
            "\u{feff}sk-1",
            "\u{feff} sk-1 \u{feff}\n",
        ] {
            assert_eq!(
                parsed(around.as_bytes()),
                Ok(b"sk-1".to_vec()),
                "{around:?}"
            );
        }
    }

    #[test]
    fn invalid_keys_have_their_kinds() {
        let cases: [(&[u8], InvalidKeyKind); 15] = [
            (b"", InvalidKeyKind::Empty),
            (b" \r\n\t", InvalidKeyKind::Empty),
            (&[b'k'; 16 * 1024 + 1], InvalidKeyKind::TooLong),
            (b"a b", InvalidKeyKind::InnerSpace),
            (b"a\tb", InvalidKeyKind::InnerSpace),
            (b"sk-1\nsk-2", InvalidKeyKind::InnerSpace),
            ("é".as_bytes(), InvalidKeyKind::NotVisibleAscii),
            (b"sk\0", InvalidKeyKind::NotVisibleAscii),
            (b"sk\x7f", InvalidKeyKind::NotVisibleAscii),
            (b"bearer sk-1", InvalidKeyKind::WithScheme),
            (b"{{ key }}", InvalidKeyKind::Placeholder),
            (b"${OPENAI_API_KEY}", InvalidKeyKind::Placeholder),
            (b"$OPENAI_API_KEY", InvalidKeyKind::Placeholder),
            (b"<html><body>503", InvalidKeyKind::Placeholder),
            (b"os.environ/OPENAI_API_KEY", InvalidKeyKind::Placeholder),
        ];
        for (bytes, kind) in cases {
            let error = parsed(bytes).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
}
