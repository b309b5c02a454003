//! A proxy's word about its client, in one of two headers.

use std::iter::from_fn;
use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::HeaderName;

/// The header in which a proxy names its client.
pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The header in which a proxy names its client's scheme.
pub(super) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Returns the members of a list header, the last one first.
///
/// They are bytes: a client can have a proxy repeat what is no text, and must not hide its address
/// by that.
pub(super) fn members(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(name).iter().rev();
    lines.flat_map(|line| split_from_end(line.as_bytes(), b','))
}

/// Splits bytes at each separator outside quoted strings, the last piece first.
///
/// From the end, because the start may be the client's: a quote that it leaves open hides nothing
/// that a proxy appends. Quoted strings count, because a proxy may quote the client's `Host`.
fn split_from_end(bytes: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    from_fn(move || {
        let bytes = rest?;
        let mut is_quoted = false;
        let place = (0..bytes.len()).rev().find(|&at| {
            is_quoted ^= bytes[at] == b'"' && !is_escaped(&bytes[..at]);
            bytes[at] == separator && !is_quoted
        });
        rest = place.map(|at| &bytes[..at]);
        let piece = place.map_or(bytes, |at| &bytes[at + 1..]);
        Some(piece.trim_ascii())
    })
}

/// Returns whether the byte after these is the second one of a quoted pair.
fn is_escaped(before: &[u8]) -> bool {
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
}

/// Returns the value of a parameter of one element of `Forwarded`
/// ([RFC 7239 §4](https://www.rfc-editor.org/rfc/rfc7239#section-4)), without quotes.
///
/// Returns `None` if the element lacks the parameter, repeats it, or is malformed.
pub(super) fn parameter<'e>(element: &'e [u8], wanted: &str) -> Option<&'e [u8]> {
    let mut found = None;
    for pair in split_from_end(element, b';').filter(|pair| !pair.is_empty()) {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&pair[..equals], unquoted(&pair[equals + 1..])?);
        if name.eq_ignore_ascii_case(wanted.as_bytes()) && found.replace(value).is_some() {
            return None;
        }
    }
    found
}

/// Returns the content of a value, with or without quotes.
fn unquoted(value: &[u8]) -> Option<&[u8]> {
    match value {
        [b'"', content @ .., b'"'] => Some(content),
        _ => {
            let is_delimiter = |byte: &u8| matches!(byte, b'"' | b',' | b' ' | b'\t');
            (!value.iter().any(is_delimiter)).then_some(value)
        }
    }
}

/// Parses an address, with or without a port, and with or without the brackets of IPv6.
pub(super) fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    bare.unwrap_or(text).parse().ok()
}
