//! What the status of an answer means for the source.

use std::time::{Duration, SystemTime};

use http::header::{CONTENT_ENCODING, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use super::client::Answer;
use super::endpoint::Endpoint;
use crate::source::error::SourceError;

/// The wait if the endpoint asks for one and does not say how long. The backoff may be longer.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);

/// Returns the error of an answer that is no success. Nothing of its body is in it.
pub(crate) fn failure(endpoint: &Endpoint, answer: &Answer, now: SystemTime) -> SourceError {
    let status = answer.status;
    let retry_after = retry_after(&answer.headers, now);
    match (status.as_u16(), retry_after) {
        (429, wait) => SourceError::throttled(
            format!("{endpoint} answered {status}; it is asked too often"),
            wait.unwrap_or(RETRY_AFTER_DEFAULT),
        ),
        (503, Some(wait)) => SourceError::throttled(format!("{endpoint} answered {status}"), wait),
        (300..=399, _) => SourceError::permanent(format!(
            "{endpoint} answered {status}; redirects are not followed, so name the URL it leads to"
        )),
        (401 | 403, _) => SourceError::permanent(format!(
            "{endpoint} answered {status}; check the credentials for it"
        )),
        (404 | 410, _) => {
            SourceError::permanent(format!("{endpoint} answered {status}; check the URL"))
        }
        (408 | 425, _) | (500..=599, _) => {
            SourceError::transient(format!("{endpoint} answered {status}"))
        }
        _ => SourceError::permanent(format!("{endpoint} answered {status}")),
    }
}

/// Returns an error if the body is compressed, which was not asked for.
pub(crate) fn check_encoding(answer: &Answer) -> Result<(), SourceError> {
    match answer.headers.get(CONTENT_ENCODING) {
        Some(coding) if coding != "identity" => Err(SourceError::invalid(
            "the endpoint compressed its answer, which nobody asked for",
        )),
        _ => Ok(()),
    }
}

/// Returns whether the status says that the credentials for the endpoint are not accepted.
pub(crate) fn is_rejection(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// Parses `Retry-After`: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    let date = SystemTime::from(Timestamp::from(date));
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::source::SourceErrorKind;

    fn answer(status: u16, retry_after: Option<&'static str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, value.parse().unwrap());
        }
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Zeroizing::new(b"sk-1".to_vec()),
        }
    }

    #[test]
    fn statuses_have_their_kinds() {
        let endpoint = "https://keys.example.com/path".parse().unwrap();
        for (status, kind) in [
            (302, SourceErrorKind::Permanent),
            (400, SourceErrorKind::Permanent),
            (401, SourceErrorKind::Permanent),
            (403, SourceErrorKind::Permanent),
            (404, SourceErrorKind::Permanent),
            (408, SourceErrorKind::Transient),
            (429, SourceErrorKind::Throttled),
            (500, SourceErrorKind::Transient),
            (502, SourceErrorKind::Transient),
            (503, SourceErrorKind::Transient),
        ] {
            let error = failure(&endpoint, &answer(status, None), SystemTime::UNIX_EPOCH);
            assert_eq!(error.kind(), kind, "{status}");
            let text = error.to_string();
            assert!(text.contains("https://keys.example.com answered"), "{text}");
            assert!(!text.contains("sk-1") && !text.contains("/path"), "{text}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_400);
        let endpoint = "https://keys.example.com".parse().unwrap();
        for (text, expected) in [
            ("17", Some(17)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(80)),
            ("Wed, 21 Oct 2014 07:28:00 GMT", None),
            ("soon", None),
        ] {
            let error = failure(&endpoint, &answer(503, Some(text)), now);
            let wait = error.retry_after().filter(|wait| !wait.is_zero());
            assert_eq!(wait, expected.map(Duration::from_secs), "{text}");
        }
    }
}
