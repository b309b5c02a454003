//! Why routes do not make a table.

use std::error::Error;
use std::fmt;

/// Why routes do not make a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidRoutes {
    /// There are none: no request would be given a key.
    Empty,
    /// Two are for the same place.
    Twice {
        /// The place, as [`Route`](crate::outbound::Route) writes it.
        place: Box<str>,
        /// Which of the routes is the first one for it; the first of all is 0.
        first: usize,
        /// Which one is the second.
        second: usize,
    },
}

impl fmt::Display for InvalidRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there are no routes: no request would be given a key"),
            Self::Twice {
                place,
                first,
                second,
            } => write!(f, "routes {first} and {second} are both for {place}"),
        }
    }
}

impl Error for InvalidRoutes {}
