//! Metrics, and rate limits.

#[cfg(any(feature = "audit", feature = "inbound"))]
mod log_limiter;
pub(crate) mod meter;
#[cfg(any(feature = "inbound", feature = "outbound"))]
mod method;
mod token_bucket;

#[cfg(any(feature = "audit", feature = "inbound"))]
pub(crate) use self::log_limiter::{LogDecision, LogLimiter};
#[cfg(any(feature = "inbound", feature = "outbound"))]
pub(crate) use self::method::method;
pub(crate) use self::token_bucket::TokenBucket;
