//! The trial of each host: a server that knows the current key, and callers that never pause.

mod grpc;
mod load;
mod lock;
mod upstream;

#[cfg(any(feature = "otlp-grpc", feature = "tonic-client"))]
pub(crate) use self::grpc::grpc_answer;
pub(crate) use self::load::{Tally, under_load};
pub(crate) use self::lock::version_of;
use self::upstream::Keys;
#[cfg(feature = "tonic-server")]
pub(crate) use self::upstream::token;
pub(crate) use self::upstream::{Rotation, Upstream};

/// The error of a trial or of one of its calls.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;
