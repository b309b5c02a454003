//! Values that the layer has removed from a request, for another layer further in.

use std::fmt;

use http::Uri;
use http::header::{HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL};

use crate::inbound::location::strip_protocols;

/// The headers and the URI that held a key, where handlers cannot read them.
///
/// A layer inside of another one reads the key here, and so checks it by its own rules.
#[derive(Clone)]
pub(crate) struct Hidden {
    first: Option<(HeaderName, HeaderValue)>,
    /// In a box: nearly all requests have their key in one header.
    rest: Option<Box<Rest>>,
}

#[derive(Clone, Default)]
struct Rest {
    others: Vec<(HeaderName, HeaderValue)>,
    /// All offered subprotocols of WebSocket, if a key was among them.
    protocols: Vec<HeaderValue>,
    uri: Option<Uri>,
}

impl Hidden {
    pub(crate) const NOTHING: Self = Self {
        first: None,
        rest: None,
    };

    /// Removes a header, and keeps all of its lines.
    pub(crate) fn hide(&mut self, headers: &mut HeaderMap, name: &HeaderName) {
        let mut lines = headers.get_all(name).iter();
        if lines.next().is_none() {
            return;
        }
        let mut others: Vec<_> = lines.map(|line| (name.clone(), line.clone())).collect();
        let first = headers.remove(name).map(|line| (name.clone(), line));
        match &self.first {
            None => self.first = first,
            Some(_) => others.extend(first),
        }
        if !others.is_empty() {
            self.rest().others.extend(others);
        }
    }

    /// Removes keys from the subprotocols of WebSocket.
    pub(crate) fn hide_protocols(&mut self, headers: &mut HeaderMap) {
        if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
            return;
        }
        let lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
        let before: Vec<_> = lines.cloned().collect();
        strip_protocols(headers);
        if !headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().eq(&before) {
            self.rest().protocols = before;
        }
    }

    pub(crate) fn hide_uri(&mut self, uri: Uri) {
        self.rest().uri = Some(uri);
    }

    /// Adds what a layer further out has removed.
    pub(crate) fn and(mut self, outer: &Self) -> Self {
        let rest = self.rest();
        rest.others.extend(outer.lines().cloned());
        if let Some(outer) = &outer.rest {
            if !outer.protocols.is_empty() {
                rest.protocols.clone_from(&outer.protocols);
            }
            if outer.uri.is_some() {
                rest.uri.clone_from(&outer.uri);
            }
        }
        self
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.first.is_none() && self.rest.is_none()
    }

    /// Returns the headers and the URI of a request as the client sent them.
    ///
    /// A header that somebody has set in between stays as it is.
    pub(crate) fn restored(&self, headers: &HeaderMap, uri: &Uri) -> (HeaderMap, Uri) {
        let mut restored = headers.clone();
        for (name, line) in self.lines() {
            if !headers.contains_key(name) {
                restored.append(name, line.clone());
            }
        }
        let Some(rest) = &self.rest else {
            return (restored, uri.clone());
        };
        if !rest.protocols.is_empty() {
            restored.remove(SEC_WEBSOCKET_PROTOCOL);
        }
        for line in &rest.protocols {
            restored.append(SEC_WEBSOCKET_PROTOCOL, line.clone());
        }
        (restored, rest.uri.as_ref().unwrap_or(uri).clone())
    }

    fn lines(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        let others = self.rest.iter().flat_map(|rest| &rest.others);
        self.first.iter().chain(others)
    }

    fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden([REDACTED])")
    }
}
