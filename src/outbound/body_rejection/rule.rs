//! Which responses are read, and for how long.

use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};

/// The configuration of one layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) statuses: &'static [StatusCode],
    pub(crate) rejects: fn(&[u8]) -> bool,
    pub(crate) read_timeout: Duration,
}

impl Rule {
    pub(crate) fn reads<B>(&self, response: &Response<B>) -> bool {
        let headers = response.headers();
        self.statuses.contains(&response.status())
            && is_json(headers)
            && !headers.contains_key(CONTENT_ENCODING)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    let media_type = value.split(|byte| *byte == b';').next().unwrap_or_default();
    let media_type = media_type.trim_ascii();
    let suffix = media_type.len().saturating_sub("+json".len());
    media_type.eq_ignore_ascii_case(b"application/json")
        || media_type[suffix..].eq_ignore_ascii_case(b"+json")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn json_content_types() {
        for (content_type, expected) in [
            ("application/json", true),
            ("application/json; charset=UTF-8", true),
            (" Application/JSON ;a", true),
            ("application/problem+json", true),
            ("application/vnd.api+JSON;a=b", true),
            ("", false),
            ("json", false),
            ("text/json", false),
            ("text/html; a=application/json", false),
            ("application/json-seq", false),
            ("application/jsonl", false),
            ("text/event-stream", false),
        ] {
            let value = HeaderValue::from_static(content_type);
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, value)]);
            assert_eq!(is_json(&headers), expected, "{content_type}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
