//! Which key goes where.

use super::invalid_routes::InvalidRoutes;
use std::sync::{Arc, Once};

use super::origin;
use super::origin::Origin;
use super::route::{Route, Verdict};
use crate::outbound::adapter::{Place, Target, Written};
use crate::outbound::credential::Credential;
use crate::rotating::Rotating;

/// Every key of a layer and where it goes; what is not in it is given none.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    /// Where a request without an origin of its own goes.
    assumed: Option<Origin>,
    told: Arc<Once>,
}

#[derive(Clone, Debug)]
enum Entry {
    /// The longest prefix first, so that the first one found is the most particular.
    Route(Route),
    /// Any origin, in clear text only on loopback.
    AnySafe(Rotating<Credential>),
}

/// Which of a table's entries: what a request keeps of the one that its key is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Index(usize);

impl Table {
    pub(crate) fn any_safe(key: Rotating<Credential>) -> Self {
        Self {
            entries: vec![Entry::AnySafe(key)],
            assumed: None,
            told: Arc::new(Once::new()),
        }
    }

    pub(crate) fn whole(origin: Origin, key: Rotating<Credential>) -> Self {
        Self {
            entries: vec![Entry::Route(Route::whole(origin, key))],
            assumed: None,
            told: Arc::new(Once::new()),
        }
    }

    pub(crate) fn of(routes: Vec<Route>) -> Result<Self, InvalidRoutes> {
        if routes.is_empty() {
            return Err(InvalidRoutes::Empty);
        }
        for (second, route) in routes.iter().enumerate() {
            let mut earlier = routes[..second].iter();
            if let Some(first) = earlier.position(|other| other.is_for_the_same_as(route)) {
                let place = route.to_string().into();
                return Err(InvalidRoutes::Twice {
                    place,
                    first,
                    second,
                });
            }
        }
        let mut routes = routes;
        routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        Ok(Self {
            entries: routes.into_iter().map(Entry::Route).collect(),
            assumed: None,
            told: Arc::new(Once::new()),
        })
    }

    pub(crate) fn assume(&mut self, origin: Origin) {
        self.assumed = Some(origin);
        self.told = Arc::new(Once::new());
    }

    fn entry(&self, Index(index): Index) -> &Entry {
        &self.entries[index]
    }

    pub(crate) fn key(&self, index: Index) -> &Rotating<Credential> {
        match self.entry(index) {
            Entry::Route(route) => &route.key,
            Entry::AnySafe(key) => key,
        }
    }

    /// The entry whose key a request to `target` is given.
    pub(crate) fn find(&self, target: Target<'_>) -> Option<Index> {
        let found = self.find_place(target)?;
        let is_meant = target.host().is_none_or(|host| match self.entry(found) {
            Entry::Route(route) => route.origin.is_named_by(host),
            Entry::AnySafe(_) => true,
        });
        is_meant.then_some(found)
    }

    fn find_place(&self, target: Target<'_>) -> Option<Index> {
        if let Written::Uri(uri) = target.written() {
            let found = self.first(uri.path(), |origin| origin.is_written_in(uri), || false);
            if found.is_some() {
                return found;
            }
        }
        match target.place() {
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
                    self.tell_that_there_is_no_origin();
                    return None;
                };
                self.first(path, |origin| origin == assumed, || assumed.is_safe())
            }
            Place::Nowhere => None,
        }
    }

    fn is_for(&self, assumed: &Origin) -> bool {
        self.entries.iter().any(|entry| match entry {
            Entry::Route(route) => route.origin == *assumed,
            Entry::AnySafe(_) => true,
        })
    }

    /// Once: as it is with the first of these requests, it is with all of them.
    fn tell_that_there_is_no_origin(&self) {
        self.told.call_once(|| {
            tracing::warn!(
                assumed = self.assumed.as_ref().map(tracing::field::display),
                "requests have a path and no origin, and go out without a key: say by assume_origin which of the origins \
                 that have a key they go to"
            );
        });
    }

    fn first(
        &self,
        path: &str,
        is_origin: impl Fn(&Origin) -> bool,
        is_safe: impl Fn() -> bool,
    ) -> Option<Index> {
        for (index, entry) in self.entries.iter().enumerate() {
            let verdict = match entry {
                Entry::Route(route) if is_origin(&route.origin) => route.prefix.judge(path),
                Entry::AnySafe(_) if is_safe() => Verdict::Under,
                _ => Verdict::Beside,
            };
            match verdict {
                Verdict::Under => return Some(Index(index)),
                Verdict::Beside => {}
                Verdict::Unclear => return None,
            }
        }
        None
    }
}
