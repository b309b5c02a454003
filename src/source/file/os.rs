//! The watch of this operating system, or its portable twin, which only polls.

#[cfg(not(all(unix, not(portable_only))))]
pub(crate) use super::portable::Watch;
#[cfg(all(unix, not(portable_only)))]
pub(crate) use super::unix::Watch;
