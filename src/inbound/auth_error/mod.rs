//! Why a request is refused, and what the client is told.

mod challenge;
mod error;
mod format;
mod response;

pub use self::challenge::InvalidChallenge;
pub use self::error::AuthError;
pub use self::format::ErrorFormat;
pub use self::response::AuthErrorResponse;
