//! Takes off a request what whoever comes next must not see.

use http::Uri;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};

use super::key_location::KeyLocation;
use super::key_locations::KeyLocations;
use super::{query, websocket};

impl KeyLocations {
    /// Empties every slot, whatever it holds: a token, something malformed, a proxy's own `Authorization`.
    /// What else stands in the query and among the WebSocket's subprotocols keeps its bytes and its order.
    pub fn strip(&self, headers: &mut HeaderMap, uri: &mut Uri) {
        self.strip_uri(uri);
        for slot in self.as_slice() {
            match slot {
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

    /// Whether a token may stand in a URI.
    pub(crate) fn are_in_uris(&self) -> bool {
        let in_uri = |slot: &KeyLocation| matches!(slot, KeyLocation::Query(_));
        self.as_slice().iter().any(in_uri)
    }

    /// Empties the slots of a URI: of the request's, or of a copy that a router has kept.
    pub(crate) fn strip_uri(&self, uri: &mut Uri) {
        for slot in self.as_slice() {
            if let KeyLocation::Query(name) = slot {
                query::strip(name, uri);
            }
        }
    }
}

/// Takes off headers that tell who the client is, which only this server may say. Servers that turn
/// headers into environment variables read `_` and `-` alike; so does this.
pub(crate) fn strip_identity(names: &[HeaderName], headers: &mut HeaderMap) {
    let is_spoofed = |header: &&HeaderName| names.iter().any(|name| reads_as(name, header));
    let spoofed: Vec<_> = headers.keys().filter(is_spoofed).cloned().collect();
    for header in spoofed {
        headers.remove(header);
    }
}

fn reads_as(name: &HeaderName, header: &HeaderName) -> bool {
    let dashed = |byte: u8| if byte == b'_' { b'-' } else { byte };
    let [name, header] = [name, header].map(|name| name.as_str().bytes().map(dashed));
    name.eq(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spoofed_identities_go_however_they_are_written() {
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
