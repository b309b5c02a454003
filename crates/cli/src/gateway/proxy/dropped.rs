//! Reports of dropped headers: each name once, since a client may send it with every request.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use http::HeaderName;

use super::headers::{Direction, Dropped};
use crate::output;

/// Limit of names to remember. Clients choose them, so there is no end of them.
const NAMES: usize = 256;
/// Limit of a name's length in a report.
const LENGTH: usize = 64;

/// The names that were reported.
#[derive(Debug, Default)]
pub(crate) struct Reports(Mutex<HashSet<(Direction, HeaderName)>>);

impl Reports {
    pub(crate) fn add(&self, direction: Direction, dropped: Vec<Dropped>) {
        for Dropped { name, what } in dropped {
            if self.is_news(direction, &name) {
                let (sent, option) = match direction {
                    Direction::Request => ("request", "--keep-request-header"),
                    Direction::Response => ("response", "--keep-response-header"),
                };
                let name = name.as_str();
                let name = name.get(..LENGTH).unwrap_or(name);
                output::say(format_args!(
                    "dropped {sent} header {name}: {what} ({option} lets a header pass)"
                ));
            }
        }
    }

    fn is_news(&self, direction: Direction, name: &HeaderName) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.len() < NAMES && known.insert((direction, name.clone()))
    }
}
