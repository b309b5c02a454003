//! The table of a layer's keys.

use std::sync::{Arc, Once};

use http::header::HeaderValue;
use http::uri::Authority;

use super::origin;
use super::origin::Origin;
use super::route::{Route, RouteMatch};
use crate::outbound::adapter::{Host, MethodKind, Place, Target, Written};
use crate::outbound::error::{ConfigError, ConfigErrorKind};
use crate::outbound::rotating_credential::RotatingCredential;

/// All keys of a layer, and the places that they are for.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    /// The origin of requests that name none.
    assumed: Option<Origin>,
    /// Whether a request without an origin has been logged. Shared by all clones of the layer.
    warned: Arc<Once>,
}

#[derive(Clone, Debug)]
enum Entry {
    /// Sorted by length, the longest prefix first, so that the first match is the most specific.
    Route(Route),
    /// The key for any origin, and for `http` origins only on loopback.
    AnySafe(RotatingCredential),
}

/// The index of an entry, by which a request finds its key again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Index(usize);

/// What the table has for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// The key of an entry.
    Key(Index),
    /// Nothing, although the request goes to the place of an entry: by its method or by its `Host`,
    /// the key could become known to others.
    Withheld(Index),
    /// Nothing, because servers may read the path as that of one entry or of another.
    Ambiguous,
    /// Nothing: the request goes elsewhere.
    Elsewhere,
}

impl Table {
    pub(crate) fn any_safe(key: RotatingCredential) -> Self {
        Self {
            entries: vec![Entry::AnySafe(key)],
            assumed: None,
            warned: Arc::new(Once::new()),
        }
    }

    pub(crate) fn single(route: Route) -> Self {
        Self {
            entries: vec![Entry::Route(route)],
            assumed: None,
            warned: Arc::new(Once::new()),
        }
    }

    pub(crate) fn from_routes(mut routes: Vec<Route>) -> Result<Self, ConfigError> {
        if routes.is_empty() {
            return Err(ConfigErrorKind::NoRoutes.into());
        }
        for (second, route) in routes.iter().enumerate() {
            let mut earlier = routes[..second].iter();
            if let Some(first) = earlier.position(|other| other.is_for_the_same_as(route)) {
                return Err(ConfigError::duplicate_route(route, first, second));
            }
        }
        routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        Ok(Self {
            entries: routes.into_iter().map(Entry::Route).collect(),
            assumed: None,
            warned: Arc::new(Once::new()),
        })
    }

    pub(crate) fn assume(&mut self, origin: Origin) {
        self.assumed = Some(origin);
        self.warned = Arc::new(Once::new());
    }

    fn entry(&self, Index(index): Index) -> &Entry {
        &self.entries[index]
    }

    pub(crate) fn key(&self, index: Index) -> &RotatingCredential {
        match self.entry(index) {
            Entry::Route(route) => &route.key,
            Entry::AnySafe(key) => key,
        }
    }

    /// Returns the origin of a request to `target` whose key is for any origin. For other keys,
    /// [`destination`](Self::destination) knows it.
    pub(crate) fn open_origin(&self, lookup: Lookup, target: &Target<'_>) -> Option<Origin> {
        let Lookup::Key(index) = lookup else {
            return None;
        };
        match self.entry(index) {
            Entry::Route(_) => None,
            Entry::AnySafe(_) => match target.parse() {
                Place::Absolute {
                    scheme, host, port, ..
                } => Origin::from_parts(scheme, host, port),
                Place::PathOnly { .. } => self.assumed.clone(),
                Place::Nowhere => None,
            },
        }
    }

