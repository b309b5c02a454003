//! Uploads over sockets to upstreams that respond to the headers, and end the connection.

mod client;
mod envoy;
mod http1;
mod http2;
mod latency;
mod lost;
mod row;
mod server;
mod table;
