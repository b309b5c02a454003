//! What a key file and a key ring keep of clients and their keys.

mod client;
mod key;

pub use self::client::{ClientEntry, ClientState};
pub use self::key::KeyEntry;
pub(crate) use self::key::earlier;
