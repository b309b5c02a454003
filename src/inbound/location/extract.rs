//! One token from all slots, or the reason why there is none.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use http::{HeaderValue, Uri};

use super::found::{Absent, Found, Presented, trim};
use super::key_location::KeyLocation;
use super::key_locations::KeyLocations;
use super::token::Token;
use super::{basic, query, websocket};
use crate::inbound::auth_error::{AuthError, AuthErrorKind};
use crate::tchar::is_tchar;

impl KeyLocations {
    /// The token of a request. Every slot is read, so that no other part of a server can find a token in
    /// the request that this one did not judge: there is one decision, and no slot is a fallback for another.
    ///
    /// The same token in several slots is one token. An empty slot is one that is not there, and so is
    /// an `Authorization` of a scheme that is not asked for: a proxy's own may stand there.
    ///
    /// # Errors
    ///
    /// [`Missing`](AuthErrorKind::Missing), [`UnsupportedScheme`](AuthErrorKind::UnsupportedScheme) or [`Empty`](AuthErrorKind::Empty) when nothing is presented;
    /// [`Duplicate`](AuthErrorKind::Duplicate) when one slot is there twice, even with the same token, and [`Conflict`](AuthErrorKind::Conflict) when two
    /// slots differ; [`TooLong`](AuthErrorKind::TooLong) or [`Malformed`](AuthErrorKind::Malformed) when what is presented cannot be a token.
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
        for (n, slot) in self.as_slice().iter().enumerate() {
            match (read(slot, headers, uri, self.max_token_len), &presented) {
                (Found::Twice, _) => return Err(AuthErrorKind::Duplicate),
                (Found::Absent(why), _) => absent = absent.max(why),
                (Found::Presented(found), None) => presented = Some((n, found)),
                (Found::Presented(found), Some((_, first))) => conflict |= !same(first, &found),
            }
        }
        if conflict {
            return Err(AuthErrorKind::Conflict);
        }
        let (slot, bytes) = presented.ok_or(match absent {
            Absent::Missing => AuthErrorKind::Missing,
            Absent::OtherScheme => AuthErrorKind::UnsupportedScheme,
            Absent::Empty => AuthErrorKind::Empty,
        })?;
        Token::checked(bytes?, slot, self.max_token_len)
    }
}

/// Both are the same client's: there is no secret to keep from it by comparing in constant time.
fn same(
    first: &Result<Presented<'_>, AuthErrorKind>,
    second: &Result<Presented<'_>, AuthErrorKind>,
) -> bool {
    match (first, second) {
        (Ok(first), Ok(second)) => first.as_slice() == second.as_slice(),
        _ => false,
    }
}

fn read<'a>(slot: &KeyLocation, headers: &'a HeaderMap, uri: &'a Uri, max_len: usize) -> Found<'a> {
    match slot {
        KeyLocation::Bearer => single(headers, &AUTHORIZATION, |line| credentials(line, "Bearer")),
        KeyLocation::Basic => {
            match single(headers, &AUTHORIZATION, |line| credentials(line, "Basic")) {
                Found::Presented(Ok(encoded)) => basic::decode(encoded.as_slice(), max_len),
                found => found,
            }
        }
        KeyLocation::Header(name) => single(headers, name, |token| {
            Found::Presented(Ok(Presented::AsSent(token)))
        }),
        KeyLocation::Query(name) => query::read(name, uri, max_len),
        KeyLocation::WebSocketProtocol => websocket::read(headers, max_len),
    }
}

/// The only line of a header, without white space around it. HTTP/1 has taken that off already; HTTP/2 has not.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    read: impl FnOnce(&'a [u8]) -> Found<'a>,
) -> Found<'a> {
    let mut lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    match (lines.next().map(trim), lines.next()) {
        (None, _) => Found::Absent(Absent::Missing),
        (Some(_), Some(_)) => Found::Twice,
        (Some(b""), None) => Found::Absent(Absent::Empty),
        (Some(line), None) => read(line),
    }
}

/// Takes `auth-scheme 1*SP token` apart ([RFC 9110 §11.4](https://www.rfc-editor.org/rfc/rfc9110#section-11.4)).
fn credentials<'a>(line: &'a [u8], scheme: &str) -> Found<'a> {
    let end = line.iter().position(|byte| !is_tchar(*byte));
    let (name, rest) = line.split_at(end.unwrap_or(line.len()));
    if !name.eq_ignore_ascii_case(scheme.as_bytes()) {
        return Found::Absent(Absent::OtherScheme);
    }
    match rest.iter().position(|byte| *byte != b' ') {
        None => Found::Absent(Absent::Empty),
        Some(0) => Found::Presented(Err(AuthErrorKind::Malformed)),
        Some(start) => Found::Presented(Ok(Presented::AsSent(&rest[start..]))),
    }
}
