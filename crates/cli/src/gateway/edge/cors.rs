//! Cross-origin requests. Web pages may do what other clients may, with a key of their own.

use std::str::FromStr;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::header::{LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Uri};
use tower::{Layer as _, service_fn};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::gateway::handler::Handler;

/// How long a browser may cache a preflight response.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// The headers that pages may read beside those that browsers always show: why a request was
/// refused, when to ask again and how often, and by which names an operator and a server know it.
const EXPOSED: [&str; 25] = [
    "anthropic-ratelimit-input-tokens-remaining",
    "anthropic-ratelimit-input-tokens-reset",
    "anthropic-ratelimit-output-tokens-remaining",
    "anthropic-ratelimit-output-tokens-reset",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-tokens-remaining",
    "anthropic-ratelimit-tokens-reset",
    "mcp-protocol-version",
    "mcp-session-id",
    "openai-processing-ms",
    "openai-version",
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "request-id",
    "retry-after-ms",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
];

/// An origin whose pages may read responses.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Any,
    /// Spelled as browsers send it.
    One(HeaderValue),
}

/// Answers preflights, and adds CORS headers to every response, including refusals. Changes nothing
/// if no origin is allowed.
pub(crate) fn answer_preflights(app: Handler, origins: &[Origin]) -> Handler {
    let allowed = match named(origins) {
        Some(origins) if origins.is_empty() => return app,
        Some(origins) => AllowOrigin::list(origins),
        None => AllowOrigin::any(),
    };
    let cors = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed())
        .max_age(REMEMBERED);
    let app = service_fn(move |request| app.answer(request).map(Ok));
    Handler::from_service(cors.layer(app))
}

fn exposed() -> Vec<HeaderName> {
    let request_id = HeaderName::from_static("x-request-id");
    let standard = [WWW_AUTHENTICATE, RETRY_AFTER, LOCATION, request_id];
    let others = EXPOSED.into_iter().map(HeaderName::from_static);
    standard.into_iter().chain(others).collect()
}

/// Returns the origins by name, or `None` if any origin is allowed.
pub(crate) fn named(origins: &[Origin]) -> Option<Vec<HeaderValue>> {
    let name = |origin: &Origin| match origin {
        Origin::Any => None,
        Origin::One(origin) => Some(origin.clone()),
    };
    origins.iter().map(name).collect()
}

impl FromStr for Origin {
    type Err = &'static str;

    /// Rejects an origin that no browser sends, since it would never match.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let uri = text.parse::<Uri>().unwrap_or_default();
        let plain = uri
            .scheme_str()
            .zip(uri.authority())
            .map(|(scheme, authority)| format!("{scheme}://{authority}").to_ascii_lowercase())
            .filter(|origin| origin == text && !origin.contains(['@', '*']))
            .filter(|origin| !has_default_port(origin));
        plain
            .and_then(|origin| HeaderValue::from_str(&origin).ok())
            .map(Self::One)
            .ok_or(
                "must be an origin as browsers send it, such as https://app.example.com, without a \
                 wildcard, a default port or a trailing slash; or *",
            )
    }
}

fn has_default_port(origin: &str) -> bool {
    let default = if origin.starts_with("https:") {
        ":443"
    } else {
        ":80"
    };
    origin.ends_with(default)
}
