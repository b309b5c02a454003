//! Refused requests: the response, the event, and the limit on events.

mod recent_uses;
mod refusals;

pub(crate) use self::refusals::{Refusals, Request};
