//! Hop-by-hop headers, which a proxy does not forward (RFC 9110 §7.6.1).

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, HeaderName};

use super::direction::Direction;

static HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authentication-info"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Headers that the gateway's own connection to the upstream sets. The server has answered
/// `Expect`. Trailers of a request are not forwarded, so that none smuggles in what a header may
/// not carry.
static OURS: [HeaderName; 4] = [HOST, CONTENT_LENGTH, EXPECT, TRAILER];

/// Returns whether a header belongs to the connection or to framing, and so cannot carry a key.
pub(crate) fn belongs_to_the_connection(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name) || OURS.contains(name) || *name == VIA
}

/// Returns whether a request declares a body, even an empty one.
pub(crate) fn frames_a_body(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING)
}

/// Returns whether a client takes trailers of the response.
pub(crate) fn wants_trailers(headers: &HeaderMap) -> bool {
    tokens(headers, &TE).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}

/// Returns the names that `Connection` lists, which end with the connection as well.
pub(super) fn named(headers: &HeaderMap) -> Vec<HeaderName> {
    tokens(headers, &CONNECTION)
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .collect()
}

/// Returns whether a header ends with its connection.
pub(super) fn ends_here(name: &HeaderName, direction: Direction) -> bool {
    HOP_BY_HOP.contains(name) || (direction == Direction::Request && OURS.contains(name))
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}
