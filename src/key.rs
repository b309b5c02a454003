//! What a key may look like, checked once, where it enters.

use std::error::Error;
use std::fmt;

use super::secret::Secret;

/// No header value that a server takes is longer.
const LONGEST: usize = 16 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Why something is not a usable key. It tells what is wrong, never what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKey {
    /// There is nothing but white space.
    Empty,
    /// More bytes than any key has.
    TooLong,
    /// White space in the middle: several keys, several lines, or a sentence.
    InnerSpace,
    /// A byte that is not visible ASCII.
    NotVisibleAscii,
    /// The word `Bearer` before the key: it is added where it belongs.
    WithScheme,
    /// What was to be replaced by a key: `{{ … }}`, `${…}`, `$NAME`, `os.environ/…`, or something in `<…>`.
    Placeholder,
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the key is empty",
            Self::TooLong => "the key is longer than 16 KiB",
            Self::InnerSpace => {
                "the key has white space in the middle; put one key there and no more"
            }
            Self::NotVisibleAscii => "the key has bytes other than visible ASCII",
            Self::WithScheme => "the key starts with \"Bearer\"; put the bare key there",
            Self::Placeholder => {
                "a placeholder stands where the key should; was the template filled in?"
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
        return Err(InvalidKey::Empty);
    }
    if key.len() > LONGEST {
        return Err(InvalidKey::TooLong);
    }
    if key.len() > 7 && key[..6].eq_ignore_ascii_case(b"bearer") && key[6].is_ascii_whitespace() {
        return Err(InvalidKey::WithScheme);
    }
    if is_placeholder(key) {
        return Err(InvalidKey::Placeholder);
    }
    match key.iter().find(|byte| !byte.is_ascii_graphic()) {
        Some(byte) if byte.is_ascii_whitespace() => Err(InvalidKey::InnerSpace),
        Some(_) => Err(InvalidKey::NotVisibleAscii),
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
        let cases: [(&[u8], InvalidKey); 15] = [
            (b"", InvalidKey::Empty),
            (b" \r\n\t", InvalidKey::Empty),
            (&[b'k'; 16 * 1024 + 1], InvalidKey::TooLong),
            (b"a b", InvalidKey::InnerSpace),
            (b"a\tb", InvalidKey::InnerSpace),
            (b"sk-1\nsk-2", InvalidKey::InnerSpace),
            ("é".as_bytes(), InvalidKey::NotVisibleAscii),
            (b"sk\0", InvalidKey::NotVisibleAscii),
            (b"sk\x7f", InvalidKey::NotVisibleAscii),
            (b"bearer sk-1", InvalidKey::WithScheme),
            (b"{{ key }}", InvalidKey::Placeholder),
            (b"${OPENAI_API_KEY}", InvalidKey::Placeholder),
            (b"$OPENAI_API_KEY", InvalidKey::Placeholder),
            (b"<html><body>503", InvalidKey::Placeholder),
            (b"os.environ/OPENAI_API_KEY", InvalidKey::Placeholder),
        ];
        for (bytes, why) in cases {
            assert_eq!(parsed(bytes), Err(why), "{why}");
        }
    }
}
