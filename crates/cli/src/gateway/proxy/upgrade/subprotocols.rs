//! Subprotocols of WebSocket, among which browsers send keys.

use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderMap, HeaderValue};

use crate::gateway::proxy::headers::is_credential;

/// Removes the header, and returns it without the entries that are keys.
pub(crate) fn keep_subprotocols(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let lines: Vec<_> = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .cloned()
        .collect();
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    let kept: Vec<_> = lines
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|entry| !entry.is_empty() && !is_credential(entry))
        .collect();
    HeaderValue::from_str(&kept.join(", "))
        .ok()
        .filter(|_| !kept.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_key_entries_leave_the_subprotocols() {
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
