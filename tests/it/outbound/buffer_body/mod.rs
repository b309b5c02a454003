//! Bodies that stream, and can be sent twice all the same.

mod alone;
mod layered;
