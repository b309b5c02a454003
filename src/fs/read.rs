//! Reads a file up to a limit.

use std::io::{self, ErrorKind, Read};

use zeroize::Zeroizing;

/// Bytes that are wiped when they are dropped.
pub(crate) type SecretBytes = Zeroizing<Vec<u8>>;

/// Reads to the end, or returns `None` if there are more than `max` bytes.
///
/// `expected` is the length that the file system reports. It is only a hint: the file may grow, and
/// some file systems report 0.
pub(crate) fn read_bounded(
    mut file: impl Read,
    expected: u64,
    max: usize,
) -> io::Result<Option<SecretBytes>> {
    let most = max.saturating_add(1);
    let expected = usize::try_from(expected).unwrap_or(most).min(max);
    let mut bytes = Zeroizing::new(vec![0; expected.saturating_add(1)]);
    let mut length = 0;
    loop {
        if length > max {
            return Ok(None);
        }
        if length == bytes.len() {
            // Not `resize`, which would leave an unwiped copy behind.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns at most `step` bytes at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let (now, later) = self.0.split_at(self.1.min(into.len()).min(self.0.len()));
            into[..now.len()].copy_from_slice(now);
            self.0 = later;
            Ok(now.len())
        }
    }

    proptest! {
        #[test]
        fn read_bounded_returns_all_or_none(
            content in prop::collection::vec(any::<u8>(), 0..200),
            expected in 0_u64..300,
            step in 1_usize..50,
            max in 0_usize..250,
        ) {
            let read = read_bounded(Trickle(&content, step), expected, max).unwrap();
            let fits = content.len() <= max;
            prop_assert_eq!(read.as_ref().map(|bytes| bytes.as_slice()), fits.then_some(&*content));
        }
    }
}
