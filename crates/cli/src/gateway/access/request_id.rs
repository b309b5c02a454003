//! Ids of requests, which the gateway takes over from its clients or makes.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Limit of an id that is taken over.
const LONGEST: usize = 128;

/// The ids of one process. They are unique, and no secret.
#[derive(Debug)]
pub(super) struct RequestIds {
    /// The beginning that the ids of this process have in common.
    process: String,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new(process: u64) -> Self {
        Self {
            process: format!("{process:016x}-"),
            next: AtomicU64::new(1),
        }
    }

    pub(super) fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut id = String::with_capacity(self.process.len() + 16);
        id.push_str(&self.process);
        // Writing to a string cannot fail.
        let _ = write!(id, "{number:x}");
        // Hexadecimal digits are visible ASCII, so this cannot fail.
        HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

/// Returns the id that a request has, if it has one of a usual form.
pub(super) fn valid(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut ids = headers.get_all(REQUEST_ID).iter();
    let (first, second) = (ids.next()?, ids.next());
    let is_usual = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    let id = first.as_bytes();
    let is_valid = !id.is_empty() && id.len() <= LONGEST && id.iter().all(is_usual);
    (second.is_none() && is_valid).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_usual_ids_are_taken_over() {
        let long = "a".repeat(LONGEST + 1);
        for (ids, is_valid) in [
            (&["req_011CS-x.y:z"][..], true),
            (&["6d1f1c0e-3c0d-4f5e-9f3e-2f9b7e0a1b2c"], true),
            (&[], false),
            (&[""], false),
            (&["a b"], false),
            (&["a\"b"], false),
            (&["a", "b"], false),
            (&[&*long], false),
        ] {
            let mut headers = HeaderMap::new();
            for id in ids {
                headers.append(REQUEST_ID, id.parse().unwrap());
            }
            assert_eq!(valid(&headers).is_some(), is_valid, "{ids:?}");
        }
        let made = RequestIds::new(7);
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, made.next());
        assert!(valid(&headers).is_some() && headers[REQUEST_ID] != made.next());
    }
}
