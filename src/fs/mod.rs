//! Files that hold secrets: opened without hanging, with who may get at them, read with a bound.

mod exposure;
mod lock;
mod place;
mod read;
mod replace;

#[cfg(not(all(unix, not(portable_only))))]
mod portable;
#[cfg(all(unix, not(portable_only)))]
mod unix;

#[cfg(not(all(unix, not(portable_only))))]
use self::portable as os;
#[cfg(all(unix, not(portable_only)))]
use self::unix as os;

pub(crate) use self::exposure::Exposure;
pub(crate) use self::lock::Lock;
pub(crate) use self::os::{exposure, give, open, private};
pub(crate) use self::place::Place;
pub(crate) use self::read::{Bytes, read};
pub(crate) use self::replace::{Readers, Step, replace, sync_folder};
