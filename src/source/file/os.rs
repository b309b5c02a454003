//! The parts that need this operating system, or their portable twins.

#[cfg(not(all(unix, not(portable_only))))]
pub(crate) use super::portable::{Signature, Watch, pinned};
#[cfg(all(unix, not(portable_only)))]
pub(crate) use super::unix::{Signature, Watch, pinned};
