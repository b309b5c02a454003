//! The format of the keys that are made here: `<prefix>_<id:12>_<secret:43><checksum:6>`, in base
//! 62.
//!
//! All parts but the prefix have a fixed length. A token is parsed from its end, so that a prefix
//! may contain `_`.
//!
//! The base 62 code is our own: the secret needs uniform digits drawn from random bytes, and the
//! checksum six digits of a `u32`, which is a loop of three lines each. The CRC-32 is that of
//! `crc32fast`.

mod checksum;
mod digits;
mod new_key;
mod parsed;
mod prefix;

pub use self::new_key::NewKey;
pub use self::parsed::ParsedToken;
pub use self::prefix::Prefix;

/// The digits of base 62 in order of their value.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The length of an id: 12 digits are 71 bits.
const ID: usize = 12;
/// The length of a secret: 43 digits are 256 bits.
const SECRET: usize = 43;
/// The length of a checksum: 6 digits hold a CRC-32.
const CHECKSUM: usize = 6;
/// The length of everything after the prefix.
const TAIL: usize = 1 + ID + 1 + SECRET + CHECKSUM;
