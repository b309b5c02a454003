//! Why a request was refused, and the response that the client gets.

mod challenge;
mod error;
mod format;
mod kind;
mod response;

pub(crate) use self::challenge::Realm;
pub use self::error::AuthError;
pub use self::format::ErrorFormat;
pub use self::kind::AuthErrorKind;
pub use self::response::AuthErrorResponse;
