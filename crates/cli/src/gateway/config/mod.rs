//! The configuration of a gateway: options, checked against each other, as typed settings.

mod from_args;
mod settings;

pub(crate) use self::settings::{Limits, Server, Settings};
