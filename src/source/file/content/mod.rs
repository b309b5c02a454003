//! The content of the file: the key in it, trimmed and compared by its digest.

mod field;

use sha2::{Digest as _, Sha256};

pub(crate) use self::field::{Field, FieldError};
use crate::fs::SecretBytes;
use crate::secret::Secret;
use crate::source::fetch::Revision;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Removes ASCII white space and byte order marks from both ends. Editors, `echo` and exports leave
/// them behind, and no key has them.
pub(crate) fn trim(mut content: &[u8]) -> &[u8] {
    loop {
        let before = content.len();
        content = content.trim_ascii();
        content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
        content = content.strip_suffix(BYTE_ORDER_MARK).unwrap_or(content);
        if content.len() == before {
            return content;
        }
    }
}

/// The SHA-256 of the key, or of the whole content if it has none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn is_of(self, revision: &Revision) -> bool {
        revision.as_bytes() == self.0
    }
}

impl From<Digest> for Revision {
    fn from(digest: Digest) -> Self {
        Self::new(digest.0)
    }
}

/// Whether the file holds anything but white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    Empty,
    Some,
}

/// The content of the file, as one read found it.
pub(crate) struct Content {
    key: Result<SecretBytes, FieldError>,
    fill: Fill,
    digest: Digest,
}

impl Content {
    /// Takes the key out of the bytes: all of them, or one field.
    pub(crate) fn new(bytes: SecretBytes, field: Option<&Field>) -> Self {
        let fill = if trim(&bytes).is_empty() {
            Fill::Empty
        } else {
            Fill::Some
        };
        let of_field = field.map(|field| field.read(trim(&bytes)));
        let digested = match &of_field {
            Some(Ok(key)) => trim(key),
            None | Some(Err(_)) => trim(&bytes),
        };
        Self {
            fill,
            digest: Digest(Sha256::digest(digested).into()),
            key: of_field.unwrap_or(Ok(bytes)),
        }
    }

    pub(crate) const fn fill(&self) -> Fill {
        self.fill
    }

    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the key.
    pub(crate) fn secret(self) -> Result<Secret, FieldError> {
        let key = self.key?;
        Ok(Secret::new(trim(&key).to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn trim_removes_white_space_and_bom_at_both_ends() {
        let trimmed: [(&[u8], &[u8]); 6] = [
            (b"key", b"key"),
            (b"  key\r\n", b"key"),
            (b"\xEF\xBB\xBFkey\n\xEF\xBB\xBF", b"key"),
            (b" \xEF\xBB\xBF \xEF\xBB\xBF\tkey", b"key"),
            (b"two\nkeys\n", b"two\nkeys"),
            (b"\xEF\xBB\xBF\n", b""),
        ];
        for (content, expected) in trimmed {
            assert_eq!(trim(content), expected);
        }
    }

    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(BYTE_ORDER_MARK.to_vec()),
            Just(b" ".to_vec()),
            Just(b"\r\n".to_vec()),
            prop::collection::vec(any::<u8>(), 0..4),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn trim_is_idempotent(content in pieces()) {
            let once = trim(&content);
            prop_assert_eq!(trim(once), once);
            for end in [once.first(), once.last()].into_iter().flatten() {
                prop_assert!(!end.is_ascii_whitespace());
            }
            prop_assert!(!once.starts_with(BYTE_ORDER_MARK) && !once.ends_with(BYTE_ORDER_MARK));
        }

        #[test]
        fn trim_ignores_what_surrounds_a_key(around in "[ \t\r\n\u{feff}]{0,9}", after in "[ \t\r\n\u{feff}]{0,9}") {
            let content = [around.as_bytes(), b"sk-1f0c", after.as_bytes()].concat();
            prop_assert_eq!(trim(&content), b"sk-1f0c");
        }
    }
}
