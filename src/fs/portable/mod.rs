//! What every system can do.

mod open;
mod owner;

pub(crate) use self::open::{exposure, open};
pub(crate) use self::owner::{
    give, give_as_far_as_allowed, give_to_readers_of, is_at, private, sync_folder,
};
