//! The head of a request, saved in one buffer.
//!
//! A clone of the URI and the headers counts or allocates for each of their parts, on every
//! request, and is rarely used. A copy of their text takes one allocation. `benches/hot_path`
//! ("ready to be sent again") measures 323 ns and 8 allocations for tower's `Retry`, which clones
//! the request, and 217 ns and 1 allocation for `InjectKeyLayer` with `CloneBody`, which copies
//! its head.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::{self, Authority, PathAndQuery, Scheme};
use http::{Extensions, Method, Request, Uri, Version};

use crate::outbound::event::RequestInfo;
use crate::telemetry;

/// The header that carries a request's id, as tower-http's `SetRequestIdLayer` sets it.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The head of a request, without the injected key.
#[derive(Clone)]
pub(crate) struct SavedHead {
    method: Method,
    version: Version,
    extensions: Extensions,
    text: SavedText,
}

/// The parts of a URI, then the names and values of header fields.
#[derive(Clone)]
struct SavedText {
    fields: usize,
    pieces: Wiped,
}

/// Pieces of text, each after its length.
///
/// Wiped on drop, because a caller's own credentials may be among them.
#[derive(Clone)]
struct Wiped(Vec<u8>);

/// The bit of a length that marks a sensitive value. No buffer is that long.
const SENSITIVE: usize = 1 << (usize::BITS - 1);
const LENGTH: usize = size_of::<usize>();

impl SavedHead {
    pub(crate) fn new(head: &Parts) -> Self {
        Self {
            method: head.method.clone(),
            version: head.version,
            extensions: head.extensions.clone(),
            text: SavedText::new(&head.uri, &head.headers),
        }
    }

    /// Returns what events say about the request. Few requests have events, so it copies the text.
    pub(crate) fn info(&self) -> RequestInfo {
        let headers = self.text.clone().restore().map(|(_, headers)| headers);
        info_of(&self.method, &headers.unwrap_or_default())
    }

    /// Restores the request, or returns `None` if the text does not parse, which would be a bug.
    pub(crate) fn restore<B>(self, body: B) -> Option<Request<B>> {
        let (uri, headers) = self.text.restore()?;
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        *request.version_mut() = self.version;
        *request.extensions_mut() = self.extensions;
        *request.headers_mut() = headers;
        Some(request)
    }
}

/// Returns what events say about a request with this head.
pub(crate) fn info_of(method: &Method, headers: &HeaderMap) -> RequestInfo {
    RequestInfo {
        method: Some(telemetry::method(method)),
        request_id: request_id(headers),
        ..RequestInfo::default()
    }
}

/// Returns the request's id, if it has one.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(X_REQUEST_ID).cloned()
}

impl SavedText {
    fn new(uri: &Uri, headers: &HeaderMap) -> Self {
        // An absent part is saved as an empty one: none that is present is empty.
        let parts = [
            uri.scheme_str().unwrap_or_default(),
            uri.authority().map_or("", Authority::as_str),
            uri.path_and_query().map_or("", PathAndQuery::as_str),
        ];
        let part_bytes: usize = parts.iter().map(|part| LENGTH + part.len()).sum();
        let field_bytes: usize = headers
            .iter()
            .map(|(name, value)| 2 * LENGTH + name.as_str().len() + value.len())
            .sum();
        let mut pieces = Wiped(Vec::with_capacity(part_bytes + field_bytes));
        for part in parts {
            pieces.put(part.as_bytes(), 0);
        }
        for (name, value) in headers {
            let sensitive = if value.is_sensitive() { SENSITIVE } else { 0 };
            pieces.put(name.as_str().as_bytes(), 0);
            pieces.put(value.as_bytes(), sensitive);
        }
        Self {
            fields: headers.len(),
            pieces,
        }
    }

    /// Restores the URI and the fields in their order, with room for the credential's.
    fn restore(self) -> Option<(Uri, HeaderMap)> {
        let mut headers = HeaderMap::try_with_capacity(self.fields + 1).ok()?;
        let mut pieces = Bytes::from_owner(self.pieces);
        let uri = restore_uri(&mut pieces)?;
        while !pieces.is_empty() {
            let (name, _) = take(&mut pieces)?;
            let (value, sensitive) = take(&mut pieces)?;
            let name = HeaderName::from_lowercase(&name).ok()?;
            let mut value = HeaderValue::from_maybe_shared(value).ok()?;
            value.set_sensitive(sensitive != 0);
            headers.append(name, value);
        }
        Some((uri, headers))
    }
}

