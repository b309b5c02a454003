//! The inbound half: only callers with a valid key, from a set that can change at any moment.

mod basic;
mod challenge;
mod decode;
mod extract;
mod format;
mod query;
mod refusal;
mod refuser;
mod scope;
mod slot;
#[cfg_attr(not(test), expect(dead_code, reason = "used by the layer"))]
mod strip;
mod token;
mod websocket;

pub use self::challenge::InvalidChallenge;
pub use self::format::Format;
pub use self::refusal::Refusal;
pub use self::refuser::Refuser;
pub use self::scope::{InvalidScope, Scope, Scopes};
pub use self::slot::{InvalidSlots, Slot, Slots};
pub use self::token::Token;
