//! Rules for headers, in each direction.
//!
//! It depends on `http` alone, so that the fuzz target can include it.

mod credential;
mod direction;
mod family;
mod filter;
mod hop_by_hop;
mod strict;
mod via;

pub(crate) use self::credential::is_credential;
pub(crate) use self::direction::Direction;
pub(crate) use self::filter::{Dropped, HeaderPolicy, HeaderRules, Unknown, filter, remove_echoes};
pub(crate) use self::hop_by_hop::{belongs_to_the_connection, frames_a_body, wants_trailers};
pub(crate) use self::via::Via;
