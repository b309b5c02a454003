//! What is in the file: read with a bound, trimmed, told apart by its digest.

use std::io::{self, ErrorKind, Read};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::rotating::Revision;
use crate::secret::Secret;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Bytes that are wiped when dropped.
pub(super) type Bytes = Zeroizing<Vec<u8>>;

/// The content without ASCII white space and byte order marks at both ends: editors, `echo` and
/// exports leave them, and no key has them.
pub(super) fn trim(mut content: &[u8]) -> &[u8] {
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

/// Reads to the end, or `None` when there are more than `max` bytes. `expected` is what the file system
/// says the length is: a hint, since the file may grow, and some file systems say 0.
pub(super) fn read(mut file: impl Read, expected: u64, max: usize) -> io::Result<Option<Bytes>> {
    let most = max.saturating_add(1);
    let expected = usize::try_from(expected).unwrap_or(most).min(max);
    let mut bytes = Zeroizing::new(vec![0; expected.saturating_add(1)]);
    let mut length = 0;
    loop {
        if length > max {
            return Ok(None);
        }
        if length == bytes.len() {
            // Not `resize`: that would leave a copy behind unwiped.
            let mut larger = Zeroizing::new(vec![0; length.saturating_mul(2).min(most)]);
            larger[..length].copy_from_slice(&bytes);
            bytes = larger;
        }
        match file.read(&mut bytes[length..]) {
            Ok(0) => {
                bytes.truncate(length);
                return Ok(Some(bytes));
            }
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What tells one content from another: SHA-256 of the trimmed bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn is_of(self, revision: &Revision) -> bool {
        revision.as_bytes() == self.0
    }
}

impl From<Digest> for Revision {
    fn from(digest: Digest) -> Self {
        Self::new(digest.0)
    }
}

/// Whether there is anything in the file but white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    Empty,
    Some,
}

/// The file's content as one look found it.
pub(super) struct Content {
    bytes: Bytes,
    digest: Digest,
}

impl Content {
    pub(super) fn new(bytes: Bytes) -> Self {
        let digest = Digest(Sha256::digest(trim(&bytes)).into());
        Self { bytes, digest }
    }

    pub(super) fn fill(&self) -> Fill {
        if trim(&self.bytes).is_empty() {
            Fill::Empty
        } else {
            Fill::Some
        }
    }

    pub(super) const fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn secret(&self) -> Secret {
        Secret::new(trim(&self.bytes).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn white_space_and_byte_order_marks_are_trimmed_at_both_ends_alone() {
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

    /// Hands out at most `step` bytes at a time, however much is asked for.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let (now, later) = self.0.split_at(self.1.min(into.len()).min(self.0.len()));
            into[..now.len()].copy_from_slice(now);
            self.0 = later;
            Ok(now.len())
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
        fn trimming_twice_is_trimming_once(content in pieces()) {
            let once = trim(&content);
            prop_assert_eq!(trim(once), once);
            for end in [once.first(), once.last()].into_iter().flatten() {
                prop_assert!(!end.is_ascii_whitespace());
            }
            prop_assert!(!once.starts_with(BYTE_ORDER_MARK) && !once.ends_with(BYTE_ORDER_MARK));
        }

        #[test]
        fn what_surrounds_a_key_does_not_matter(around in "[ \t\r\n\u{feff}]{0,9}", after in "[ \t\r\n\u{feff}]{0,9}") {
            let content = [around.as_bytes(), b"sk-1f0c", after.as_bytes()].concat();
            prop_assert_eq!(trim(&content), b"sk-1f0c");
        }

        #[test]
        fn all_of_a_file_is_read_or_it_is_too_large(
            content in prop::collection::vec(any::<u8>(), 0..200),
            expected in 0_u64..300,
            step in 1_usize..50,
            max in 0_usize..250,
        ) {
            let read = read(Trickle(&content, step), expected, max).unwrap();
            let fits = content.len() <= max;
            prop_assert_eq!(read.as_ref().map(|bytes| bytes.as_slice()), fits.then_some(&*content));
        }
    }
}
