//! The locations of tokens in a request: reads them, and removes them.

mod basic;
mod content;
mod extract;
mod key_location;
mod key_locations;
mod query;
mod strip;
mod token;
mod websocket;

pub use self::key_location::KeyLocation;
pub use self::key_locations::KeyLocations;
pub(crate) use self::strip::strip_identity;
pub use self::token::Token;
pub(crate) use self::token::is_b64token;
pub(crate) use self::websocket::strip as strip_protocols;
