//! Files that hold secrets: opened without hanging, with who may get at them, read with a bound.

mod exposure;
mod read;

#[cfg(not(all(unix, not(portable_only))))]
mod portable;
#[cfg(all(unix, not(portable_only)))]
mod unix;

pub(crate) use self::exposure::Exposure;
#[cfg(not(all(unix, not(portable_only))))]
pub(crate) use self::portable::{exposure, open};
pub(crate) use self::read::{Bytes, read};
#[cfg(all(unix, not(portable_only)))]
pub(crate) use self::unix::{exposure, open};
