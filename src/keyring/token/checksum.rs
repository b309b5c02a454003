//! The checksum at the end of a token: the CRC-32 of everything before it, in base 62.

use super::{ALPHABET, CHECKSUM};

pub(crate) fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let mut rest = crc32fast::hash(body);
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        // The remainder is below 62, so that the cast and the index cannot fail.
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

/// Returns whether a token ends in the checksum of what precedes it.
pub(crate) fn holds(token: &[u8]) -> bool {
    token
        .split_last_chunk::<CHECKSUM>()
        .is_some_and(|(body, sum)| *sum == checksum(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_matches_published_vector() {
        let body = b"trk_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";
        assert_eq!(crc32fast::hash(body), 0x2c71_4ca4);
        assert_eq!(&checksum(body), b"0oSYWS");
        assert!(holds(&[&body[..], b"0oSYWS"].concat()));
        assert!(!holds(&[&body[..], b"0oSYWT"].concat()));
        assert!(!holds(&b"0oSYWS"[..5]));
    }
}
