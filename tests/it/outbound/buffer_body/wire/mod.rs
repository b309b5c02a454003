//! Uploads over sockets that are rejected at any moment. Either all of the request arrives, byte
//! for byte and framed as it was, or the caller gets the rejection.

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
