//! A source that asks an HTTP endpoint, and what all such sources share.
//!
//! The [`client`] sends a request to an [`endpoint`] and reads the answer with a
//! bound, and [`status`] says what a failure means.

mod body;
mod client;
mod default_client;
mod endpoint;
mod source;
mod status;

pub use self::body::RequestBody;
pub(crate) use self::client::Answer;
pub use self::client::HttpClient;
pub use self::endpoint::Endpoint;
pub use self::source::HttpSource;
pub(crate) use self::source::header_value;
pub(crate) use self::status::{check_encoding, failure};
