//! Base64, into memory that is wiped.

use base64::Engine;
use zeroize::Zeroizing;

use super::refusal::Refusal;

/// The bytes behind `encoded`, if there can be no more than `max_len` of them.
pub(super) fn base64(
    engine: &impl Engine,
    encoded: &[u8],
    max_len: usize,
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    if encoded.len() > max_len.div_ceil(3).saturating_mul(4) {
        return Err(Refusal::TooLong);
    }
    // At its full length from the start: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(encoded.len())]);
    let len = engine
        .decode_slice(encoded, &mut bytes)
        .map_err(|_| Refusal::Malformed)?;
    bytes.truncate(len);
    Ok(bytes)
}
