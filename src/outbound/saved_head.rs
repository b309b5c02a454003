//! The head of a request, as the caller gave it, at the price of one allocation.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Extensions, Method, Request, Uri, Version};

/// The head of a request. A clone of the headers would take an allocation or a count for each name and each value,
/// for each request that is never sent again: they are copied into one buffer instead, and read from it on a
/// second attempt.
pub(super) struct SavedHead {
    method: Method,
    uri: Uri,
    version: Version,
    extensions: Extensions,
    headers: SavedHeaders,
}

/// Header fields, one after the other: two lengths, the name, the value.
struct SavedHeaders {
    fields: usize,
    text: Wiped,
}

/// Bytes of which none is left in memory: a caller's own credentials may be among them.
struct Wiped(Vec<u8>);

/// The length of a value and whether it is sensitive, in one.
const SENSITIVE: usize = 1 << (usize::BITS - 1);
const LENGTH: usize = size_of::<usize>();

impl SavedHead {
    pub(super) fn of(head: &Parts) -> Self {
        Self {
            method: head.method.clone(),
            uri: head.uri.clone(),
            version: head.version,
            extensions: head.extensions.clone(),
            headers: SavedHeaders::of(&head.headers),
        }
    }

    /// The request, once more; `None` if its headers were none that can be sent.
    pub(super) fn with<B>(self, body: B) -> Option<Request<B>> {
        let headers = self.headers.restore()?;
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.extensions_mut() = self.extensions;
        *request.headers_mut() = headers;
        Some(request)
    }
}

impl SavedHeaders {
    fn of(headers: &HeaderMap) -> Self {
        let length = headers
            .iter()
            .map(|(name, value)| 2 * LENGTH + name.as_str().len() + value.len())
            .sum();
        let mut text = Vec::with_capacity(length);
        for (name, value) in headers {
            let name = name.as_str().as_bytes();
            let sensitive = if value.is_sensitive() { SENSITIVE } else { 0 };
            text.extend_from_slice(&name.len().to_ne_bytes());
            text.extend_from_slice(&(value.len() | sensitive).to_ne_bytes());
            text.extend_from_slice(name);
            text.extend_from_slice(value.as_bytes());
        }
        Self {
            fields: headers.len(),
            text: Wiped(text),
        }
    }

    /// The same fields in the same order. There is room for the credential's.
    fn restore(self) -> Option<HeaderMap> {
        let mut headers = HeaderMap::try_with_capacity(self.fields + 1).ok()?;
        let mut text = Bytes::from_owner(self.text);
        while !text.is_empty() {
            let name = take_length(&mut text)?;
            let value = take_length(&mut text)?;
            let name = HeaderName::from_lowercase(&text.split_to(name)).ok()?;
            let bytes = text.split_to(value & !SENSITIVE);
            let mut bytes = HeaderValue::from_maybe_shared(bytes).ok()?;
            bytes.set_sensitive(value & SENSITIVE != 0);
            headers.append(name, bytes);
        }
        Some(headers)
    }
}

fn take_length(text: &mut Bytes) -> Option<usize> {
    let (length, _) = text.split_first_chunk()?;
    let length = usize::from_ne_bytes(*length);
    let _ = text.split_to(LENGTH);
    Some(length)
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
        fn headers_come_back_as_they_were_in_their_order(
            given in vec(("accept|cookie|x-[a-c]|[a-z0-9!#_.-]{1,40}", value()), 0..12),
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.append(name.parse::<HeaderName>().unwrap(), value);
            }
            let restored = SavedHeaders::of(&headers).restore().unwrap();
            prop_assert_eq!(fields(&restored), fields(&headers));
        }
    }

    #[test]
    fn the_rest_of_the_head_comes_back_as_well() {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = Method::from_bytes(b"A-METHOD-OF-OUR-OWN").unwrap();
        head.uri = "https://api.example.com/v1?page=2".parse().unwrap();
        head.version = Version::HTTP_2;
        head.extensions.insert(Trace(7));
        let (restored, body) = SavedHead::of(&head).with("body").unwrap().into_parts();
        assert_eq!(restored.method, head.method);
        assert_eq!(restored.uri, head.uri);
        assert_eq!(restored.version, head.version);
        assert_eq!(restored.extensions.get(), Some(&Trace(7)));
        assert_eq!(body, "body");
    }
}
