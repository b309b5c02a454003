//! Cross-origin requests. Web pages may do what other clients may, with a key of their own.

use std::str::FromStr;
use std::time::Duration;

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Uri};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

/// How long a browser may cache a preflight response.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// An origin whose pages may read responses.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Any,
    /// Spelled as browsers send it.
    One(HeaderValue),
}

/// Returns a layer that answers preflights and adds CORS headers to every response, including
/// refusals. Returns `None` if no origin is allowed.
pub(crate) fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    let listed = origins
        .iter()
        .map(|origin| match origin {
            Origin::Any => None,
            Origin::One(origin) => Some(origin.clone()),
        })
        .collect::<Option<Vec<_>>>();
    let allowed = match listed {
        Some(origins) if origins.is_empty() => return None,
        Some(origins) => AllowOrigin::list(origins),
        None => AllowOrigin::any(),
    };
    let cors = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER])
        .max_age(REMEMBERED);
    Some(cors)
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
            .filter(|origin| origin == text && !origin.contains('@'));
        plain
            .and_then(|origin| HeaderValue::from_str(&origin).ok())
            .map(Self::One)
            .ok_or(
                "must be an origin such as https://app.example.com, without a trailing slash, or *",
            )
    }
}
