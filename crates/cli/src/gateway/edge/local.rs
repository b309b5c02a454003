//! Requests that come from this machine's own programs and pages. Any web page can make a browser
//! send requests to a loopback address.

use std::net::IpAddr;

use http::header::ORIGIN;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderValue, Uri};

use super::request_head::host;

/// Returns whether a request names this machine, and comes from no page of another.
///
/// A foreign `Host` is a name that was rebound to this machine. Browsers send `Origin` with
/// requests that can change something, and `Sec-Fetch-Site` with all.
pub(crate) fn is_local(head: &Parts, allowed: &[HeaderValue]) -> bool {
    let host = host(head).is_some_and(|authority| is_loopback(&authority));
    let mut origins = head.headers.get_all(ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (None, _) => None,
        (Some(origin), None) => Some(allowed.contains(origin) || is_loopback_origin(origin)),
        (Some(_), Some(_)) => Some(false),
    };
    let mut sites = head.headers.get_all("sec-fetch-site").iter();
    let is_cross_site = sites.any(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site"));
    host && origin.unwrap_or(!is_cross_site)
}

fn is_loopback_origin(origin: &HeaderValue) -> bool {
    let uri = Uri::try_from(origin.as_bytes()).unwrap_or_default();
    uri.scheme().is_some() && uri.authority().is_some_and(is_loopback)
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host().to_ascii_lowercase();
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    match plain.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn local(headers: &[(&str, &str)]) -> bool {
        let mut request = Request::post("/v1/models");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        is_local(
            &head,
            &[HeaderValue::from_static("https://app.example.com")],
        )
    }

    #[test]
    fn only_loopback_hosts_are_local() {
        for (host, wanted) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("app.localhost", true),
            ("127.0.0.1:8080", true),
            ("127.8.9.1", true),
            ("[::1]:8080", true),
            ("[::ffff:127.0.0.1]", true),
            ("rebound.example", false),
            ("127.0.0.1.example", false),
            ("localhost.example", false),
            ("192.0.2.1", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(local(&[("host", host)]), wanted, "{host}");
        }
        assert!(!local(&[]));
    }

    #[test]
    fn pages_of_other_sites_are_not_local() {
        for (origin, site, wanted) in [
            (None, None, true),
            (None, Some("none"), true),
            (None, Some("same-origin"), true),
            (None, Some("same-site"), true),
            (None, Some("cross-site"), false),
            (Some("http://localhost:3000"), Some("same-site"), true),
            (Some("http://127.0.0.1:3000"), Some("cross-site"), true),
            (Some("https://app.example.com"), Some("cross-site"), true),
            (Some("https://evil.example"), Some("cross-site"), false),
            (Some("https://evil.example"), None, false),
            (Some("http://localhost.evil.example"), None, false),
            (Some("null"), None, false),
            (Some("localhost"), None, false),
        ] {
            let host = [("host", "localhost")];
            let origin_header = origin.map(|origin| ("origin", origin));
            let site_header = site.map(|site| ("sec-fetch-site", site));
            let headers: Vec<_> = host
                .into_iter()
                .chain(origin_header)
                .chain(site_header)
                .collect();
            assert_eq!(local(&headers), wanted, "{origin:?} {site:?}");
        }
        let two = [
            ("host", "localhost"),
            ("origin", "http://localhost"),
            ("origin", "https://evil.example"),
        ];
        assert!(!local(&two));
    }
}
