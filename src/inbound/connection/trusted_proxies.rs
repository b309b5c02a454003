//! Trusted proxies, and what they say about their clients.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::FORWARDED;

use super::forwarded::{X_FORWARDED_FOR, X_FORWARDED_PROTO, address, members, parameter};
use super::scheme::RequestScheme;
use crate::inbound::key::Networks;

/// The proxies whose forwarded headers count.
///
/// A proxy appends the address of its client to a header. The layer reads that from the end, over
/// all trusted proxies, to the first address that is none: everything before it may come from the
/// client itself. If the peer is no trusted proxy, no header counts.
///
/// The address is unknown if a trusted proxy sends no such header, or something else than an
/// address. A key with [networks](crate::inbound::KeyRecord::with_networks) is then refused.
///
/// # Examples
///
/// ```
/// use http::HeaderMap;
/// use tower_rotating_auth::inbound::TrustedProxies;
///
/// let proxies = TrustedProxies::new("10.0.0.0/8".parse()?);
/// let mut headers = HeaderMap::new();
/// headers.insert("x-forwarded-for", "198.51.100.1, 192.0.2.7, 10.0.0.2".parse()?);
///
/// // The first address comes from the client.
/// let client = proxies.client_ip(Some("10.0.0.1:443".parse()?), &headers);
/// assert_eq!(client, Some("192.0.2.7".parse()?));
/// let client = proxies.client_ip(Some("203.0.113.9:443".parse()?), &headers);
/// assert_eq!(client, Some("203.0.113.9".parse()?));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct TrustedProxies {
    networks: Networks,
    header: ForwardedHeader,
}

/// The header in which proxies name their clients. The others do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, and `X-Forwarded-Proto` for the scheme. This is the default.
    #[default]
    XForwardedFor,
    /// `Forwarded` ([RFC 7239](https://www.rfc-editor.org/rfc/rfc7239)).
    Forwarded,
}

impl TrustedProxies {
    /// Trusts proxies in these networks. With none, no header counts.
    pub const fn new(networks: Networks) -> Self {
        Self {
            networks,
            header: ForwardedHeader::XForwardedFor,
        }
    }

    /// Sets which header the proxies write. Defaults to [`ForwardedHeader::XForwardedFor`].
    ///
    /// The proxy must drop or append to this header: it would otherwise pass on what its client
    /// sends.
    pub const fn header(mut self, header: ForwardedHeader) -> Self {
        self.header = header;
        self
    }

    /// Returns the address of the client: that of the peer, or what trusted proxies say.
    ///
    /// Returns `None` if it is not known.
    #[must_use]
    pub fn client_ip(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer?.ip().to_canonical();
        if !self.networks.contains(peer) {
            return Some(peer);
        }
        let mut client = None;
        for member in self.addresses(headers) {
            let address = member?.to_canonical();
            client = Some(address);
            if !self.networks.contains(address) {
                break;
            }
        }
        client
    }

    /// Returns the scheme that the client has used: that of the connection, or what a trusted proxy
    /// at its other end says.
    ///
    /// Returns `None` if it is not known.
    pub(crate) fn client_scheme(
        &self,
        peer: Option<SocketAddr>,
        scheme: Option<RequestScheme>,
        headers: &HeaderMap,
    ) -> Option<RequestScheme> {
        let is_proxy = peer.is_some_and(|peer| self.networks.contains(peer.ip()));
        if !is_proxy {
            return scheme;
        }
        let said = match self.header {
            ForwardedHeader::XForwardedFor => members(headers, X_FORWARDED_PROTO).next().map(Some),
            ForwardedHeader::Forwarded => members(headers, FORWARDED)
                .next()
                .map(|element| parameter(element, "proto")),
        };
        match said?? {
            said if said.eq_ignore_ascii_case(b"https") => Some(RequestScheme::Https),
            said if said.eq_ignore_ascii_case(b"http") => Some(RequestScheme::Http),
            _ => None,
        }
    }

