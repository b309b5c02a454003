//! The policy file: TOML that lists routes and what each requires.

mod read;
mod shape;
mod source;

pub use self::source::{IntoRoutePolicy, PolicySource};
