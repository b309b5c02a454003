//! The token in `Authorization: Basic`.

use base64::engine::general_purpose::STANDARD;

use super::content::{Absent, LocationContent, Presented, decode_base64};
use crate::inbound::auth_error::AuthErrorKind;

/// Returns the password in `encoded`, or the user name if the password is empty.
pub(crate) fn decode<'a>(encoded: &[u8], max_len: usize) -> LocationContent<'a> {
    let longest = max_len.saturating_mul(2).saturating_add(1);
    let mut bytes = match decode_base64(&STANDARD, encoded, longest) {
        Ok(bytes) => bytes,
        Err(kind) => return LocationContent::Presented(Err(kind)),
    };
    let Some(colon) = bytes.iter().position(|byte| *byte == b':') else {
        return LocationContent::Presented(Err(AuthErrorKind::Malformed));
    };
    if colon + 1 < bytes.len() {
        bytes.drain(..=colon);
    } else {
        bytes.truncate(colon);
    }
    if bytes.is_empty() {
        return LocationContent::Absent(Absent::Empty);
    }
    LocationContent::Presented(Ok(Presented::Decoded(bytes)))
}
