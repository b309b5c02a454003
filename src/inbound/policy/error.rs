//! What is wrong with policies.

use std::error::Error;
use std::fmt;

use http::Method;

use super::audit::AuditedRoute;
use super::entry::PolicyEntry;

/// Why an entry is not taken into the policies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidPolicy {
    /// Its path does not begin with a slash, or could be read in more than one way: no request would
    /// ever be exempt by it.
    NotAPath(PolicyEntry),
    /// Its path has parameters, which are taken literally there: the `…_template` methods are for those.
    Template(PolicyEntry),
    /// Its template does not begin with a slash, or its braces do not match.
    NotATemplate(PolicyEntry),
    /// An earlier entry says something else of the same route.
    Contradiction {
        /// The entry that was not taken.
        entry: PolicyEntry,
        /// The one that was there.
        earlier: Box<PolicyEntry>,
    },
}

impl fmt::Display for InvalidPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPath(entry) => write!(
                f,
                "{entry}: a path begins with a slash and has nothing that could be read in another way"
            ),
            Self::Template(entry) => write!(
                f,
                "{entry}: a path is taken literally; list what has parameters as a template"
            ),
            Self::NotATemplate(entry) => {
                write!(f, "{entry}: not a template such as /models/{{id}}")
            }
            Self::Contradiction { entry, earlier } => {
                write!(f, "{entry}: contradicts {earlier}")
            }
        }
    }
}

impl Error for InvalidPolicy {}

/// Why an application's routes do not pass the [audit](crate::inbound::policy::RoutePolicy::audit).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditError {
    /// What was given as a route is none.
    NotARoute {
        /// Its method.
        method: Method,
        /// What stands for its path.
        path: Box<str>,
    },
    /// These entries are for no route: a typo, or a route that is gone.
    NoSuchRoute(Vec<PolicyEntry>),
    /// These routes are served without a key.
    Open(Vec<AuditedRoute>),
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARoute { method, path } => {
                write!(f, "not a route: {method} {}", path.escape_debug())
            }
            Self::NoSuchRoute(entries) => {
                f.write_str("no route for ")?;
                each(f, entries)
            }
            Self::Open(routes) => {
                f.write_str("served without a key: ")?;
                each(f, routes)
            }
        }
    }
}

fn each(f: &mut fmt::Formatter<'_>, items: &[impl fmt::Display]) -> fmt::Result {
    for (n, item) in items.iter().enumerate() {
        let comma = if n == 0 { "" } else { "; " };
        write!(f, "{comma}{item}")?;
    }
    Ok(())
}

impl Error for AuditError {}
