//! What one location of a request holds.

use base64::Engine;
use zeroize::Zeroizing;

use crate::inbound::auth_error::AuthErrorKind;

/// What one location of a request holds.
pub(crate) enum LocationContent<'a> {
    Absent(Absent),
    Twice,
    /// The location holds something, or something that cannot be decoded.
    Presented(Result<Presented<'a>, AuthErrorKind>),
}

/// Why a location holds nothing. The greatest of all locations is the reason that the error states.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Absent {
    Missing,
    OtherScheme,
    Empty,
}

/// The bytes in the place of a token.
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

/// Decodes Base64 into memory that is wiped on drop. Fails if the result could exceed `max_len`
/// bytes.
pub(crate) fn decode_base64(
    engine: &impl Engine,
    encoded: &[u8],
    max_len: usize,
) -> Result<Zeroizing<Vec<u8>>, AuthErrorKind> {
    if encoded.len() > max_len.div_ceil(3).saturating_mul(4) {
        return Err(AuthErrorKind::TooLong);
    }
    // Allocated at full length: a vector that grows leaves copies of the secret behind.
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
