//! Bodies that end with the client's key, in both directions.

mod guard;
mod guarded_body;
mod key_ended;
mod request_body;
mod watched;

pub(crate) use self::guard::KeyGuard;
pub use self::guarded_body::GuardedBody;
pub use self::key_ended::KeyEndedError;
pub use self::request_body::RequestBody;
