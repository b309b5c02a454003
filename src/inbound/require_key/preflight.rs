//! What browsers ask before they ask.

use http::Method;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue, ORIGIN};

/// Whether a request is a [CORS preflight](https://fetch.spec.whatwg.org/#cors-preflight-request): `OPTIONS` with
/// one origin and the one method that is asked for. Browsers send it without credentials, so it cannot
/// be asked for any; every other `OPTIONS` is a request like any other.
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
    fn a_preflight_is_known_by_its_method_and_two_headers() {
        assert!(of(&Method::OPTIONS, &[ORIGIN, ASKS]));
        assert!(of(&Method::OPTIONS, &[ASKS, ("Origin", "null")]));
        let own = ("Access-Control-Request-Method", "PURGE");
        assert!(of(&Method::OPTIONS, &[ORIGIN, own]));
    }

    #[test]
    fn a_plain_options_is_no_preflight() {
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
    fn no_other_method_is_a_preflight() {
        let lower = Method::from_bytes(b"options").unwrap();
        for method in [Method::GET, Method::HEAD, Method::POST, lower] {
            assert!(!of(&method, &[ORIGIN, ASKS]));
        }
    }
}
