//! Checks of a request besides its key: its channel, its address, a second factor.

mod restrictions;
mod secure_only;
mod validation_request;

pub(crate) use self::validation_request::ValidationRequest;
