//! Credentials of clients, in headers and queries. None reaches the upstream, on any route.

use http::HeaderMap;
use percent_encoding::percent_decode;

/// Headers that carry keys, tokens and sessions. Cookies count: a browser sends those of the
/// gateway's site, and an API with keys has no use for them.
const HEADERS: [&str; 14] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "api-key",
    "apikey",
    "x-api-key",
    "x-access-token",
    "x-amz-security-token",
    "x-auth-token",
    "x-functions-key",
    "x-goog-api-key",
    "x-goog-iam-authorization-token",
    "ocp-apim-subscription-key",
    // Realtime clients send their key as a subprotocol (`openai-insecure-api-key.KEY`).
    "sec-websocket-protocol",
];

/// Query parameters that carry keys (RFC 6750 §2.3, Google, Azure and others).
const PARAMETERS: [&[u8]; 6] = [
    b"access_token",
    b"api-key",
    b"api_key",
    b"apikey",
    b"key",
    b"subscription-key",
];

/// Removes credentials from headers.
pub(crate) fn strip(headers: &mut HeaderMap) {
    for name in HEADERS {
        headers.remove(name);
    }
}

/// Returns the query without parameters that carry keys, and the others unchanged. Returns `None`
/// if nothing is left.
pub(crate) fn without_keys(query: &str) -> Option<String> {
    let kept = query
        .split('&')
        .filter(|pair| {
            let name =
                decode(pair.split('=').next().unwrap_or_default().as_bytes()).to_ascii_lowercase();
            !PARAMETERS.contains(&name.as_slice())
        })
        .collect::<Vec<_>>()
        .join("&");
    (!kept.is_empty()).then_some(kept)
}

/// Decodes percent encoding once, and leaves malformed sequences as they are.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    percent_decode(text).collect()
}
