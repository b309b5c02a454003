//! Removal of what the inner service must not see.

use http::Uri;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};

use super::key_location::KeyLocation;
use super::key_locations::KeyLocations;
use super::{query, websocket};
use crate::syntax::header_name::remove_variables;

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
pub(crate) fn strip_identity(names: &[HeaderName], headers: &mut HeaderMap) {
    remove_variables(headers, names);
}
