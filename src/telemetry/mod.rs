//! Metrics, and rate limits.

#[cfg(any(feature = "audit", feature = "inbound"))]
mod log_limiter;
pub(crate) mod meter;
mod token_bucket;

#[cfg(any(feature = "audit", feature = "inbound"))]
pub(crate) use self::log_limiter::{LogLimiter, Permit};
pub(crate) use self::token_bucket::TokenBucket;
