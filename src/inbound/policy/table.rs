//! Entries, found by what they name.

use http::Method;

use super::access::Access;
use super::entry::PolicyEntry;

/// Entries of one kind, in the order of their texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table(Vec<PolicyEntry>);

impl Table {
    /// The entry that a request falls under. axum and others answer `HEAD` by the handler for `GET`, so
    /// that what is said of `GET` is said of `HEAD`, too, unless that has an entry of its own.
    pub(crate) fn find(&self, method: &Method, text: &str) -> Option<&Access> {
        let entry = match self.exactly(method, text) {
            None if method == Method::HEAD => self.exactly(&Method::GET, text),
            entry => entry,
        };
        entry.map(PolicyEntry::access)
    }

    /// The entry for this method.
    pub(crate) fn exactly(&self, method: &Method, text: &str) -> Option<&PolicyEntry> {
        let first = self.0.partition_point(|entry| *entry.pattern < *text);
        self.0[first..]
            .iter()
            .take_while(|entry| *entry.pattern == *text)
            .find(|entry| entry.method == *method)
    }

    /// Takes an entry whose method and text are new.
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
