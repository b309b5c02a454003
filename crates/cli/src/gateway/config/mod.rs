//! The configuration of a gateway: options, environment variables and a file, checked against each
//! other, as typed settings.
//!
//! The definitions of the options are those of the file's fields, too.

mod change;
mod document;
mod error;
mod explain;
mod fields;
mod from_args;
mod load;
mod schema;
mod settings;

pub(crate) use self::change::{ClientKeysChange, Judged, judge};
pub(crate) use self::document::Document;
pub(crate) use self::error::{ConfigError, ConfigErrorKind};
pub(crate) use self::explain::explain;
pub(crate) use self::load::{Loaded, load};
pub(crate) use self::schema::schema;
pub(crate) use self::settings::{Limits, Server, Settings};
