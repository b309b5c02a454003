//! Requests for another protocol.

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use hyper::ext::Protocol;

use crate::gateway::error_response::Problem;

/// Protocols that a client can do without. The gateway ignores an offer of them, since they would
/// change what the gateway itself speaks.
const OFFERS: [&str; 4] = ["h2", "h2c", "http", "tls"];

/// A request for another protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upgrade {
    /// The protocol, or several that the upstream can choose from.
    pub(super) protocol: HeaderValue,
    pub(super) asked_by: AskedBy,
}

/// The way in which the client asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AskedBy {
    /// `Upgrade` over HTTP/1.1.
    Header,
    /// Extended CONNECT over HTTP/2.
    ExtendedConnect,
}

impl Upgrade {
    /// Returns what a request asks for. Makes an extended CONNECT a GET, so that all that follows
    /// judges the request that the upstream gets.
    pub(crate) fn take(head: &mut Parts) -> Result<Option<Self>, Problem> {
        if head.method == Method::CONNECT {
            let Some(protocol) = head.extensions.get::<Protocol>() else {
                return Ok(None);
            };
            let name = protocol.as_str();
            let protocol = HeaderValue::from_str(name).ok().filter(|_| !is_offer(name));
            let protocol = protocol.ok_or(Problem::Upgrade)?;
            head.method = Method::GET;
            return Ok(Some(Self {
                protocol,
                asked_by: AskedBy::ExtendedConnect,
            }));
        }
        let asks =
            list(&head.headers, CONNECTION).any(|option| option.eq_ignore_ascii_case("upgrade"));
        if !asks || head.version != Version::HTTP_11 {
            return Ok(None);
        }
        let needed: Vec<_> = list(&head.headers, UPGRADE)
            .filter(|protocol| !is_offer(protocol))
            .collect();
        if needed.is_empty() {
            return Ok(None);
        }
        // Servers disagree about where such a body ends and the other protocol begins.
        if has_body(&head.headers) {
            return Err(Problem::Upgrade);
        }
        let protocol = HeaderValue::from_str(&needed.join(", ")).map_err(|_| Problem::Upgrade)?;
        Ok(Some(Self {
            protocol,
            asked_by: AskedBy::Header,
        }))
    }
}

fn is_offer(protocol: &str) -> bool {
    let name = protocol.split('/').next().unwrap_or_default();
    OFFERS.contains(&&*name.to_ascii_lowercase())
}

fn has_body(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    headers.contains_key(TRANSFER_ENCODING) || lengths.any(|length| length != "0")
}

fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(method: Method, version: Version, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.uri("http://g/v1").body(()).unwrap().into_parts().0
    }

    fn protocol(headers: &[(&str, &str)]) -> Result<Option<String>, Problem> {
        let mut head = head(Method::GET, Version::HTTP_11, headers);
        let upgrade = Upgrade::take(&mut head)?;
        Ok(upgrade.map(|upgrade| upgrade.protocol.to_str().unwrap().to_owned()))
    }

    #[test]
    fn needed_upgrade_is_told_from_an_offer() {
        for (connection, upgrade, wanted) in [
            ("Upgrade", "websocket", Some("websocket")),
            ("keep-alive, upgrade", "WebSocket", Some("WebSocket")),
            ("upgrade", "h2c, websocket, a/1", Some("websocket, a/1")),
            ("Upgrade, HTTP2-Settings", "h2c", None),
            ("upgrade", "TLS/1.2, HTTP/2.0", None),
            ("close", "websocket", None),
        ] {
            let headers = [("connection", connection), ("upgrade", upgrade)];
            let wanted = Ok(wanted.map(str::to_owned));
            assert_eq!(protocol(&headers), wanted, "{connection}: {upgrade}");
        }
    }

    #[test]
    fn upgrade_with_a_body_is_refused() {
        let ask = [("connection", "upgrade"), ("upgrade", "websocket")];
        for (body, is_refused) in [
            (("content-length", "0"), false),
            (("content-length", "5"), true),
            (("transfer-encoding", "chunked"), true),
        ] {
            let headers = [ask[0], ask[1], body];
            assert_eq!(protocol(&headers).is_err(), is_refused, "{body:?}");
        }
    }

    #[test]
    fn extended_connect_is_judged_as_a_get() {
        let mut plain = head(Method::CONNECT, Version::HTTP_2, &[]);
        assert_eq!(Upgrade::take(&mut plain), Ok(None));
        assert_eq!(plain.method, Method::CONNECT);
        for (name, is_taken) in [("websocket", true), ("connect-udp", true), ("h2c", false)] {
            let mut head = head(Method::CONNECT, Version::HTTP_2, &[]);
            head.extensions.insert(Protocol::from_static(name));
            let taken = Upgrade::take(&mut head);
            assert_eq!(taken.is_ok(), is_taken, "{name}");
            assert_eq!(head.method == Method::GET, is_taken, "{name}");
        }
    }
}
