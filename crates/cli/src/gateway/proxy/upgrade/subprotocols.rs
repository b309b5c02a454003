//! Subprotocols of WebSocket, among which browsers send keys.

use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderMap, HeaderValue};

/// Prefixes of entries that are keys. The first two are those that the gateway reads.
const KEYS: [&str; 5] = [
    "base64url.bearer.authorization.k8s.io.",
    "openai-insecure-api-key.",
    "access_token.",
    "authorization.",
    "bearer.",
];
/// Entries that say that another entry is a key, in lower case and without separators.
const LABELS: [&str; 10] = [
    "accesstoken",
    "apikey",
    "auth",
    "authorization",
    "authtoken",
    "basic",
    "bearer",
    "jwt",
    "token",
    "xapikey",
];

/// Removes the header, and returns it without the entries that are keys. If an entry is only a
/// label, such as `bearer`, any other may be the key, so that none is left.
pub(crate) fn keep_subprotocols(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let lines: Vec<_> = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .cloned()
        .collect();
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    let entries: Vec<_> = lines
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .collect();
    if entries.iter().any(|entry| is_label(entry)) {
        return None;
    }
    let kept: Vec<_> = entries.into_iter().filter(|entry| !is_key(entry)).collect();
    HeaderValue::from_str(&kept.join(", "))
        .ok()
        .filter(|_| !kept.is_empty())
}

fn is_key(entry: &str) -> bool {
    KEYS.iter().any(|prefix| {
        let start = entry.as_bytes().get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    })
}

fn is_label(entry: &str) -> bool {
    let name = entry.to_ascii_lowercase().replace(['-', '_', '.'], "");
    LABELS.contains(&&*name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_leave_the_subprotocols() {
        for (lines, kept) in [
            (&["realtime"][..], Some("realtime")),
            (
                &["realtime, openai-insecure-api-key.sk-1, openai-beta.realtime-v1"],
                Some("realtime, openai-beta.realtime-v1"),
            ),
            (
                &[
                    "base64url.bearer.authorization.k8s.io.a2V5",
                    "v4.channel.k8s.io",
                ],
                Some("v4.channel.k8s.io"),
            ),
            (
                &["openai-organization.org-1,openai-project.proj_1 , graphql-ws"],
                Some("openai-organization.org-1, openai-project.proj_1, graphql-ws"),
            ),
            (&["openai-insecure-api-key.sk-1"], None),
            (&["OpenAI-Insecure-API-Key.sk-1, a"], Some("a")),
            (&["graphql-ws, Bearer.sk-1"], Some("graphql-ws")),
            (&["access_token.sk-1", "a"], Some("a")),
            (
                &["v1.auth.example.com, oauth-token.v2, jwt.v1, soap"],
                Some("v1.auth.example.com, oauth-token.v2, jwt.v1, soap"),
            ),
            (&["access_token, sk-1"], None),
            (&["realtime", "Bearer, sk-1"], None),
            (&["sk-1", "x-api-key"], None),
            (&["Authorization, Bearer, sk-1, realtime"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(line));
            }
            let found = keep_subprotocols(&mut headers);
            let found = found.as_ref().map(|value| value.to_str().unwrap());
            assert_eq!(found, kept, "{lines:?}");
            assert!(headers.is_empty());
        }
    }
}
