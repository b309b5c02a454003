//! The handshake with the upstream.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderMap, HeaderValue, StatusCode};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::asked::{AskedBy, Upgrade};

/// The text that RFC 6455 §1.3 appends to a key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A handshake with the upstream.
#[derive(Debug)]
pub(crate) struct Handshake {
    upgrade: Upgrade,
    /// The answer of a WebSocket server to a key of ours. A client checks the answer to its own
    /// key.
    accept: Option<HeaderValue>,
}

impl Handshake {
    /// Asks for the upgrade in the headers of a request. `nonce` is random.
    pub(crate) fn ask(upgrade: Upgrade, headers: &mut HeaderMap, nonce: [u8; 16]) -> Self {
        let is_websocket = upgrade
            .protocol
            .as_bytes()
            .eq_ignore_ascii_case(b"websocket");
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, upgrade.protocol.clone());
        let accept = match upgrade.asked_by {
            // HTTP/2 has no key, and HTTP/1.1 needs one.
            AskedBy::ExtendedConnect if is_websocket => {
                let key = STANDARD.encode(nonce);
                let accept = header(&accept(&key));
                headers.insert(SEC_WEBSOCKET_KEY, header(&key));
                Some(accept)
            }
            _ => None,
        };
        Self { upgrade, accept }
    }

    /// Returns whether a response without an upgrade would look like one to the client.
    pub(crate) fn is_mistaken_for(&self, status: StatusCode) -> bool {
        self.upgrade.asked_by == AskedBy::ExtendedConnect && status.is_success()
    }

    /// Returns whether the upstream switched to what it was asked for.
    pub(crate) fn is_accepted_by(&self, headers: &HeaderMap) -> bool {
        let asked = self.upgrade.protocol.as_bytes();
        let switched = headers.get(UPGRADE).is_some_and(|switched| {
            let mut asked = asked.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            asked.any(|asked| asked.eq_ignore_ascii_case(switched.as_bytes()))
        });
        let accepted = headers.get(SEC_WEBSOCKET_ACCEPT);
        switched
            && self
                .accept
                .as_ref()
                .is_none_or(|accept| accepted == Some(accept))
    }

    /// Makes the filtered headers of the upstream's answer those for the client, and returns the
    /// status. `switched` is the upstream's protocol.
    pub(crate) fn confirm(
        &self,
        headers: &mut HeaderMap,
        switched: Option<HeaderValue>,
    ) -> StatusCode {
        headers.remove(CONTENT_LENGTH);
        match self.upgrade.asked_by {
            AskedBy::Header => {
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
                let protocol = switched.unwrap_or_else(|| self.upgrade.protocol.clone());
                headers.insert(UPGRADE, protocol);
                StatusCode::SWITCHING_PROTOCOLS
            }
            AskedBy::ExtendedConnect => {
                headers.remove(SEC_WEBSOCKET_ACCEPT);
                StatusCode::OK
            }
        }
    }
}

/// Returns what proves that a server has read a key (RFC 6455 §4.2.2).
fn accept(key: &str) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes());
    STANDARD.encode(hash)
}

fn header(base64: &str) -> HeaderValue {
    // Base64 is visible ASCII, so this cannot fail. If it did, the upstream would refuse.
    HeaderValue::from_str(base64).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_follows_the_rfc() {
        let accept = accept("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn answer_must_fit_the_question() {
        let handshake = |asked_by| {
            let protocol = HeaderValue::from_static("websocket");
            let mut headers = HeaderMap::new();
            let handshake = Handshake::ask(Upgrade { protocol, asked_by }, &mut headers, [0; 16]);
            let key = headers.get(SEC_WEBSOCKET_KEY).cloned();
            (handshake, key)
        };
        let answer = |upgrade: &'static str, accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(UPGRADE, HeaderValue::from_static(upgrade));
            headers.insert(SEC_WEBSOCKET_ACCEPT, header(accept));
            headers
        };
        let (passed_on, key) = handshake(AskedBy::Header);
        assert_eq!(key, None, "the client has one");
        assert!(passed_on.is_accepted_by(&answer("WebSocket", "any")));
        assert!(!passed_on.is_accepted_by(&answer("h2c", "any")));
        assert!(!passed_on.is_accepted_by(&HeaderMap::new()));

        let (bridged, key) = handshake(AskedBy::ExtendedConnect);
        let right = accept(key.unwrap().to_str().unwrap());
        assert!(bridged.is_accepted_by(&answer("websocket", &right)));
        assert!(!bridged.is_accepted_by(&answer("websocket", "wrong")));
        assert!(bridged.is_mistaken_for(StatusCode::OK));
        assert!(!passed_on.is_mistaken_for(StatusCode::OK));
    }
}
