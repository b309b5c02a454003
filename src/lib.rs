//! Tower middleware for API keys that rotate while the service runs.
//!
//! An API key that a service *sends* expires, or is replaced, while the service runs. This crate puts
//! the *current* key on every request; when the upstream rejects it, the key is fetched anew and the
//! request is sent once more. An API key that a service *accepts* is issued, rotated and revoked while the
//! service runs: this crate lets clients in by a set of keys that is replaced whole, at any moment.
//!
//! ```text
//!  source ──► Rotating<Credential> ──► request ──► rejected? ──► refresh ──► once more
//!  file, closure, channel   one atomic load
//! ```
//!
//! *Rotating* means replacing one key by the next over time. It is not round-robin over many keys.
//!
//! # A client whose key lives in a file
//!
//! ```
//! # #[cfg(feature = "file")] {
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! use tower::ServiceBuilder;
//! use tower_rotating_auth::{
//!     Rotating,
//!     RotatingAuthLayer,
//!     outbound::{InjectKeyLayer, IntoCredential},
//!     source::FileSource,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("openai");
//! # std::fs::write(&path, "sk-1f0c")?;
//! let key = Rotating::start(FileSource::new(path).bearer()).await?; // fails here, never per request
//! let client = ServiceBuilder::new()
//!     .layer(RotatingAuthLayer::new().inject(InjectKeyLayer::new("https://api.openai.com", key)?))
//!     .service(Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>());
//! # let _ = client;
//! # Ok(())
//! # }
//! # main().unwrap();
//! # }
//! ```
//!
//! # Where to read on
//!
//! | to … | see |
//! |---|---|
//! | hold a value that is replaced while it is in use | [`Rotating`], [`Source`](source::Source) |
//! | read a key from a file, a closure, a channel | [`FileSource`](source::FileSource), [`source_fn`](source::source_fn), [`channel`](source::channel) |
//! | put it on requests, and replay a rejected one | [`InjectKeyLayer`](outbound::InjectKeyLayer), [`Replay`](outbound::replay::Replay), [`Outcome`](outbound::Outcome) |
//! | send a body that streams once more | [`BufferBody`](outbound::replay::BufferBody), [`ReplayBody`](outbound::replay::ReplayBody) |
//! | have several keys, each for its own origin, header and scheme | [`InjectKeyLayer::routes`](outbound::InjectKeyLayer::routes), [`Route`](outbound::Route), [`Credential`](outbound::Credential) |
//! | use a client whose requests are not `http::Request` | [`ClientAdapter`](outbound::adapter::ClientAdapter), [`RequestAdapter`](outbound::adapter::RequestAdapter), [`ClassifyRejection`](outbound::adapter::ClassifyRejection) |
//! | be the client of an MCP server, with `rmcp` | [`KeyedMcpClient`](mcp::KeyedMcpClient) |
//! | put it on a header map yourself | [`Credential::apply_to`](outbound::Credential::apply_to) |
//! | let in only clients with a valid key | [`RequireKeyLayer`](inbound::RequireKeyLayer), [`KeySet`](inbound::KeySet), [`Principal`](inbound::Principal) |
//! | exempt routes, ask for scopes | [`RoutePolicy`](inbound::policy::RoutePolicy), [`Scopes`](inbound::Scopes) |
//! | say where a key may stand, and how requests are refused | [`KeyLocations`](inbound::KeyLocations), [`AuthErrorResponse`](inbound::AuthErrorResponse) |
//! | issue, rotate and revoke keys while the service runs | [`KeyRing`](keyring::KeyRing), [`IssuancePolicy`](keyring::IssuancePolicy), [`Store`](keyring::Store) |
//! | know which keys nobody uses | [`UseFile`](keyring::UseFile), [`KeySummary::last_used`](keyring::KeySummary::last_used) |
//! | rotate a client's key on a schedule | [`Rotator`](keyring::Rotator), [`FileSink`](keyring::FileSink), [`sink_fn`](keyring::sink_fn), [`Sink`](keyring::Sink) |
//! | write the middleware yourself | [`KeyLocations::extract`](inbound::KeyLocations::extract), [`verify_at`](inbound::verify_at) |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `file` | yes | [`FileSource`](source::FileSource), key files, [`FileStore`](keyring::FileStore), [`FileSink`](keyring::FileSink), [`UseFile`](keyring::UseFile) |
//! | `serde` | no | `Deserialize` for [`SourceConfig`](source::SourceConfig), for sources in your own configuration |
//! | `axum` | no | [`Auth`](inbound::Auth) and [`Principal`](inbound::Principal) as arguments of handlers, policies by the router's templates |
//! | `rmcp` | no | [`KeyedMcpClient`](mcp::KeyedMcpClient); it needs the compiler that rmcp needs, which is newer than the crate's own |
//!
//! No feature changes what the rest does.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::expect_used))]

pub mod inbound;
pub mod keyring;
pub mod outbound;
pub mod rotating;
pub mod source;

#[cfg(feature = "file")]
mod blocking;
mod clock;
#[cfg(feature = "file")]
mod fs;
mod generation;
mod idempotency;
mod key;
mod layer;
#[cfg(feature = "rmcp")]
pub mod mcp;
mod path;
mod secret;
mod shards;
mod tchar;

pub use self::key::InvalidKey;
pub use self::layer::RotatingAuthLayer;
pub use self::rotating::Rotating;
pub use self::secret::Secret;

#[cfg(all(doctest, feature = "file", feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/guide/limits-and-retries.md")]
struct LimitsAndRetries;