fn restore_uri(pieces: &mut Bytes) -> Option<Uri> {
    let mut part = || Some(take(pieces)?.0).filter(|part| !part.is_empty());
    let mut parts = uri::Parts::default();
    if let Some(scheme) = part() {
        parts.scheme = Some(Scheme::try_from(&*scheme).ok()?);
    }
    if let Some(authority) = part() {
        parts.authority = Some(Authority::from_maybe_shared(authority).ok()?);
    }
    if let Some(path) = part() {
        parts.path_and_query = Some(PathAndQuery::from_maybe_shared(path).ok()?);
    }
    Uri::from_parts(parts).ok()
}

/// Takes the next piece, and its mark.
fn take(pieces: &mut Bytes) -> Option<(Bytes, usize)> {
    let (length, _) = pieces.split_first_chunk()?;
    let length = usize::from_ne_bytes(*length);
    let _ = pieces.split_to(LENGTH);
    Some((pieces.split_to(length & !SENSITIVE), length & SENSITIVE))
}

impl Wiped {
    /// Appends a piece. The buffer must have room for it: memory that a buffer outgrows is not
    /// wiped.
    fn put(&mut self, piece: &[u8], mark: usize) {
        self.0
            .extend_from_slice(&(piece.len() | mark).to_ne_bytes());
        self.0.extend_from_slice(piece);
    }
}

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.fill(0);
        zeroize::optimization_barrier(&self.0[..]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Trace(u32);

    fn fields(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue, bool)> {
        let field = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.clone(), value.clone(), value.is_sensitive())
        };
        headers.iter().map(field).collect()
    }

    fn value() -> impl Strategy<Value = HeaderValue> {
        let bytes = vec(prop_oneof![Just(b'\t'), b' '..=b'~', 0x80..=0xffu8], 0..24);
        (bytes, any::<bool>()).prop_map(|(bytes, sensitive)| {
            let mut value = HeaderValue::from_bytes(&bytes).unwrap();
            value.set_sensitive(sensitive);
            value
        })
    }

    proptest! {
        #[test]
        fn headers_are_restored_in_order(
            given in vec(("accept|cookie|x-[a-c]|[a-z0-9!#_.-]{1,40}", value()), 0..12),
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.append(name.parse::<HeaderName>().unwrap(), value);
            }
            let restored = SavedText::new(&Uri::default(), &headers).restore().unwrap().1;
            prop_assert_eq!(fields(&restored), fields(&headers));
        }
    }

    fn uri() -> impl Strategy<Value = Uri> {
        let origin = "(http|HTTPS|a+b)://(u:p@)?([a-zA-Z0-9.-]{1,20}|\\[::1\\])(:[0-9]{1,4})?";
        let path = "/[a-z0-9/%._~!$&'()*+,;=:@-]{0,20}";
        let query = "(\\?[a-z0-9/?%=&]{0,20})?";
        let forms = [
            format!("{origin}({path})?{query}"),
            format!("{path}{query}"),
            "[a-z0-9.-]{1,20}:[0-9]{1,4}".into(),
            "\\*".into(),
        ];
        let forms = forms.map(|form| proptest::string::string_regex(&form).unwrap().boxed());
        proptest::strategy::Union::new(forms).prop_filter_map("not a URI", |text| text.parse().ok())
    }

    proptest! {
        #[test]
        fn uri_is_restored_as_written(given in uri()) {
            let text = SavedText::new(&given, &HeaderMap::new());
            let (restored, _) = text.restore().unwrap();
            prop_assert_eq!(restored.scheme_str(), given.scheme_str());
            prop_assert_eq!(
                restored.authority().map(Authority::as_str),
                given.authority().map(Authority::as_str)
            );
            prop_assert_eq!(
                restored.path_and_query().map(PathAndQuery::as_str),
                given.path_and_query().map(PathAndQuery::as_str)
            );
            prop_assert_eq!(restored.query(), given.query());
        }
    }

    #[test]
    fn rest_of_head_is_restored() {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = Method::from_bytes(b"CUSTOM-METHOD").unwrap();
        head.uri = "https://api.example.com/v1?page=2".parse().unwrap();
        head.version = Version::HTTP_2;
        head.extensions.insert(Trace(7));
        let (restored, body) = SavedHead::new(&head).restore("body").unwrap().into_parts();
        assert_eq!(restored.method, head.method);
        assert_eq!(restored.uri, head.uri);
        assert_eq!(restored.version, head.version);
        assert_eq!(restored.extensions.get(), Some(&Trace(7)));
        assert_eq!(body, "body");
    }
}
