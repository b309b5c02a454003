//! The format of a key that is made here: `<prefix>_<id:12>_<secret:43><checksum:6>`, in digits of base 62.
//!
//! All but the prefix has a fixed length, and a token is read from its end: a prefix with a `_` in it is no trouble.

mod checksum;
mod digits;
mod error;
mod new_key;
mod parsed;
mod prefix;

pub use self::error::{TokenError, TokenErrorKind};
pub use self::new_key::NewKey;
pub use self::parsed::ParsedToken;
pub use self::prefix::Prefix;

/// The digits, by their values.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 71 bits.
const ID: usize = 12;
/// 43 digits of base 62 are 256 bits.
const SECRET: usize = 43;
/// 6 digits of base 62 hold a CRC-32.
const CHECKSUM: usize = 6;
/// What follows the prefix.
const TAIL: usize = 1 + ID + 1 + SECRET + CHECKSUM;