    /// Returns the text of the place that a key is for, and its origin. For a key for any origin,
    /// that is the request's own.
    pub(crate) fn destination<'t>(
        &'t self,
        index: Index,
        open: Option<&'t Origin>,
    ) -> Option<(String, &'t Origin)> {
        match self.entry(index) {
            Entry::Route(route) => Some((route.to_string(), &route.origin)),
            Entry::AnySafe(_) => open.map(|origin| (origin.to_string(), origin)),
        }
    }

    pub(crate) fn indexes(&self) -> impl Iterator<Item = Index> + use<> {
        (0..self.entries.len()).map(Index)
    }

    /// Looks up what there is for a request to `target`.
    pub(crate) fn find(&self, target: &Target<'_>) -> Lookup {
        match self.find_place(target) {
            Lookup::Key(index) if !self.may_carry_key(target) => Lookup::Withheld(index),
            lookup => lookup,
        }
    }

    fn may_carry_key(&self, target: &Target<'_>) -> bool {
        target.method() == MethodKind::MayCarryKey
            && match target.host() {
                Host::Unset => true,
                Host::One(header) => self.names_its_host(header, target),
                Host::Several => false,
            }
    }

    /// Returns whether a `Host` header names the host that the request goes to. A server that
    /// serves both hosts goes by the header.
    fn names_its_host(&self, header: &HeaderValue, target: &Target<'_>) -> bool {
        if let Written::Uri(uri) = target.written() {
            let authority = uri.authority().map_or("", Authority::as_str);
            // Nearly every request that has the header has it like this.
            if header == authority && !authority.contains('@') {
                return true;
            }
        }
        match target.parse() {
            Place::Absolute {
                scheme, host, port, ..
            } => origin::is_named_by(header, scheme, host, port),
            Place::PathOnly { .. } => {
                let assumed = self.assumed.as_ref();
                assumed.is_some_and(|origin| origin.is_named_by(header))
            }
            Place::Nowhere => false,
        }
    }

    fn find_place(&self, target: &Target<'_>) -> Lookup {
        if let Written::Uri(uri) = target.written() {
            let found = self.first(uri.path(), |origin| origin.is_written_in(uri), || false);
            if found != Lookup::Elsewhere {
                return found;
            }
        }
        match target.parse() {
            Place::Absolute {
                scheme,
                host,
                port,
                path,
            } => {
                let is_it = |origin: &Origin| origin.matches(scheme, host, port);
                self.first(path, is_it, || origin::is_safe(scheme, host))
            }
            Place::PathOnly { path } => {
                let Some(assumed) = self.assumed.as_ref().filter(|origin| self.is_for(origin))
                else {
                    self.warn_without_origin();
                    return Lookup::Elsewhere;
                };
                self.first(path, |origin| origin == assumed, || assumed.is_safe())
            }
            Place::Nowhere => Lookup::Elsewhere,
        }
    }

    fn is_for(&self, assumed: &Origin) -> bool {
        self.entries.iter().any(|entry| match entry {
            Entry::Route(route) => route.origin == *assumed,
            Entry::AnySafe(_) => true,
        })
    }

    /// Logs a warning once, since all requests of such a client lack an origin.
    fn warn_without_origin(&self) {
        self.warned.call_once(|| {
            tracing::warn!(
                assumed = self.assumed.as_ref().map(tracing::field::display),
                "requests without an origin are sent without a key; call assume_origin with an origin that has a key"
            );
        });
    }

    fn first(
        &self,
        path: &str,
        is_origin: impl Fn(&Origin) -> bool,
        is_safe: impl Fn() -> bool,
    ) -> Lookup {
        for (index, entry) in self.entries.iter().enumerate() {
            let verdict = match entry {
                Entry::Route(route) if is_origin(&route.origin) => route.prefix.judge(path),
                Entry::AnySafe(_) if is_safe() => RouteMatch::Under,
                _ => RouteMatch::Beside,
            };
            match verdict {
                RouteMatch::Under => return Lookup::Key(Index(index)),
                RouteMatch::Beside => {}
                RouteMatch::Unclear => return Lookup::Ambiguous,
            }
        }
        Lookup::Elsewhere
    }
}
