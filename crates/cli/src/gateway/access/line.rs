//! The line of a request, for people and for programs.

use std::fmt::{self, Write as _};
use std::time::Duration;

use http::{HeaderValue, Method};

use super::facts::{Asked, Found};

/// Limit of a text that the client chose, in characters.
const LONGEST: usize = 256;
/// Limit of a method, in characters.
const LONGEST_METHOD: usize = 32;

/// Formats a line for people.
pub(super) fn text(asked: &Asked, found: &Found, took: Duration) -> String {
    let mut line = match found.status {
        Some(status) => status.as_str().to_owned(),
        None => "---".to_owned(), // the client left before there was one
    };
    // Writing to a string cannot fail.
    let _ = write!(
        line,
        " {} {} {:.1}ms",
        method(&asked.method),
        escaped(asked.uri.path().as_bytes()),
        took.as_secs_f64() * 1000.0
    );
    let mut field = |name: &str, value: Option<&dyn fmt::Display>| {
        if let Some(value) = value {
            let _ = write!(line, " {name}={value}");
        }
    };
    field("client", found.client.as_ref().map(|it| it as _));
    field("key", found.key.as_ref().map(|it| it as _));
    field("reason", found.reason.as_ref().map(|it| it as _));
    field("upstream", found.upstream.as_ref().map(|it| it as _));
    let outcome = found.upstream_key.as_ref().map(quoted);
    field("upstream_key", outcome.as_ref().map(|it| it as _));
    field("peer", asked.peer.as_ref().map(|it| it as _));
    let agent = asked.user_agent.as_ref().map(value).map(quoted);
    field("user_agent", agent.as_ref().map(|it| it as _));
    field("request_id", Some(&value(&asked.id)));
    line
}

fn quoted(value: impl fmt::Display) -> String {
    format!("\"{value}\"")
}

pub(super) fn value(value: &HeaderValue) -> String {
    escaped(value.as_bytes())
}

/// Cuts a method. It has no characters that need an escape.
pub(super) fn method(method: &Method) -> &str {
    let method = method.as_str();
    method.get(..LONGEST_METHOD).unwrap_or(method)
}

/// Makes a text that the client chose one that cannot end a line or a quotation.
pub(super) fn escaped(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut escaped: String = text
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        escaped.push('…');
    }
    escaped
}

/// Writes a line for programs. JSON escapes by itself.
macro_rules! json {
    ($level:ident, $asked:expr, $found:expr, $took:expr) => {{
        use crate::gateway::access::line::{method, value};
        let (asked, found) = ($asked, $found);
        tracing::$level!(
            target: TARGET,
            status = found.status.map(|status| status.as_u16()),
            method = method(&asked.method),
            path = crate::gateway::access::line::escaped(asked.uri.path().as_bytes()),
            duration_ms = $took.as_secs_f64() * 1000.0,
            client = found.client.as_ref().map(|client| client.as_str()),
            key = found.key.as_ref().map(|key| key.as_str()),
            reason = found.reason,
            upstream = found.upstream.as_deref(),
            upstream_key = found.upstream_key.as_ref().map(ToString::to_string),
            peer = asked.peer.map(|peer| peer.to_string()),
            user_agent = asked.user_agent.as_ref().map(value),
            request_id = value(&asked.id),
        )
    }};
}
pub(super) use json;

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use tokio::time::Instant;

    use super::*;
    use crate::gateway::access::facts::KeyOutcome;
    use crate::output::log::LogFormat;

    fn asked(path: &str, agent: &[u8]) -> Asked {
        Asked {
            format: LogFormat::Text,
            since: Instant::now(),
            method: Method::POST,
            uri: path.parse().unwrap(),
            peer: Some([127, 0, 0, 1].into()),
            user_agent: HeaderValue::from_bytes(agent).ok(),
            id: HeaderValue::from_static("r1"),
        }
    }

    #[test]
    fn line_has_the_route_without_the_query() {
        let found = Found {
            status: Some(StatusCode::OK),
            client: Some("batch".parse().unwrap()),
            key: Some("lSFLlBppn18d".parse().unwrap()),
            upstream: Some("openai".into()),
            upstream_key: Some(KeyOutcome {
                generations: vec![7, 8],
                is_accepted: true,
            }),
            ..Found::default()
        };
        let asked = asked("/v1/chat/completions?key=sk-secret", b"curl/8");
        let line = text(&asked, &found, Duration::from_micros(12_340));
        assert_eq!(
            line,
            "200 POST /v1/chat/completions 12.3ms client=batch key=lSFLlBppn18d upstream=openai \
             upstream_key=\"replayed 7→8\" peer=127.0.0.1 user_agent=\"curl/8\" request_id=r1"
        );
    }

    #[test]
    fn client_cannot_forge_a_line() {
        let asked = asked("/v1/%0A\"x", b"a\"\t b\xff\\");
        let line = text(&asked, &Found::default(), Duration::ZERO);
        assert_eq!(
            line,
            "--- POST /v1/%0A\\\"x 0.0ms peer=127.0.0.1 user_agent=\"a\\\"\\t b\u{fffd}\\\\\" \
             request_id=r1"
        );
        let long = escaped("a".repeat(LONGEST + 1).as_bytes());
        assert_eq!(long.chars().count(), LONGEST + 1);
    }
}
