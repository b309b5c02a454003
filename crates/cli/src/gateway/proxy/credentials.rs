//! What clients send to say who they are. It is between them and the gateway: none of it reaches the
//! upstream, whatever the route.

use http::HeaderMap;
use percent_encoding::percent_decode;

/// Headers that carry keys, tokens and sessions. Cookies are among them: a browser sends the gateway's own
/// site's, and an API behind a key has no use for them.
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
    // A realtime client puts its key among the subprotocols (`openai-insecure-api-key.KEY`).
    "sec-websocket-protocol",
];

/// Query parameters that carry keys (RFC 6750 §2.3, Google, Azure and their kin).
const PARAMETERS: [&[u8]; 6] = [
    b"access_token",
    b"api-key",
    b"api_key",
    b"apikey",
    b"key",
    b"subscription-key",
];

/// Takes the credentials out of a client's headers.
pub(crate) fn strip(headers: &mut HeaderMap) {
    for name in HEADERS {
        headers.remove(name);
    }
}

/// The query without the parameters that carry keys, the others byte for byte. `None`: nothing is left.
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
