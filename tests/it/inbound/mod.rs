//! The inbound half.

mod any_request;
mod contract;
mod extract;
mod from_fn;
mod hosts;
#[cfg(feature = "file")]
mod key_file;
mod keys;
mod layer;
mod life;
#[cfg(feature = "file")]
mod loads;
mod refusals;
mod sentinel;
mod several_slots;
mod storm;
mod strip;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tower_rotating_auth::inbound::{AuthErrorKind, KeyLocation, KeyLocations};

/// Every kind of slot; the query's is named `key`.
fn every_slot() -> KeyLocations {
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

/// The head of a request, as far as slots look at it.
#[derive(Clone, Debug)]
struct Head {
    headers: HeaderMap,
    uri: Uri,
}

/// Names and values of headers, in order.
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

    /// The token and its slot.
    fn extract(&self, slots: &KeyLocations) -> Result<(String, usize), AuthErrorKind> {
        let token = slots
            .extract(&self.headers, &self.uri)
            .map_err(|error| error.kind())?;
        Ok((
            String::from_utf8(token.bytes().to_vec()).unwrap(),
            token.location_index(),
        ))
    }

    fn strip(&mut self, slots: &KeyLocations) {
        slots.strip(&mut self.headers, &mut self.uri);
    }
}

fn basic(user: &str, password: &str) -> Vec<u8> {
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {encoded}").into_bytes()
}

/// The subprotocol that a browser offers.
fn subprotocol(token: &str) -> String {
    let encoded = URL_SAFE_NO_PAD.encode(token);
    format!("base64url.bearer.authorization.k8s.io.{encoded}")
}

/// What is expected of a request whose token is `k`, in this slot of [`every_slot`].
fn k_in(slot: usize) -> Result<(String, usize), AuthErrorKind> {
    Ok(("k".to_owned(), slot))
}
