//! `key`, as its users have it: the built program, with files and pipes.

mod changes;
mod program;
mod refusals;
mod sights;
#[cfg(unix)]
mod transcript;
#[cfg(unix)]
mod trouble;
