//! A table of entries.

use http::Method;

use super::access::Access;
use super::entry::PolicyEntry;

/// The entries of one kind, sorted by pattern.
///
/// A look-up is a binary search. It borrows its keys, which a hash map keyed by method and pattern
/// could not do without an allocation for each request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table(Vec<PolicyEntry>);

impl Table {
    /// Returns the access rule for a request.
    ///
    /// axum and other routers serve `HEAD` with the handler for `GET`. An entry for `GET` therefore
    /// also matches `HEAD`, unless `HEAD` has an entry of its own.
    pub(crate) fn find(&self, method: &Method, text: &str) -> Option<&Access> {
        let entry = match self.exactly(method, text) {
            None if method == Method::HEAD => self.exactly(&Method::GET, text),
            entry => entry,
        };
        entry.map(PolicyEntry::access)
    }

    /// Returns the entry for exactly this method.
    pub(crate) fn exactly(&self, method: &Method, text: &str) -> Option<&PolicyEntry> {
        let first = self.0.partition_point(|entry| *entry.pattern < *text);
        self.0[first..]
            .iter()
            .take_while(|entry| *entry.pattern == *text)
            .find(|entry| entry.method == *method)
    }

    /// Adds an entry whose method and pattern are new.
    pub(crate) fn insert(&mut self, entry: PolicyEntry) {
        let place = self
            .0
            .partition_point(|other| other.pattern <= entry.pattern);
        self.0.insert(place, entry);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &PolicyEntry> {
        self.0.iter()
    }
}
