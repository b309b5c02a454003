//! A proxy's word about its client, in one of two headers.

use std::iter::{Once, from_fn, once};
use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::HeaderName;

/// The header in which a proxy names its client.
pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The header in which a proxy names its client's scheme.
pub(super) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Returns the members of a list header, the last one first. `None` stands for one that is no text.
pub(super) fn members(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = Option<&str>> {
    let lines = headers.get_all(name).iter().rev();
    lines.flat_map(|line| match line.to_str() {
        Ok(line) => Members::Of(split_from_end(line, b',')),
        Err(_) => Members::Unreadable(once(())),
    })
}

/// The members of one line.
enum Members<I> {
    Of(I),
    Unreadable(Once<()>),
}

impl<'h, I: Iterator<Item = &'h str>> Iterator for Members<I> {
    type Item = Option<&'h str>;

    fn next(&mut self) -> Option<Option<&'h str>> {
        match self {
            Self::Of(members) => members.next().map(Some),
            Self::Unreadable(line) => line.next().map(|()| None),
        }
    }
}

/// Splits text at each separator outside quoted strings, the last piece first.
///
/// From the end, because the start may be the client's: a quote that it leaves open hides nothing
/// that a proxy appends. Quoted strings count, because a proxy may quote the client's `Host`.
fn split_from_end(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    from_fn(move || {
        let text = rest?;
        let bytes = text.as_bytes();
        let mut is_quoted = false;
        let place = (0..bytes.len()).rev().find(|&at| {
            is_quoted ^= bytes[at] == b'"' && !is_escaped(&bytes[..at]);
            bytes[at] == separator && !is_quoted
        });
        rest = place.map(|at| &text[..at]);
        Some(place.map_or(text, |at| &text[at + 1..]).trim())
    })
}

/// Returns whether the byte after this text is the second one of a quoted pair.
fn is_escaped(before: &[u8]) -> bool {
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
}

/// Returns the value of a parameter of one element of `Forwarded`
/// ([RFC 7239 §4](https://www.rfc-editor.org/rfc/rfc7239#section-4)), without quotes.
///
/// Returns `None` if the element lacks the parameter, repeats it, or is malformed.
pub(super) fn parameter<'e>(element: &'e str, wanted: &str) -> Option<&'e str> {
    let mut found = None;
    for pair in split_from_end(element, b';').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let value = unquoted(value)?;
        if name.eq_ignore_ascii_case(wanted) && found.replace(value).is_some() {
            return None;
        }
    }
    found
}

/// Returns the text of a value, with or without quotes.
fn unquoted(value: &str) -> Option<&str> {
    let quoted = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    match quoted {
        Some(text) => Some(text),
        None => (!value.contains(['"', ',', ' ', '\t'])).then_some(value),
    }
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
