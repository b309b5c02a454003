//! Removal of what the inner service must not see.

use http::Uri;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};

use super::key_location::KeyLocation;
use super::key_locations::KeyLocations;
use super::{query, websocket};

impl KeyLocations {
    /// Removes the content of every location, whether it is a token, malformed, or a proxy's own
    /// `Authorization`.
    ///
    /// Other query parameters and WebSocket subprotocols keep their bytes and their order.
    pub fn strip(&self, headers: &mut HeaderMap, uri: &mut Uri) {
        self.strip_uri(uri);
        for location in self.as_slice() {
            match location {
                KeyLocation::Bearer | KeyLocation::Basic => {
                    headers.remove(AUTHORIZATION);
                }
                KeyLocation::Header(name) => {
                    headers.remove(name);
                }
                KeyLocation::Query(_) => {}
                KeyLocation::WebSocketProtocol => websocket::strip(headers),
            }
        }
    }

    /// Returns whether one of the locations is in the URI.
    pub(crate) fn are_in_uris(&self) -> bool {
        let in_uri = |location: &KeyLocation| matches!(location, KeyLocation::Query(_));
        self.as_slice().iter().any(in_uri)
    }

    /// Removes the tokens from a URI: the request's own, or a router's copy of it.
    pub(crate) fn strip_uri(&self, uri: &mut Uri) {
        for location in self.as_slice() {
            if let KeyLocation::Query(name) = location {
                query::strip(name, uri);
            }
        }
    }
}

/// Removes headers that state who the client is, which only this server may set.
///
/// `_` and `-` are equal here, since servers that turn headers into environment variables cannot
/// tell them apart.
pub(crate) fn strip_identity(names: &[HeaderName], headers: &mut HeaderMap) {
    let is_spoofed = |header: &&HeaderName| names.iter().any(|name| is_same_variable(name, header));
    let spoofed: Vec<_> = headers.keys().filter(is_spoofed).cloned().collect();
    for header in spoofed {
        headers.remove(header);
    }
}

fn is_same_variable(name: &HeaderName, header: &HeaderName) -> bool {
    let dashed = |byte: u8| if byte == b'_' { b'-' } else { byte };
    let [name, header] = [name, header].map(|name| name.as_str().bytes().map(dashed));
    name.eq(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strip_identity_ignores_case_and_underscores() {
        let names = ["x-auth-client", "x-auth-scopes"].map(HeaderName::from_static);
        let mut headers = HeaderMap::new();
        for name in [
            "x-auth-client",
            "X-Auth-Client",
            "x_auth_client",
            "x-auth_client",
            "x-auth-scopes",
            "x-auth-clients",
            "x-auth",
            "x-authxclient",
        ] {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, "root".parse().unwrap());
        }
        strip_identity(&names, &mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["x-auth", "x-auth-clients", "x-authxclient"]);
    }
}
