//! Rules of HTTP and gRPC that both halves share.

#[cfg(feature = "outbound")]
pub(crate) mod challenge;
pub(crate) mod grpc;
pub(crate) mod header_name;
pub(crate) mod path;
#[cfg(feature = "inbound")]
pub(crate) mod reading;
pub(crate) mod tchar;
