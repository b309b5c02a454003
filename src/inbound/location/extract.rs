//! Extraction of the one token of a request.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use http::{HeaderValue, Uri};

use super::content::{Absent, LocationContent, Presented, trim};
use super::key_location::KeyLocation;
use super::key_locations::KeyLocations;
use super::token::Token;
use super::{basic, query, websocket};
use crate::inbound::auth_error::{AuthError, AuthErrorKind};
use crate::syntax::tchar::is_tchar;

impl KeyLocations {
    /// Returns the token of a request.
    ///
    /// This method reads every location, so that no later part of the server can find a token that
    /// it did not judge. No location is a fallback for another. The same token in several locations
    /// is one token. An empty location counts as absent, and so does an `Authorization` header with
    /// a scheme that is not enabled, such as a proxy's own.
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    ///
    /// - [`Missing`](AuthErrorKind::Missing),
    ///   [`UnsupportedScheme`](AuthErrorKind::UnsupportedScheme) or [`Empty`](AuthErrorKind::Empty)
    ///   if the request has no token;
    /// - [`Duplicate`](AuthErrorKind::Duplicate) if one location holds two tokens, even if they are
    ///   equal;
    /// - [`Conflict`](AuthErrorKind::Conflict) if two locations hold different tokens;
    /// - [`TooLong`](AuthErrorKind::TooLong) or [`Malformed`](AuthErrorKind::Malformed) if the
    ///   content of a location cannot be a token.
    pub fn extract<'a>(
        &self,
        headers: &'a HeaderMap,
        uri: &'a Uri,
    ) -> Result<Token<'a>, AuthError> {
        self.find(headers, uri).map_err(AuthError::from)
    }

    fn find<'a>(&self, headers: &'a HeaderMap, uri: &'a Uri) -> Result<Token<'a>, AuthErrorKind> {
        let mut absent = Absent::Missing;
        let mut presented: Option<(usize, Result<Presented<'a>, AuthErrorKind>)> = None;
        let mut conflict = false;
        for (n, location) in self.as_slice().iter().enumerate() {
            match (read(location, headers, uri, self.max_token_len), &presented) {
                (LocationContent::Twice, _) => return Err(AuthErrorKind::Duplicate),
                (LocationContent::Absent(reason), _) => absent = absent.max(reason),
                (LocationContent::Presented(found), None) => presented = Some((n, found)),
                (LocationContent::Presented(found), Some((_, first))) => {
                    conflict |= !same(first, &found);
                }
            }
        }
        if conflict {
            return Err(AuthErrorKind::Conflict);
        }
        let (index, bytes) = presented.ok_or(match absent {
            Absent::Missing => AuthErrorKind::Missing,
            Absent::OtherScheme => AuthErrorKind::UnsupportedScheme,
            Absent::Empty => AuthErrorKind::Empty,
        })?;
        Token::checked(bytes?, index, self.max_token_len)
    }
}

/// Compares two tokens. Both come from the same client, so the time need not be constant.
fn same(
    first: &Result<Presented<'_>, AuthErrorKind>,
    second: &Result<Presented<'_>, AuthErrorKind>,
) -> bool {
    match (first, second) {
        (Ok(first), Ok(second)) => first.as_slice() == second.as_slice(),
        _ => false,
    }
}

fn read<'a>(
    location: &KeyLocation,
    headers: &'a HeaderMap,
    uri: &'a Uri,
    max_len: usize,
) -> LocationContent<'a> {
    match location {
        KeyLocation::Bearer => single(headers, &AUTHORIZATION, |line| credentials(line, "Bearer")),
        KeyLocation::Basic => {
            match single(headers, &AUTHORIZATION, |line| credentials(line, "Basic")) {
                LocationContent::Presented(Ok(encoded)) => {
                    basic::decode(encoded.as_slice(), max_len)
                }
                found => found,
            }
        }
        KeyLocation::Header(name) => single(headers, name, |token| {
            LocationContent::Presented(Ok(Presented::AsSent(token)))
        }),
        KeyLocation::Query(name) => query::read(name, uri, max_len),
        KeyLocation::WebSocketProtocol => websocket::read(headers, max_len),
    }
}

/// Reads the only line of a header, without white space around it, which HTTP/2 does not trim.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    read: impl FnOnce(&'a [u8]) -> LocationContent<'a>,
) -> LocationContent<'a> {
    let mut lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    match (lines.next().map(trim), lines.next()) {
        (None, _) => LocationContent::Absent(Absent::Missing),
        (Some(_), Some(_)) => LocationContent::Twice,
        (Some(b""), None) => LocationContent::Absent(Absent::Empty),
        (Some(line), None) => read(line),
    }
}

/// Splits `auth-scheme 1*SP token` ([RFC 9110
/// §11.4](https://www.rfc-editor.org/rfc/rfc9110#section-11.4)).
fn credentials<'a>(line: &'a [u8], scheme: &str) -> LocationContent<'a> {
    let end = line.iter().position(|byte| !is_tchar(*byte));
    let (name, rest) = line.split_at(end.unwrap_or(line.len()));
    if !name.eq_ignore_ascii_case(scheme.as_bytes()) {
        return LocationContent::Absent(Absent::OtherScheme);
    }
    match rest.iter().position(|byte| *byte != b' ') {
        None => LocationContent::Absent(Absent::Empty),
        Some(0) => LocationContent::Presented(Err(AuthErrorKind::Malformed)),
        Some(start) => LocationContent::Presented(Ok(Presented::AsSent(&rest[start..]))),
    }
}
