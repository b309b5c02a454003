//! What closing entries say about the other spellings of a path.

use std::cmp::Ordering;

use http::Method;

use super::entry::{PatternKind, PolicyEntry};
use super::table::Table;
use super::template::Template;
use crate::syntax::reading::{Reading, has_one_spelling};

/// Returns whether somebody may read a segment of the path as `.` or `..`.
///
/// Whoever forwards a path below another one refuses such a path, since it could leave that. It
/// looks through the escapes, parameters and backslashes that a [`RoutePolicy`](super::RoutePolicy)
/// looks through, and is true for a path that readers may decode in different ways: with a
/// malformed escape, with one of another text than UTF-8, or escaped more than four times.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::inbound::policy::has_dot_segment;
///
/// assert!(has_dot_segment("/v1/../admin"));
/// assert!(has_dot_segment("/v1/%252e%252e;x=y/admin"));
/// assert!(has_dot_segment("/v1/%c0%ae%c0%ae/admin"));
/// assert!(!has_dot_segment("/v1/models/a.b"));
/// ```
#[must_use]
pub fn has_dot_segment(path: &str) -> bool {
    // Nearly all paths have no other spelling, and need no reading: 100 instructions, not 3,100.
    !has_one_spelling(path) && Reading::of(path).has_dot_segment()
}

/// Which kinds of closing entries there are, so that few requests need a second look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// Returns the entries that close a route that the path may be read as.
pub(crate) fn closing_entries<'a>(
    [paths, templates]: [&'a Table; 2],
    method: &Method,
    path: &str,
    template: Option<&str>,
) -> Vec<&'a PolicyEntry> {
    let reading = Reading::of(path);
    let may_be = |entry: &&PolicyEntry| reading.may_be(&entry.segments);
    let closes_in = |table: &Table, entry: &PolicyEntry| {
        !entry.access.is_open() && is_for(table, entry, method)
    };
    let closing_paths = paths
        .iter()
        .filter(may_be)
        .filter(|entry| closes_in(paths, entry));
    let closing_paths: Vec<_> = closing_paths.collect();
    let closes = |entry: &&PolicyEntry| closes_in(templates, entry);
    if !reading.is_whole() {
        let closing_templates = templates.iter().filter(may_be).filter(closes);
        return closing_paths.into_iter().chain(closing_templates).collect();
    }
    // As for plain paths, an entry for a path takes precedence.
    if !closing_paths.is_empty() || paths.find(method, path).is_some() {
        return closing_paths;
    }
    let best = most_specific(templates, &reading, template);
    best.into_iter().filter(closes).collect()
}

/// Returns the entries for the template that a router would choose, which does not look at methods;
/// none if the router's own choice is better.
fn most_specific<'a>(
    templates: &'a Table,
    reading: &Reading,
    matched: Option<&str>,
) -> Vec<&'a PolicyEntry> {
    let matched = matched
        .and_then(Template::parse)
        .filter(|matched| reading.may_be(&matched.segments()));
    let mut best = matched;
    let mut entries = vec![];
    for entry in templates.iter() {
        let Some(parsed) = Template::parse(&entry.pattern) else {
            continue;
        };
        if !reading.may_be(&entry.segments) {
            continue;
        }
        match best.as_ref().map(|best| parsed.cmp_specificity(best)) {
            None | Some(Ordering::Greater) => {
                best = Some(parsed);
                entries = vec![entry];
            }
            Some(Ordering::Equal) if !entries.is_empty() => entries.push(entry),
            Some(_) => {}
        }
    }
    entries
}

/// Returns whether an entry is for this method. One for `GET` is for `HEAD`, too, unless `HEAD` has
/// an entry of its own.
fn is_for(table: &Table, entry: &PolicyEntry, method: &Method) -> bool {
    let is_own_of_head =
        |other: &PolicyEntry| other.method == Method::HEAD && other.segments == entry.segments;
    entry.method == *method
        || (*method == Method::HEAD
            && entry.method == Method::GET
            && !table.iter().any(is_own_of_head))
}
