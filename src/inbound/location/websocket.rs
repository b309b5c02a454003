//! A token among the subprotocols that a browser's WebSocket offers.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use http::header::{HeaderMap, SEC_WEBSOCKET_PROTOCOL};

use super::found::{Absent, Found, Presented, decode_base64, trim};
use crate::inbound::auth_error::AuthErrorKind;

/// The prefix that Kubernetes' API server uses, the only convention with a specification.
const PREFIX: &[u8] = b"base64url.bearer.authorization.k8s.io.";

pub(crate) fn read<'a>(headers: &HeaderMap, max_len: usize) -> Found<'a> {
    let mut encoded = None;
    let mut others = 0;
    for entry in headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .flat_map(entries)
    {
        match entry.strip_prefix(PREFIX) {
            None => others += 1,
            Some(token) if encoded.is_none() => encoded = Some(token),
            Some(_) => return Found::Twice,
        }
    }
    match encoded {
        None => Found::Absent(Absent::Missing),
        Some(b"") => Found::Absent(Absent::Empty),
        // The server must choose a subprotocol and send it back, which must not be the token.
        Some(_) if others == 0 => Found::Presented(Err(AuthErrorKind::Malformed)),
        Some(encoded) => Found::Presented(
            decode_base64(&URL_SAFE_NO_PAD, encoded, max_len).map(Presented::Decoded),
        ),
    }
}

/// Removes each token. Lines without one stay as they are.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL);
    if !lines.iter().flat_map(entries).any(is_token) {
        return;
    }
    let kept: Vec<_> = lines.iter().filter_map(stripped).collect();
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    for line in kept {
        headers.append(SEC_WEBSOCKET_PROTOCOL, line);
    }
}

fn stripped(line: &HeaderValue) -> Option<HeaderValue> {
    if !entries(line).any(is_token) {
        return Some(line.clone());
    }
    let others: Vec<_> = entries(line).filter(|entry| !is_token(entry)).collect();
    if others.is_empty() {
        return None;
    }
    HeaderValue::from_bytes(&others.join(&b", "[..])).ok()
}

fn entries(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    line.as_bytes()
        .split(|byte| *byte == b',')
        .map(trim)
        .filter(|entry| !entry.is_empty())
}

fn is_token(entry: &[u8]) -> bool {
    entry.starts_with(PREFIX)
}
