//! The checksum at a token's end: CRC-32 of all that stands before it, as digits.

use super::{ALPHABET, CHECKSUM};

pub(crate) fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let mut rest = crc32fast::hash(body);
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        // A remainder of 62 is below 62.
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

/// Whether a token ends in the checksum of what stands before it.
pub(crate) fn holds(token: &[u8]) -> bool {
    token
        .split_last_chunk::<CHECKSUM>()
        .is_some_and(|(body, sum)| *sum == checksum(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_test_vector_holds() {
        let body = b"trk_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";
        assert_eq!(crc32fast::hash(body), 0x2c71_4ca4);
        assert_eq!(&checksum(body), b"0oSYWS");
        assert!(holds(&[&body[..], b"0oSYWS"].concat()));
        assert!(!holds(&[&body[..], b"0oSYWT"].concat()));
        assert!(!holds(&b"0oSYWS"[..5]));
    }
}
