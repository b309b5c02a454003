//! How the first attempt's body ends once there is a second one.

use std::error::Error;
use std::fmt;

/// The body has gone over to the second attempt: the error that the first attempt's
/// [`ReplayBody`](crate::outbound::replay::ReplayBody) fails with, so that its connection is closed, or its stream reset.
///
/// Nobody waits for the first attempt any more. What sees this error, such as a log of connections, finds it by
/// `downcast_ref` and need not take it for a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Superseded;

impl fmt::Display for Superseded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body has gone over to the second attempt")
    }
}

impl Error for Superseded {}