    /// Returns the addresses that proxies have appended, the last one first.
    fn addresses<'h>(
        &self,
        headers: &'h HeaderMap,
    ) -> impl Iterator<Item = Option<IpAddr>> + use<'h> {
        let header = self.header;
        let name = match header {
            ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardedHeader::Forwarded => FORWARDED,
        };
        members(headers, name).map(move |member| match header {
            ForwardedHeader::XForwardedFor => address(member),
            ForwardedHeader::Forwarded => address(parameter(member, "for")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1:443";

    fn proxies() -> TrustedProxies {
        TrustedProxies::new("10.0.0.0/8".parse().unwrap())
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(*name, value);
        }
        headers
    }

    fn client(proxies: &TrustedProxies, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let client = proxies.client_ip(peer.parse().ok(), &headers(lines));
        client.map_or_else(|| "unknown".to_owned(), |client| client.to_string())
    }

    #[test]
    fn client_is_first_untrusted_address_from_the_end() {
        for (lines, expected) in [
            (&[("x-forwarded-for", "192.0.2.7")][..], "192.0.2.7"),
            (
                &[("x-forwarded-for", "198.51.100.1, 192.0.2.7")],
                "192.0.2.7",
            ),
            (&[("x-forwarded-for", "192.0.2.7, 10.0.0.2")], "192.0.2.7"),
            (&[("x-forwarded-for", "192.0.2.7:5000")], "192.0.2.7"),
            (&[("x-forwarded-for", "[2001:db8::1]:5000")], "2001:db8::1"),
            (&[("x-forwarded-for", "::ffff:192.0.2.7")], "192.0.2.7"),
            (&[("x-forwarded-for", "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
            (
                &[
                    ("x-forwarded-for", "1.1.1.1"),
                    ("x-forwarded-for", "192.0.2.7"),
                ],
                "192.0.2.7",
            ),
            (&[("x-forwarded-for", "192.0.2.7, unknown")], "unknown"),
            (&[("x-forwarded-for", "192.0.2.7,")], "unknown"),
            (&[("x-forwarded-for", "192.0.2.7, \u{e4}")], "unknown"),
            // Bytes of the client, before what the proxy appends.
            (&[("x-forwarded-for", "\u{e4}, 192.0.2.7")], "192.0.2.7"),
            (&[("forwarded", "for=192.0.2.7")], "unknown"),
            (&[], "unknown"),
        ] {
            assert_eq!(client(&proxies(), PROXY, lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn untrusted_peer_is_the_client() {
        let forged = [
            ("x-forwarded-for", "10.0.0.2"),
            ("forwarded", "for=10.0.0.2"),
        ];
        assert_eq!(client(&proxies(), "192.0.2.9:1", &forged), "192.0.2.9");
        assert_eq!(
            client(&TrustedProxies::default(), PROXY, &forged),
            "10.0.0.1"
        );
        assert_eq!(client(&proxies(), "", &forged), "unknown");
    }

    #[test]
    fn forwarded_header_is_read_where_it_is_chosen() {
        let proxies = proxies().header(ForwardedHeader::Forwarded);
        for (lines, expected) in [
            (
                &[("forwarded", "for=192.0.2.7;proto=https")][..],
                "192.0.2.7",
            ),
            (
                &[("forwarded", "For=\"[2001:db8::1]:5000\"")],
                "2001:db8::1",
            ),
            (
                &[("forwarded", "for=1.1.1.1, proto=http;for=192.0.2.7")],
                "192.0.2.7",
            ),
            (&[("forwarded", "for=1.1.1.1, proto=http")], "unknown"),
            (&[("forwarded", "for=_hidden")], "unknown"),
            (&[("forwarded", "for=\u{e4}, for=192.0.2.7")], "192.0.2.7"),
            // A quote that the client leaves open.
            (
                &[("forwarded", "for=\"1.1.1.1, for=192.0.2.7")],
                "192.0.2.7",
            ),
            (
                &[("forwarded", "for=\"\\, for=192.0.2.7;host=\"a\"")],
                "192.0.2.7",
            ),
            // A `Host` of the client that the proxy quotes.
            (
                &[("forwarded", "for=192.0.2.7;host=\"a, for=1.1.1.1\"")],
                "192.0.2.7",
            ),
            (
                &[("forwarded", "host=\"a;for=1.1.1.1\";for=192.0.2.7")],
                "192.0.2.7",
            ),
            (
                &[(
                    "forwarded",
                    "host=\"\\\",for=1.1.1.1;a=\\\"\";for=192.0.2.7",
                )],
                "192.0.2.7",
            ),
            (
                &[("forwarded", "for=\", for=192.0.2.7;host=\",for=1.1.1.1\"")],
                "192.0.2.7",
            ),
            (
                &[("forwarded", "for=192.0.2.7;host=\"\u{e4}\"")],
                "192.0.2.7",
            ),
            (&[("forwarded", "for=1.1.1.1;for=192.0.2.7")], "unknown"),
            (&[("forwarded", "for=192.0.2.7\"")], "unknown"),
            (&[("forwarded", "for=192.0.2.7;by")], "unknown"),
            (&[("forwarded", ";for=192.0.2.7;")], "192.0.2.7"),
            (
                &[
                    ("forwarded", "for=\"1.1.1.1"),
                    ("forwarded", "for=192.0.2.7"),
                ],
                "192.0.2.7",
            ),
            (&[("x-forwarded-for", "192.0.2.7")], "unknown"),
        ] {
            assert_eq!(client(&proxies, PROXY, lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn scheme_of_the_last_proxy_counts() {
        let scheme = |proxies: &TrustedProxies, peer: &str, lines: &[(&'static str, &str)]| {
            let own = Some(RequestScheme::Http);
            proxies.client_scheme(peer.parse().ok(), own, &headers(lines))
        };
        let https = [("x-forwarded-proto", "http, HTTPS")];
        let (http, secure) = (Some(RequestScheme::Http), Some(RequestScheme::Https));
        assert_eq!(scheme(&proxies(), PROXY, &https), secure);
        assert_eq!(scheme(&proxies(), "192.0.2.9:1", &https), http);
        assert_eq!(scheme(&TrustedProxies::default(), PROXY, &https), http);
        assert_eq!(scheme(&proxies(), PROXY, &[]), None);
        assert_eq!(
            scheme(&proxies(), PROXY, &[("x-forwarded-proto", "ws")]),
            None
        );
        let forwarded = proxies().header(ForwardedHeader::Forwarded);
        let lines = [("forwarded", "for=192.0.2.7;proto=https")];
        assert_eq!(scheme(&forwarded, PROXY, &lines), secure);
    }
}
