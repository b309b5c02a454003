//! Base64, into memory that is wiped.

use base64::Engine;
use zeroize::Zeroizing;

use crate::inbound::auth_error::AuthError;

/// The bytes behind `encoded`, if there can be no more than `max_len` of them.
pub(crate) fn base64(
    engine: &impl Engine,
    encoded: &[u8],
    max_len: usize,
) -> Result<Zeroizing<Vec<u8>>, AuthError> {
    if encoded.len() > max_len.div_ceil(3).saturating_mul(4) {
        return Err(AuthError::TooLong);
    }
    // At its full length from the start: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(encoded.len())]);
    let len = engine
        .decode_slice(encoded, &mut bytes)
        .map_err(|_| AuthError::Malformed)?;
    bytes.truncate(len);
    Ok(bytes)
}
