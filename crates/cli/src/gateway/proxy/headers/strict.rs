//! The exact lists of `--strict-headers`.

use super::direction::Direction;

/// Headers of APIs for models and tools that ask for an answer, and say in which form.
const REQUEST: [&str; 46] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "anthropic-beta",
    "anthropic-version",
    "baggage",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "grpc-accept-encoding",
    "grpc-encoding",
    "grpc-timeout",
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "pragma",
    "prefer",
    "range",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-version",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-client-request-id",
    "x-request-id",
    "x-stainless-arch",
    "x-stainless-async",
    "x-stainless-lang",
    "x-stainless-os",
    "x-stainless-package-version",
    "x-stainless-retry-count",
    "x-stainless-runtime",
    "x-stainless-runtime-version",
    "x-stainless-timeout",
];

/// Headers that describe an answer, and how much more the client may ask.
const RESPONSE: [&str; 61] = [
    "accept-ranges",
    "age",
    "allow",
    "anthropic-ratelimit-input-tokens-limit",
    "anthropic-ratelimit-input-tokens-remaining",
    "anthropic-ratelimit-input-tokens-reset",
    "anthropic-ratelimit-output-tokens-limit",
    "anthropic-ratelimit-output-tokens-remaining",
    "anthropic-ratelimit-output-tokens-reset",
    "anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-tokens-limit",
    "anthropic-ratelimit-tokens-remaining",
    "anthropic-ratelimit-tokens-reset",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expires",
    "grpc-encoding",
    "grpc-message",
    "grpc-status",
    "last-modified",
    "location",
    "mcp-protocol-version",
    "mcp-session-id",
    "openai-model",
    "openai-processing-ms",
    "openai-version",
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "vary",
    "x-accel-buffering",
    "x-content-type-options",
    "x-ratelimit-limit",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    "x-request-id",
];

/// Returns whether a header is on the list.
pub(crate) fn is_listed(name: &str, direction: Direction) -> bool {
    match direction {
        Direction::Request => REQUEST.binary_search(&name).is_ok(),
        Direction::Response => RESPONSE.binary_search(&name).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::family::family_of;
    use super::*;

    #[test]
    fn no_listed_header_belongs_to_a_family() {
        let request = REQUEST.map(|name| (name, Direction::Request));
        let response = RESPONSE.map(|name| (name, Direction::Response));
        for (name, direction) in request.into_iter().chain(response) {
            assert!(family_of(name, direction).is_none(), "{name}");
        }
    }

    #[test]
    fn lists_are_sorted() {
        assert!(REQUEST.is_sorted() && RESPONSE.is_sorted());
    }
}
