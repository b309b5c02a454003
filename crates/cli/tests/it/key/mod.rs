//! `rotating-auth key`: the built program, with files and pipes.

mod audit;
mod changes;
mod errors;
#[cfg(unix)]
mod io_errors;
mod leaked;
mod output;
mod program;
mod show;
#[cfg(unix)]
mod transcript;
