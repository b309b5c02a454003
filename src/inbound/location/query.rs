//! A token in a query parameter.

use std::iter;

use http::Uri;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use super::content::{Absent, LocationContent, Presented};
use crate::inbound::auth_error::AuthErrorKind;

pub(crate) fn read<'a>(name: &str, uri: &'a Uri, max_len: usize) -> LocationContent<'a> {
    let parameters = uri.query().into_iter().flat_map(|query| query.split('&'));
    let mut values = parameters.filter_map(|parameter| value_of(name, parameter));
    match (values.next(), values.next()) {
        (None, _) => LocationContent::Absent(Absent::Missing),
        (Some(_), Some(_)) => LocationContent::Twice,
        (Some(""), None) => LocationContent::Absent(Absent::Empty),
        (Some(value), None) => LocationContent::Presented(presented(value.as_bytes(), max_len)),
    }
}

/// Removes each parameter of this name. The others keep their bytes and their order.
pub(crate) fn strip(name: &str, uri: &mut Uri) {
    let Some(query) = uri.query() else { return };
    if query
        .split('&')
        .all(|parameter| value_of(name, parameter).is_none())
    {
        return;
    }
    // This cannot fail: a valid URI stays valid without some of its parameters. If it did fail, `/`
    // would be better than a URI with the token.
    *uri = stripped(name, uri).unwrap_or_default();
}

fn stripped(name: &str, uri: &Uri) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let (path, query) = parts.path_and_query.as_ref()?.as_str().split_once('?')?;
    let mut text = path.to_owned();
    let others = query
        .split('&')
        .filter(|parameter| value_of(name, parameter).is_none());
    for (separator, other) in iter::once('?').chain(iter::repeat('&')).zip(others) {
        text.push(separator);
        text.push_str(other);
    }
    if text.is_empty() {
        text.push('/');
    }
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

/// Returns the raw value of a parameter, if it has this name.
///
/// The name is compared decoded, as the inner service would read it.
fn value_of<'a>(name: &str, parameter: &'a str) -> Option<&'a str> {
    let (its_name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    percent_decode(its_name.as_bytes())
        .eq(name.bytes())
        .then_some(value)
}

fn presented(value: &[u8], max_len: usize) -> Result<Presented<'_>, AuthErrorKind> {
    if !value.contains(&b'%') {
        return Ok(Presented::AsSent(value));
    }
    if value.len() > max_len.saturating_mul(3) {
        return Err(AuthErrorKind::TooLong);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(value.len()));
    // The decoder yields single bytes, so all copies of the token are in memory that is wiped.
    bytes.extend(percent_decode(value));
    Ok(Presented::Decoded(bytes))
}
