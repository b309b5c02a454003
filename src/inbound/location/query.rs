//! The token in a query parameter.

use std::iter;

use http::Uri;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use super::found::{Absent, Found, Presented};
use crate::inbound::auth_error::AuthErrorKind;

pub(crate) fn read<'a>(name: &str, uri: &'a Uri, max_len: usize) -> Found<'a> {
    let parameters = uri.query().into_iter().flat_map(|query| query.split('&'));
    let mut values = parameters.filter_map(|parameter| value_of(name, parameter));
    match (values.next(), values.next()) {
        (None, _) => Found::Absent(Absent::Missing),
        (Some(_), Some(_)) => Found::Twice,
        (Some(""), None) => Found::Absent(Absent::Empty),
        (Some(value), None) => Found::Presented(presented(value.as_bytes(), max_len)),
    }
}

/// Takes each parameter of this name off, and leaves the others as they stand.
pub(crate) fn strip(name: &str, uri: &mut Uri) {
    let Some(query) = uri.query() else { return };
    if query
        .split('&')
        .all(|parameter| value_of(name, parameter).is_none())
    {
        return;
    }
    // It does not fail: less of a URI that is one, cut between parameters, is one, too. If it did, then
    // a request would better go nowhere than with the token.
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

/// The raw value of a parameter, if it has this name. The name is decoded, since whoever reads the query
/// after us will do so.
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
    // `percent_decode` yields byte by byte, so that no copy is left in memory that is not wiped.
    bytes.extend(percent_decode(value));
    Ok(Presented::Decoded(bytes))
}
