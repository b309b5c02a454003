//! What arrives, over sockets, of a request that is rejected at any moment of its upload: all of it, byte for byte and
//! framed as it was, or the caller is given the rejection.

mod call;
mod h1;
mod h2;
mod leak;
mod memory;
mod property;
mod race;
mod server;
mod table;
mod trial;
