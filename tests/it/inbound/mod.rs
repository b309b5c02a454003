//! Tests of the inbound half.

mod any_request;
mod authorization;
mod caches;
mod contract;
mod ends;
mod error_response;
mod extract;
mod from_fn;
mod hosts;
#[cfg(feature = "file")]
mod key_file;
mod key_file_tables;
mod keys;
mod layer;
mod life;
#[cfg(feature = "file")]
mod loads;
mod nested;
#[cfg(feature = "file")]
mod older_copy;
mod require_scopes;
mod sentinel;
mod several_locations;
mod storm;
mod strip;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tower_rotating_auth::inbound::{AuthErrorKind, KeyLocation, KeyLocations};

/// Returns locations of every kind. The query parameter is named `key`.
fn every_location() -> KeyLocations {
    let header = |name| KeyLocation::Header(HeaderName::from_static(name));
    KeyLocations::new([
        KeyLocation::Bearer,
        header("x-api-key"),
        header("api-key"),
        KeyLocation::Query("key".into()),
        KeyLocation::WebSocketProtocol,
        KeyLocation::Basic,
    ])
    .unwrap()
}

/// The parts of a request that can hold a key.
#[derive(Clone, Debug)]
struct Head {
    headers: HeaderMap,
    uri: Uri,
}

/// The names and values of headers, in order.
type Lines<'a> = &'a [(&'a str, &'a [u8])];

impl Head {
    fn new(lines: Lines<'_>, uri: &str) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value).unwrap(),
            );
        }
        let uri = uri.parse().unwrap();
        Self { headers, uri }
    }

    fn lines(lines: Lines<'_>) -> Self {
        Self::new(lines, "/")
    }

    fn uri(uri: &str) -> Self {
        Self::new(&[], uri)
    }

    /// Returns the token and the index of its location.
    fn extract(&self, locations: &KeyLocations) -> Result<(String, usize), AuthErrorKind> {
        let token = locations
            .extract(&self.headers, &self.uri)
            .map_err(|error| error.kind())?;
        Ok((
            String::from_utf8(token.bytes().to_vec()).unwrap(),
            token.location_index(),
        ))
    }

    fn strip(&mut self, locations: &KeyLocations) {
        locations.strip(&mut self.headers, &mut self.uri);
    }
}

fn basic(user: &str, password: &str) -> Vec<u8> {
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {encoded}").into_bytes()
}

/// Returns the subprotocol that a browser offers.
fn subprotocol(token: &str) -> String {
    let encoded = URL_SAFE_NO_PAD.encode(token);
    format!("base64url.bearer.authorization.k8s.io.{encoded}")
}

/// Returns what a request with the token `k` in this location of [`every_location`] is expected to
/// yield.
fn k_in(index: usize) -> Result<(String, usize), AuthErrorKind> {
    Ok(("k".to_owned(), index))
}
