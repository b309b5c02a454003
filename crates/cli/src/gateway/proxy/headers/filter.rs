//! The filter of headers: one pure function.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::credential::is_twin;
use super::direction::Direction;
use super::{family, hop_by_hop, strict};

/// Which headers pass if nothing is known about them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Unknown {
    #[default]
    Pass,
    Drop,
}

/// The operator's rules for headers, for all upstreams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeaderRules {
    pub(crate) unknown: Unknown,
    /// Headers that pass although a family has them, or no list.
    pub(crate) keep: Vec<(Direction, HeaderName)>,
}

/// The headers that pass to and from one upstream.
#[derive(Clone, Debug)]
pub(crate) struct HeaderPolicy {
    /// The header that carries the key to the upstream.
    pub(crate) key: HeaderName,
    pub(crate) unknown: Unknown,
    /// Headers that pass although a family has them, or no list.
    pub(crate) keep: Vec<(Direction, HeaderName)>,
}

/// A header that did not pass, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) name: HeaderName,
    pub(crate) what: &'static str,
}

/// Removes what does not pass, and returns the names that an operator may miss: not those of one
/// connection, which end with it (RFC 9110 §7.6.1).
pub(crate) fn filter(
    headers: &mut HeaderMap,
    direction: Direction,
    policy: &HeaderPolicy,
) -> Vec<Dropped> {
    let named = hop_by_hop::named(headers);
    let (mut ending, mut dropped) = (Vec::new(), Vec::new());
    // One pass over the few names that there are, and not a look-up of each that there could be.
    for name in headers.keys() {
        if hop_by_hop::ends_here(name, direction) || named.contains(name) {
            ending.push(name.clone());
        } else if let Some(what) = policy.refuses(name, direction) {
            let name = name.clone();
            dropped.push(Dropped { name, what });
        }
    }
    for name in ending
        .iter()
        .chain(dropped.iter().map(|dropped| &dropped.name))
    {
        headers.remove(name);
    }
    dropped
}

/// A shorter key is no secret, and would be found in many values.
const SHORTEST_KEY: usize = 8;

/// Removes headers of a response that contain a key that was sent, under whichever name.
///
/// A key is the last word of a credential: `Bearer KEY`, or `KEY`.
pub(crate) fn remove_echoes(headers: &mut HeaderMap, sent: &[HeaderValue]) -> Vec<Dropped> {
    let keys = || {
        let words = sent.iter().filter_map(|value| {
            let mut words = value.as_bytes().rsplit(|byte| *byte == b' ');
            words.next()
        });
        words.filter(|key| key.len() >= SHORTEST_KEY)
    };
    let shows = |value: &HeaderValue| {
        keys().any(|key| value.as_bytes().windows(key.len()).any(|part| part == key))
    };
    let mut dropped: Vec<Dropped> = headers
        .iter()
        .filter(|(_, value)| shows(value))
        .map(|(name, _)| Dropped {
            name: name.clone(),
            what: "it contains the gateway's key",
        })
        .collect();
    dropped.dedup();
    for Dropped { name, .. } in &dropped {
        headers.remove(name);
    }
    dropped
}

impl HeaderRules {
    /// Adds the header that carries the key to the upstream.
    pub(crate) fn with_key(&self, key: HeaderName) -> HeaderPolicy {
        HeaderPolicy {
            key,
            unknown: self.unknown,
            keep: self.keep.clone(),
        }
    }
}

impl HeaderPolicy {
    /// Returns what a header is, if it does not pass.
    fn refuses(&self, name: &HeaderName, direction: Direction) -> Option<&'static str> {
        if is_twin(name.as_str(), self.key.as_str()) {
            return Some("the header of the gateway's key");
        }
        let kept = (direction, name);
        if strict::is_listed(name.as_str(), direction)
            || self.keep.iter().any(|(way, name)| (*way, name) == kept)
        {
            return None;
        }
        if let Some(family) = family::family_of(name.as_str(), direction) {
            return Some(family.what);
        }
        (self.unknown == Unknown::Drop).then_some("not on the list of --strict-headers")
    }
}

#[cfg(test)]
mod tests {
    use http::header::{AUTHORIZATION, CONNECTION};

    use super::*;

    fn policy() -> HeaderPolicy {
        HeaderPolicy {
            key: HeaderName::from_static("x-upstream"),
            unknown: Unknown::Pass,
            keep: Vec::new(),
        }
    }

