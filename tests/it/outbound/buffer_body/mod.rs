//! Bodies that stream, and can still be sent twice.

mod alone;
mod layered;
mod wire;
