//! Recognition of CORS preflights.

use http::Method;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue, ORIGIN};

/// Returns whether a request is a [CORS
/// preflight](https://fetch.spec.whatwg.org/#cors-preflight-request).
///
/// A preflight is an `OPTIONS` request with one `Origin` and one requested method. Browsers send it
/// without credentials. Every other `OPTIONS` request is treated like any request.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && only(headers, &ORIGIN).is_some_and(|origin| !origin.is_empty())
        && only(headers, &ACCESS_CONTROL_REQUEST_METHOD).is_some_and(is_method)
}

fn is_method(value: &HeaderValue) -> bool {
    Method::from_bytes(value.as_bytes()).is_ok()
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &Method, headers: &[(&str, &str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .fold(
                HeaderMap::new(),
                |mut all, (name, value): (HeaderName, _)| {
                    all.append(name, value);
                    all
                },
            );
        is_preflight(method, &headers)
    }

    const ORIGIN: (&str, &str) = ("Origin", "https://app.example.com");
    const ASKS: (&str, &str) = ("Access-Control-Request-Method", "POST");

    #[test]
    fn preflight_has_origin_and_requested_method() {
        assert!(of(&Method::OPTIONS, &[ORIGIN, ASKS]));
        assert!(of(&Method::OPTIONS, &[ASKS, ("Origin", "null")]));
        let own = ("Access-Control-Request-Method", "PURGE");
        assert!(of(&Method::OPTIONS, &[ORIGIN, own]));
    }

    #[test]
    fn plain_options_is_not_a_preflight() {
        for headers in [
            &[][..],
            &[ORIGIN],
            &[ASKS],
            &[("Origin", ""), ASKS],
            &[ORIGIN, ("Access-Control-Request-Method", "")],
            &[ORIGIN, ("Access-Control-Request-Method", "GET, POST")],
            &[ORIGIN, ("Access-Control-Request-Headers", "x-api-key")],
            &[ORIGIN, ORIGIN, ASKS],
            &[ORIGIN, ASKS, ASKS],
        ] {
            assert!(!of(&Method::OPTIONS, headers), "{headers:?}");
        }
    }

    #[test]
    fn other_methods_are_not_preflights() {
        let lower = Method::from_bytes(b"options").unwrap();
        for method in [Method::GET, Method::HEAD, Method::POST, lower] {
            assert!(!of(&method, &[ORIGIN, ASKS]));
        }
    }
}