    /// Returns the names that pass, of those given.
    fn passed(names: &[&str], direction: Direction, policy: &HeaderPolicy) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for name in names {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_static("1"));
        }
        filter(&mut headers, direction, policy);
        headers.keys().map(ToString::to_string).collect()
    }

    #[test]
    fn requests_lose_credentials_claims_and_overrides() {
        let names = [
            "authorization",
            "cookie",
            "x-api-key",
            "x_api_key",
            "x_upstream",
            "X-Upstream",
            "x-http-method-override",
            "x-http-method",
            "x-method-override",
            "x-original-url",
            "x-rewrite-url",
            "x_original_url",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-real-ip",
            "x-remote-user",
            "client-cert",
            "sec-websocket-protocol",
        ];
        assert_eq!(passed(&names, Direction::Request, &policy()), [""; 0]);
    }

    #[test]
    fn responses_lose_keys_cookies_and_browser_policies() {
        let names = [
            "authorization",
            "x-api-key",
            "x-upstream",
            "x_upstream",
            "www-authenticate",
            "authentication-info",
            "set-cookie",
            "set-cookie2",
            "access-control-allow-origin",
            "access-control-allow-credentials",
            "alt-svc",
            "strict-transport-security",
            "nel",
            "report-to",
            "clear-site-data",
            "content-security-policy",
            "content-security-policy-report-only",
            "cross-origin-opener-policy",
            "permissions-policy",
            "refresh",
            "x-accel-redirect",
        ];
        assert_eq!(passed(&names, Direction::Response, &policy()), [""; 0]);
    }

    #[test]
    fn headers_of_apis_pass() {
        let request = [
            "accept",
            "anthropic-version",
            "content-type",
            "idempotency-key",
            "mcp-session-id",
            "openai-beta",
            "x-custom",
        ];
        assert_eq!(passed(&request, Direction::Request, &policy()), request);
        let response = [
            "content-type",
            "location",
            "mcp-session-id",
            "retry-after",
            "x-accel-buffering",
            "x-custom",
            "x-ratelimit-remaining-tokens",
            "x-request-id",
        ];
        assert_eq!(passed(&response, Direction::Response, &policy()), response);
    }

    #[test]
    fn strict_lists_let_nothing_else_pass() {
        let strict = HeaderPolicy {
            unknown: Unknown::Drop,
            keep: vec![(Direction::Request, HeaderName::from_static("x-custom"))],
            ..policy()
        };
        let names = ["accept", "x-custom", "x-other", "mcp-session-id"];
        let kept = ["accept", "x-custom", "mcp-session-id"];
        assert_eq!(passed(&names, Direction::Request, &strict), kept);
        let names = ["content-type", "x-custom", "retry-after"];
        let kept = ["content-type", "retry-after"];
        assert_eq!(passed(&names, Direction::Response, &strict), kept);
    }

    #[test]
    fn kept_header_passes_but_never_the_key() {
        let keep = ["x-frame-options", "x_upstream", "x-upstream"];
        let policy = HeaderPolicy {
            keep: keep
                .map(|name| (Direction::Response, HeaderName::from_static(name)))
                .into(),
            ..policy()
        };
        let passed_on = passed(&keep, Direction::Response, &policy);
        assert_eq!(passed_on, ["x-frame-options"]);
        let asked = passed(&["x-remote-user"], Direction::Request, &policy);
        assert_eq!(asked, [""; 0]);
    }

    #[test]
    fn echoed_key_leaves_under_no_name() {
        let sent = ["Bearer sk-12345678", "short"].map(HeaderValue::from_static);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-debug", "got authorization=Bearer sk-12345678;"),
            ("x-debug", "other"),
            ("x-echo", "sk-12345678"),
            ("x-part", "sk-1234567"),
            ("x-short", "short"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let dropped = remove_echoes(&mut headers, &sent);
        let names: Vec<_> = dropped
            .iter()
            .map(|dropped| dropped.name.as_str())
            .collect();
        assert_eq!(names, ["x-debug", "x-echo"]);
        assert_eq!(headers.len(), 2, "{headers:?}");
        assert!(headers.contains_key("x-part") && headers.contains_key("x-short"));
    }

    #[test]
    fn dropped_names_have_a_reason() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer b"));
        headers.insert(CONNECTION, HeaderValue::from_static("close, x-hop"));
        headers.insert("x-hop", HeaderValue::from_static("1"));
        let dropped = filter(&mut headers, Direction::Request, &policy());
        let names: Vec<_> = dropped.iter().map(|dropped| &dropped.name).collect();
        assert_eq!(names, [&AUTHORIZATION]);
        assert!(headers.is_empty(), "{headers:?}");
    }
}
