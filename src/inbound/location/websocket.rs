//! A token among the subprotocols that a browser's WebSocket offers.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use http::header::{HeaderMap, SEC_WEBSOCKET_PROTOCOL};

use super::content::{Absent, LocationContent, Presented, decode_base64, trim};
use crate::inbound::auth_error::AuthErrorKind;

/// The conventions: the prefix of an entry, and how the token after it is encoded.
const CONVENTIONS: [(&[u8], Encoding); 2] = [
    // Kubernetes' API server, the only one with a specification.
    (
        b"base64url.bearer.authorization.k8s.io.",
        Encoding::Base64Url,
    ),
    // OpenAI's Realtime API, and the servers that follow it.
    (b"openai-insecure-api-key.", Encoding::Plain),
];

#[derive(Clone, Copy)]
enum Encoding {
    Base64Url,
    Plain,
}

pub(crate) fn read(headers: &HeaderMap, max_len: usize) -> LocationContent<'_> {
    let mut found = None;
    let mut others = 0;
    for entry in headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .flat_map(entries)
    {
        match token(entry) {
            None => others += 1,
            Some(token) if found.is_none() => found = Some(token),
            Some(_) => return LocationContent::Twice,
        }
    }
    match found {
        None => LocationContent::Absent(Absent::Missing),
        Some((b"", _)) => LocationContent::Absent(Absent::Empty),
        // The server must choose a subprotocol and send it back, which must not be the token.
        Some(_) if others == 0 => LocationContent::Presented(Err(AuthErrorKind::Malformed)),
        Some((token, Encoding::Plain)) => LocationContent::Presented(Ok(Presented::AsSent(token))),
        Some((token, Encoding::Base64Url)) => LocationContent::Presented(
            decode_base64(&URL_SAFE_NO_PAD, token, max_len).map(Presented::Decoded),
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
    token(entry).is_some()
}

/// Returns the token of an entry that has one.
fn token(entry: &[u8]) -> Option<(&[u8], Encoding)> {
    CONVENTIONS
        .iter()
        .find_map(|(prefix, encoding)| Some((entry.strip_prefix(*prefix)?, *encoding)))
}
