//! The outbound half: the current key on each request, and a second attempt when it is rejected.
//!
//! A request is judged by its origin, given the credential that is current, and sent. A rejection asks
//! the engine for a newer credential; where there is one, the request is sent once more, and never again.

mod config;
mod credential;
mod fn_seam;
mod future;
mod http_seam;
mod layer;
mod once;
mod origin;
mod outcome;
mod replay;
mod seam;
mod service;
mod target;

pub use self::credential::Credential;
pub use self::fn_seam::{Answers, Seam};
pub use self::future::ResponseFuture;
pub use self::http_seam::{Http, Rejection, SavedRequest};
pub use self::layer::{InjectKey, InjectOnce, OverrideExisting};
pub use self::once::InjectedOnce;
pub use self::origin::{InvalidOrigin, Origin};
pub use self::outcome::{NotReplayed, Outcome};
pub use self::replay::{BufferBody, CloneBody, MapBody, Replay, ReplayBody, SavedBody, Superseded};
pub use self::seam::{Carry, Inspect};
pub use self::service::Injected;
pub use self::target::Target;
