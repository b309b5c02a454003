//! Families of headers that do not pass, each with its reason.

use std::borrow::Cow;

use super::credential::is_credential;
use super::direction::Direction;

/// Headers that do not pass in one direction, for one reason.
#[derive(Debug)]
pub(crate) struct Family {
    direction: Direction,
    /// What they are, for a log line.
    pub(crate) what: &'static str,
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    /// Names in lower case. One that ends in `*` stands for all that begin so.
    Names(&'static [&'static str]),
    /// Names by their words.
    Words(fn(&str) -> bool),
}

/// All families. The first that has a name is the one to report.
static FAMILIES: [Family; 9] = [
    // Cookies come first, since they are credentials as well.
    // All clients share one account at the upstream, and with it their sessions.
    Family {
        direction: Direction::Response,
        what: "a cookie of the upstream, which all clients would share",
        rule: Rule::Names(&["set-cookie", "set-cookie2"]),
    },
    // A client's credential is for the gateway alone.
    Family {
        direction: Direction::Request,
        what: "a credential of the client",
        rule: Rule::Words(is_credential),
    },
    // Realtime clients send their key as a subprotocol (`openai-insecure-api-key.KEY`).
    Family {
        direction: Direction::Request,
        what: "a subprotocol, which can be a credential",
        rule: Rule::Names(&["sec-websocket-protocol"]),
    },
    // An upstream may trust whoever it takes for its own proxy. Anybody can write these.
    Family {
        direction: Direction::Request,
        what: "a claim about the client that nobody has checked",
        rule: Rule::Names(&[
            "cf-access-*",
            "cf-connecting-ip*",
            "client-cert*",
            "client-ip",
            "fastly-client-ip",
            "forwarded",
            "remote-*",
            "ssl-client-*",
            "true-client-ip",
            "x-amzn-oidc-*",
            "x-appengine-*",
            "x-authenticated-*",
            "x-azure-clientip",
            "x-azure-socketip",
            "x-client-cert*",
            "x-client-ip",
            "x-cluster-client-ip",
            "x-consumer-*",
            "x-endpoint-api-userinfo",
            "x-envoy-*",
            "x-forwarded",
            "x-forwarded-*",
            "x-goog-authenticated-user-*",
            "x-goog-iap-*",
            "x-ms-client-principal*",
            "x-real-ip",
            "x-remote-*",
            "x-ssl-client-*",
            "x-webauth-*",
        ]),
    },
    // The gateway decides about the method and the path that it reads; these make the upstream act
    // on others.
    Family {
        direction: Direction::Request,
        what: "another method, path or host than the gateway has checked",
        rule: Rule::Words(is_override),
    },
    // An upstream that echoes requests would show the gateway's key.
    Family {
        direction: Direction::Response,
        what: "a credential, or a challenge about the gateway's own",
        rule: Rule::Words(is_key_of_upstream),
    },
    // They govern the gateway's site, which is the operator's.
    Family {
        direction: Direction::Response,
        what: "a policy for browsers, which only the operator of the gateway may set",
        rule: Rule::Names(&[
            "accept-ch",
            "access-control-*",
            "attribution-reporting-*",
            "clear-site-data",
            "content-security-policy*",
            "critical-ch",
            "cross-origin-*",
            "document-policy*",
            "expect-ct",
            "feature-policy",
            "integrity-policy*",
            "nel",
            "origin-agent-cluster",
            "permissions-policy*",
            "public-key-pins*",
            "referrer-policy",
            "refresh",
            "report-to",
            "reporting-endpoints",
            "require-document-policy",
            "service-worker-allowed",
            "set-login",
            "speculation-rules",
            "strict-transport-security",
            "supports-loading-mode",
            "timing-allow-origin",
            "use-as-dictionary",
            "x-content-security-policy*",
            "x-dns-prefetch-control",
            "x-frame-options",
            "x-permitted-cross-domain-policies",
            "x-webkit-csp*",
            "x-xss-protection",
        ]),
    },
    // They would send clients past the gateway.
    Family {
        direction: Direction::Response,
        what: "another address for the same service, past the gateway",
        rule: Rule::Names(&["alt-svc", "alt-used", "alternates"]),
    },
    // A proxy in front of the gateway would serve files of its own.
    Family {
        direction: Direction::Response,
        what: "an order to a proxy in front of the gateway",
        rule: Rule::Names(&[
            "x-accel-charset",
            "x-accel-expires",
            "x-accel-limit-rate",
            "x-accel-redirect",
            "x-envoy-*",
            "x-lighttpd-send-file",
            "x-middleware-*",
            "x-reproxy-*",
            "x-sendfile*",
        ]),
    },
];

/// Returns the family that a header belongs to, if it is not to pass.
pub(crate) fn family_of(name: &str, direction: Direction) -> Option<&'static Family> {
    let plain = plain(name);
    FAMILIES
        .iter()
        .filter(|family| family.direction == direction)
        .find(|family| family.rule.has(&plain))
}

impl Rule {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::Names(names) => names.iter().any(|known| match known.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning),
                None => name == *known,
            }),
            Self::Words(rule) => rule(name),
        }
    }
}

/// Spells a name as the families have it. Servers do not tell `_` and `.` from `-`.
fn plain(name: &str) -> Cow<'_, str> {
    let is_other = |c: char| c == '_' || c == '.' || c.is_ascii_uppercase();
    if !name.contains(is_other) {
        return Cow::Borrowed(name);
    }
    name.chars()
        .map(|c| match c {
            '_' | '.' => '-',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}

fn is_override(name: &str) -> bool {
    const NAMES: Rule = Rule::Names(&[
        "front-end-https",
        "path-info",
        "script-name",
        "x-host",
        "x-http-method",
        "x-middleware-*",
        "x-original-*",
        "x-rewrite-*",
        "x-script-name",
        "x-url-scheme",
    ]);
    NAMES.has(name) || name.split('-').any(|word| word == "override")
}

fn is_key_of_upstream(name: &str) -> bool {
    const CHALLENGES: Rule = Rule::Names(&["proxy-authenticate", "www-authenticate"]);
    CHALLENGES.has(name) || is_credential(name)
}
