//! `Location` of the upstream, as the gateway's clients reach it.

use http::header::{CONTENT_LOCATION, LOCATION};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri};

use super::base_url::Base;

/// Rewrites the addresses in a response, and removes those at the upstream that the gateway does
/// not forward to.
pub(crate) fn map_back(headers: &mut HeaderMap, base: &Base) {
    for name in [LOCATION, CONTENT_LOCATION] {
        let Some(value) = headers.get(&name) else {
            continue;
        };
        match mapped(value, base) {
            Mapped::Same => {}
            Mapped::To(path) => {
                headers.insert(name, path);
            }
            Mapped::Nowhere => {
                headers.remove(name);
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Mapped {
    Same,
    To(HeaderValue),
    /// It is at the upstream, but outside of the base.
    Nowhere,
}

fn mapped(location: &HeaderValue, base: &Base) -> Mapped {
    let Ok(text) = location.to_str() else {
        return Mapped::Nowhere;
    };
    // A fragment is the client's affair, and `Uri` has none.
    let (address, fragment) = match text.split_at_checked(text.find('#').unwrap_or(text.len())) {
        Some(parts) => parts,
        None => (text, ""),
    };
    let path = if let Some(rest) = address.strip_prefix("//") {
        match at_upstream(&format!("http://{rest}"), base) {
            Some(path) => path,
            None => return Mapped::Same,
        }
    } else if address.starts_with('/') {
        address.to_owned()
    } else {
        match at_upstream(address, base) {
            Some(path) => path,
            None => return Mapped::Same,
        }
    };
    match base.public_path(&path) {
        Some(path) => HeaderValue::try_from(path + fragment).map_or(Mapped::Nowhere, Mapped::To),
        None => Mapped::Nowhere,
    }
}

/// Returns the path and query of an address, if it is at the upstream, by whichever scheme.
fn at_upstream(address: &str, base: &Base) -> Option<String> {
    let uri: Uri = address.parse().ok()?;
    let authority = uri.authority()?;
    let is_same = same_host(authority, base.authority());
    is_same.then(|| {
        uri.path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned()
    })
}

/// Ports that a scheme stands for count as left out.
fn same_host(one: &Authority, other: &Authority) -> bool {
    let port = |authority: &Authority| {
        authority
            .port_u16()
            .filter(|port| ![80, 443].contains(port))
    };
    one.host().eq_ignore_ascii_case(other.host()) && port(one) == port(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::proxy::address::base_url::Cleartext;

    #[test]
    fn addresses_at_the_upstream_are_mapped_back() {
        for (base, location, wanted) in [
            (
                "https://api.example.com/v1",
                "https://api.example.com/v1/files/1?a=b#c",
                Some("/v1/files/1?a=b#c"),
            ),
            (
                "https://api.example.com/v1",
                "http://API.example.com:80/v1/files",
                Some("/v1/files"),
            ),
            (
                "https://api.example.com/v1",
                "//api.example.com/v1/files",
                Some("/v1/files"),
            ),
            ("https://api.example.com/v1", "/v1/files", Some("/v1/files")),
            (
                "https://api.example.com/v1",
                "https://api.example.com/v1",
                Some("/v1"),
            ),
            (
                "https://api.example.com/v1",
                "https://api.example.com/login",
                None,
            ),
            (
                "https://api.example.com/v1",
                "https://api.example.com/v10",
                None,
            ),
            ("https://api.example.com/v1", "/login", None),
            ("https://api.example.com/v1", "files/1", Some("files/1")),
            (
                "https://api.example.com/v1",
                "https://files.example.com/v1/1",
                Some("https://files.example.com/v1/1"),
            ),
            (
                "https://api.example.com/v1",
                "https://api.example.com:8443/v1",
                Some("https://api.example.com:8443/v1"),
            ),
            (
                "https://api.example.com",
                "https://api.example.com/a",
                Some("/a"),
            ),
            (
                "https://api.example.com",
                "https://api.example.com",
                Some("/"),
            ),
            (
                "https://api.example.com/openai/v1",
                "https://api.example.com/openai/v1/v1/a",
                Some("/v1/v1/a"),
            ),
            (
                "https://api.example.com/proxy",
                "/proxy/v1/a",
                Some("/v1/a"),
            ),
            ("https://api.example.com/proxy", "/proxy", Some("/")),
        ] {
            let base = Base::parse(base, Cleartext::Loopback).unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, HeaderValue::from_static(location));
            map_back(&mut headers, &base);
            let mapped = headers.get(LOCATION).map(|value| value.to_str().unwrap());
            assert_eq!(mapped, wanted, "{location}");
        }
    }

    #[test]
    fn mapped_address_leads_back_to_the_same() {
        for (base, path) in [
            ("https://a.example/v1", "/v1/files"),
            ("https://a.example/v1", "/v1"),
            ("https://a.example/openai/v1", "/openai/v1/v1/files"),
            ("https://a.example/proxy", "/proxy/v1/files?x=y"),
            ("https://a.example", "/v1//files"),
        ] {
            for prefix in ["/", "/here"] {
                let base = Base::parse(base, Cleartext::Loopback).unwrap();
                let base = base.under(prefix.parse().unwrap());
                let public: Uri = base.public_path(path).unwrap().parse().unwrap();
                assert!(public.path().starts_with(prefix), "{public}");
                let joined = base.join(&public).unwrap();
                assert_eq!(joined.path_and_query().unwrap().as_str(), path);
            }
        }
    }
}
