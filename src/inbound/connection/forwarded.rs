//! A proxy's word about its client, in one of two headers.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::HeaderName;

/// The header in which a proxy names its client.
pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The header in which a proxy names its client's scheme.
pub(super) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Returns the members of a list header, the last one first. `None` stands for one that is no text.
pub(super) fn members<'h>(
    headers: &'h HeaderMap,
    name: HeaderName,
) -> impl Iterator<Item = Option<&'h str>> + use<'h> {
    let mut members: Vec<_> = Vec::new();
    for line in headers.get_all(name) {
        match line.to_str() {
            Ok(line) => members.extend(line.split(',').map(|member| Some(member.trim()))),
            Err(_) => members.push(None),
        }
    }
    members.into_iter().rev()
}

/// Returns the value of a parameter of one element of `Forwarded`
/// ([RFC 7239 §4](https://www.rfc-editor.org/rfc/rfc7239#section-4)), without quotes.
pub(super) fn parameter<'e>(element: &'e str, wanted: &str) -> Option<&'e str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let is_wanted = name.trim().eq_ignore_ascii_case(wanted);
        is_wanted.then(|| value.trim().trim_matches('"'))
    })
}

/// Parses an address, with or without a port, and with or without the brackets of IPv6.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    bare.unwrap_or(text).parse().ok()
}
