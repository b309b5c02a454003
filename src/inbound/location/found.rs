//! What one location holds.

use super::token::Presented;
use crate::inbound::auth_error::AuthError;

/// What one slot holds.
pub(crate) enum Found<'a> {
    Absent(Absent),
    Twice,
    /// Something was presented, if only something that cannot be decoded.
    Presented(Result<Presented<'a>, AuthError>),
}

/// Why there is nothing, from the least telling reason to the most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Absent {
    Missing,
    OtherScheme,
    Empty,
}

pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
