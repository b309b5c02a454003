//! What closing entries say about the other spellings of a path.

use http::Method;

use super::entry::{PatternKind, PolicyEntry};
use super::route_policy::RoutePolicy;
use super::template::Template;
use crate::syntax::reading::{Reading, has_one_spelling};

/// Which kinds of closing entries there are, so that few requests need a second look.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Closing {
    any: bool,
    templates: bool,
    /// Entries whose own path has other spellings.
    spelled: bool,
}

impl Closing {
    pub(crate) fn add(&mut self, entry: &PolicyEntry) {
        if !entry.access.is_open() {
            self.any = true;
            match entry.kind {
                PatternKind::Template => self.templates = true,
                PatternKind::Path => self.spelled |= !has_one_spelling(&entry.pattern),
            }
        }
    }

    /// Returns whether an entry may match the path although neither the path is listed nor the
    /// template that the router matched.
    pub(crate) fn may_match_others(self, path: &str, is_found: bool) -> bool {
        self.any && (self.spelled || !has_one_spelling(path) || self.templates && !is_found)
    }
}

impl RoutePolicy {
    /// Returns the entries that close a route that the path may be read as.
    pub(crate) fn closing_entries(
        &self,
        method: &Method,
        path: &str,
        template: Option<&str>,
    ) -> Vec<&PolicyEntry> {
        let reading = Reading::of(path);
        let may_be = |entry: &&PolicyEntry| reading.may_be(&entry.segments);
        let closes = |entry: &&PolicyEntry| !entry.access.is_open() && self.is_for(entry, method);
        if !reading.is_whole() {
            let all = self.entries().filter(may_be).filter(closes);
            return all.collect();
        }
        let paths: Vec<_> = self.paths.iter().filter(may_be).filter(closes).collect();
        // As for plain paths, an entry for a path takes precedence.
        if !paths.is_empty() || self.paths.find(method, path).is_some() {
            return paths;
        }
        let best = self.most_specific(&reading, template);
        best.into_iter().filter(closes).collect()
    }

    /// Returns the entries for the template that a router would choose, which does not look at
    /// methods; none if the router's own choice is better.
    fn most_specific(&self, reading: &Reading, template: Option<&str>) -> Vec<&PolicyEntry> {
        let matched = template
            .and_then(Template::parse)
            .filter(|matched| reading.may_be(&matched.segments()));
        let mut best = matched;
        let mut entries = vec![];
        for entry in self.templates.iter() {
            let Some(parsed) = Template::parse(&entry.pattern) else {
                continue;
            };
            if !reading.may_be(&entry.segments) {
                continue;
            }
            let order = best.as_ref().map(|best| parsed.cmp_specificity(best));
            if order.is_none_or(std::cmp::Ordering::is_gt) {
                best = Some(parsed);
                entries = vec![entry];
            } else if order.is_some_and(std::cmp::Ordering::is_eq) && !entries.is_empty() {
                entries.push(entry);
            }
        }
        entries
    }

    /// Returns whether an entry is for this method. One for `GET` is for `HEAD`, too, unless `HEAD`
    /// has an entry of its own.
    fn is_for(&self, entry: &PolicyEntry, method: &Method) -> bool {
        let is_same_for_head = |other: &PolicyEntry| {
            other.method == Method::HEAD
                && other.kind == entry.kind
                && other.segments == entry.segments
        };
        entry.method == *method
            || (*method == Method::HEAD
                && entry.method == Method::GET
                && !self.entries().any(is_same_for_head))
    }
}
