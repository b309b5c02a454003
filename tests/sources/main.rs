//! Sources against real servers, over sockets and in real time.
//!
//! `.ci/run` runs these tests, with what `tests/sources/install` installs. A test whose server is
//! absent prints a line that starts with `skipped:`. These variables set them up:
//!
//! - `BAO`: the program of OpenBao.
//! - `POSTGRES_BIN`: the folder of the programs of PostgreSQL.
//! - `OIDC_MODULES`: a folder of Node.js modules with `oidc-provider`.
//! - `TOKEN_LIFETIME`: how long tokens are good for, in seconds. Defaults to 4.
//! - `TOKEN_SECONDS`: how long tokens are used under load, in seconds. Defaults to 15.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod bao;
mod dynamic;
mod oidc;
mod process;
mod vault;
mod writers;
