//! Refused requests: the response, the event, and the limit on events.

mod recent_uses;
mod refusals;
mod request_head;

pub(crate) use self::refusals::Refusals;
pub(crate) use self::request_head::RequestHead;
