//! What each host is tried with: a server that knows the current key, and callers who never pause.

mod grpc;
mod load;
mod lock;
mod upstream;

#[cfg(feature = "otlp-grpc")]
pub(crate) use self::grpc::grpc_answer;
pub(crate) use self::load::{Tally, under_load};
pub(crate) use self::lock::version_of;
use self::upstream::Keys;
pub(crate) use self::upstream::{Rotation, Upstream};

/// Why a trial, or a call of it, has failed.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;
