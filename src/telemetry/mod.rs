//! Metrics, and a rate limit for events.

#[cfg(any(feature = "audit", feature = "inbound"))]
mod log_limiter;
pub(crate) mod meter;
#[cfg(any(feature = "inbound", feature = "outbound"))]
mod method;

#[cfg(any(feature = "audit", feature = "inbound"))]
pub(crate) use self::log_limiter::{LogLimiter, Permit};
#[cfg(any(feature = "inbound", feature = "outbound"))]
pub(crate) use self::method::method;
