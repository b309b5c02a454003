//! What the layer asks of a client: where a request goes, and what its answer means.

mod client;
mod http;
mod saved_head;
mod scheme;
mod target;
mod traits;

pub use self::client::{ClientAdapter, ResponseAdapter};
pub use self::http::{HttpAdapter, Rejection, SavedRequest};
pub(crate) use self::scheme::Scheme;
pub use self::target::Target;
pub(crate) use self::target::{Place, Written, host_and_port};
pub use self::traits::{ClassifyRejection, RequestAdapter};
