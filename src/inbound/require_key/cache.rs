//! Headers that keep caches from giving a response to another client.

use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, VARY};
use http::{Method, Response};

use crate::inbound::location::KeyLocation;
use crate::inbound::policy::Access;
use crate::inbound::principal::Caller;

/// What a cache must be told about a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caching {
    /// Nothing: no cache stores the response, or a key makes no difference.
    AsItIs,
    /// Another client, or one without a key, may get another response.
    Varies,
    /// The response is for this client alone. Caches know so from `Authorization`, and from no
    /// other location of a key ([RFC 9111
    /// §3.5](https://www.rfc-editor.org/rfc/rfc9111#section-3.5)).
    Private,
}

impl Caching {
    pub(crate) fn of(method: &Method, access: &Access, caller: &Caller) -> Self {
        if method != Method::GET && method != Method::HEAD {
            return Self::AsItIs;
        }
        match (caller, access) {
            (Caller::Key(key), _) if !is_authorization(key.location()) => Self::Private,
            (Caller::Key(_) | Caller::Anonymous(_), access) if access.is_open() => Self::Varies,
            _ => Self::AsItIs,
        }
    }

    pub(crate) fn apply<B>(self, response: &mut Response<B>, vary: &HeaderValue) {
        let headers = response.headers_mut();
        if self != Self::AsItIs && !vary.is_empty() {
            headers.append(VARY, vary.clone());
        }
        if self == Self::Private && !has_own_rule(headers) {
            headers.append(CACHE_CONTROL, HeaderValue::from_static("private"));
        }
    }
}

const fn is_authorization(location: &KeyLocation) -> bool {
    matches!(location, KeyLocation::Bearer | KeyLocation::Basic)
}

/// Returns whether the response says itself whether shared caches may store it.
fn has_own_rule(headers: &HeaderMap) -> bool {
    let own = [
        "private",
        "no-store",
        "public",
        "s-maxage",
        "must-revalidate",
    ];
    let lines = headers.get_all(CACHE_CONTROL).iter();
    let directives = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    let mut names = directives.map(|directive| directive.split('=').next().unwrap_or_default());
    names.any(|name| own.iter().any(|own| name.trim().eq_ignore_ascii_case(own)))
}
