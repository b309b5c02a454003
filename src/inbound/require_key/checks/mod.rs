//! Checks of a request besides its key: its channel, its address, a second factor.

mod question;
mod restrictions;
mod secure_only;

pub(crate) use self::question::Question;
