//! The method of a request in events.

use http::Method;

/// The longest registered method has 17 characters. Parsers take any token that fits in a head.
const LONGEST: usize = 32;

/// Returns the method, shortened, so that no client can make events long.
pub(crate) fn method(method: &Method) -> Method {
    match method.as_str().get(..LONGEST) {
        None => method.clone(),
        Some(start) => start.parse().unwrap_or_default(), // the start of a token is a token
    }
}
