//! Hop-by-hop headers, which a proxy does not forward (RFC 9110 §7.6.1).

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authentication-info"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Headers that the gateway's own connection to the upstream sets.
const OURS: [HeaderName; 4] = [HOST, CONTENT_LENGTH, EXPECT, TRAILER];

/// Returns whether a header belongs to the connection or to framing, and so cannot carry a key.
pub(crate) fn belongs_to_the_connection(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name) || OURS.contains(name) || *name == VIA
}

/// Returns whether a request declares a body, even an empty one.
pub(crate) fn frames_a_body(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING)
}

/// Removes from a request's headers what the upstream must not get, and adds `Via`.
///
/// The client sets `Host` and `Content-Length` anew. The server has answered `Expect`. Trailers are
/// not forwarded, so that none smuggles in what a header may not carry.
pub(crate) fn request(headers: &mut HeaderMap, version: Version) {
    let trailers = wants_trailers(headers);
    drop_hop_by_hop(headers);
    for name in OURS {
        headers.remove(name);
    }
    if trailers {
        // Trailers of the response are forwarded, so this promise holds (§10.1.4).
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    // A gateway must announce itself (§7.6.3).
    headers.append(VIA, HeaderValue::from_static(via(version)));
}

/// Removes from a response's headers what the client must not get.
///
/// That includes cookies of the upstream: all clients share one account there.
pub(crate) fn response(headers: &mut HeaderMap) {
    drop_hop_by_hop(headers);
    headers.remove(SET_COOKIE);
}

fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = tokens(headers, &CONNECTION)
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

fn wants_trailers(headers: &HeaderMap) -> bool {
    tokens(headers, &TE).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}

const fn via(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0 rotating-auth-gateway",
        _ => "1.1 rotating-auth-gateway",
    }
}
