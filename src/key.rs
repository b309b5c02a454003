//! What a key may look like, checked once, where it enters.

use std::error::Error;
use std::fmt;

use super::secret::Secret;

/// No header value that a server takes is longer.
const LONGEST: usize = 16 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// An error of something that is not a usable key.
///
/// It says what is wrong and contains no byte of what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey(InvalidKeyKind);

/// The kinds of [`InvalidKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidKeyKind {
    /// There is nothing but white space.
    Empty,
    /// More than 16 KiB.
    TooLong,
    /// White space in the middle: several keys, several lines, or a sentence.
    InnerSpace,
    /// A byte that is not visible ASCII.
    NotVisibleAscii,
    /// The word `Bearer` before the key. The crate adds it where it belongs.
    WithScheme,
    /// A placeholder of a template that nobody filled in: `{{ … }}`, `${…}`, `$NAME`, `os.environ/…` or `<…>`.
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
                "the key has white space in the middle; put one key there and no more"
            }
            InvalidKeyKind::NotVisibleAscii => "the key has bytes other than visible ASCII",
            InvalidKeyKind::WithScheme => {
                "the key starts with \"Bearer\"; put the bare key there"
            }
            InvalidKeyKind::Placeholder => {
                "a placeholder stands where the key should be; check that the template was filled in"
            }
        })
    }
}

impl Error for InvalidKey {}

/// The key within: without white space and byte order mark around it.
pub(crate) fn parse(secret: &Secret) -> Result<&[u8], InvalidKey> {
    let key = trim(secret.expose_secret());
    check(key).map(|()| key)
}

/// Whether these bytes are a key as it stands.
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

fn trim(bytes: &[u8]) -> &[u8] {
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
    fn a_key_is_taken_without_what_editors_put_around_it() {
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
    fn what_is_no_key_is_told_apart() {
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
