//! What one location of a request holds.

use base64::Engine;
use zeroize::Zeroizing;

use crate::inbound::auth_error::AuthErrorKind;

/// What one location of a request holds.
pub(crate) enum Found<'a> {
    Absent(Absent),
    Twice,
    /// Something was presented, if only something that cannot be decoded.
    Presented(Result<Presented<'a>, AuthErrorKind>),
}

/// Why there is nothing, from the least telling reason to the most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Absent {
    Missing,
    OtherScheme,
    Empty,
}

/// What stands where a token should: any bytes.
pub(crate) enum Presented<'a> {
    AsSent(&'a [u8]),
    Decoded(Zeroizing<Vec<u8>>),
}

impl Presented<'_> {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::AsSent(bytes) => bytes,
            Self::Decoded(bytes) => bytes,
        }
    }
}

/// Decodes Base64 into memory that is wiped when dropped, unless more than `max_len` bytes could be behind it.
pub(crate) fn decode_base64(
    engine: &impl Engine,
    encoded: &[u8],
    max_len: usize,
) -> Result<Zeroizing<Vec<u8>>, AuthErrorKind> {
    if encoded.len() > max_len.div_ceil(3).saturating_mul(4) {
        return Err(AuthErrorKind::TooLong);
    }
    // At its full length from the start: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(encoded.len())]);
    let len = engine
        .decode_slice(encoded, &mut bytes)
        .map_err(|_| AuthErrorKind::Malformed)?;
    bytes.truncate(len);
    Ok(bytes)
}

pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
