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
//! use tower_rotating_auth::{FileSource, InjectKey, Rotating, RotatingAuthLayer, IntoCredential};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("openai");
//! # std::fs::write(&path, "sk-1f0c")?;
//! let key = Rotating::start(FileSource::new(path).bearer()).await?; // fails here, never per request
//! let client = ServiceBuilder::new()
//!     .layer(RotatingAuthLayer::new().inject(InjectKey::new("https://api.openai.com", key)?))
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
//! | hold a value that is replaced while it is in use | [`Rotating`], [`Source`] |
//! | read a key from a file, a closure, a channel | [`FileSource`], [`source_fn`], [`pushed`] |
//! | put it on requests, and replay a rejected one | [`InjectKey`], [`Replay`], [`Outcome`] |
//! | send a body that streams once more | [`BufferBody`], [`ReplayBody`] |
//! | have several keys, each for its own origin, header and scheme | [`InjectKey::routes`], [`Route`], [`Credential`] |
//! | use a client whose requests are not `http::Request` | [`Seam`], [`Carry`], [`Inspect`] |
//! | be the client of an MCP server, with `rmcp` | [`KeyedMcpClient`] |
//! | put it on a header map yourself | [`Credential::put_on`] |
//! | let in only clients with a valid key | [`RequireKey`], [`KeySet`], [`Principal`] |
//! | exempt routes, ask for scopes | [`Policies`], [`Scopes`] |
//! | say where a key may stand, and how requests are refused | [`Slots`], [`Refuser`] |
//! | issue, rotate and revoke keys while the service runs | [`KeyRing`], [`KeyPolicy`], [`Store`] |
//! | know which keys nobody uses | [`UseFile`], [`KeySummary::last_used`] |
//! | rotate a client's key on a schedule | [`Rotator`], [`FileSink`], [`sink_fn`], [`Sink`] |
//! | write the middleware yourself | [`Slots::extract`], [`verify_at`] |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `file` | yes | [`FileSource`], key files, [`FileStore`], [`FileSink`], [`UseFile`] |
//! | `axum` | no | [`Auth`] and [`Principal`] as arguments of handlers, policies by the router's templates |
//! | `rmcp` | no | [`KeyedMcpClient`]; it needs the compiler that rmcp needs, which is newer than the crate's own |
//!
//! No feature changes what the rest does.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::expect_used))]

mod inbound;
mod key;
mod keyring;
mod layer;
#[cfg(feature = "rmcp")]
mod mcp;
mod outbound;
mod path;
mod rotating;
mod secret;
#[cfg(feature = "file")]
mod secret_file;
mod shards;
mod source;
mod tchar;

#[cfg(feature = "axum")]
pub use self::inbound::Auth;
#[cfg(feature = "file")]
pub use self::inbound::InvalidKeyFile;
pub use self::inbound::{
    Access, Anonymous, Audit, AuditError, AuditedRoute, ClientId, DangerouslyOpen, Decision, Ended,
    Format, GuardedBody, GuardedFuture, IdempotencyKey, InvalidChallenge, InvalidDigest, InvalidId,
    InvalidIdempotencyKey, InvalidKeyList, InvalidKeySet, InvalidKeyText, InvalidPolicy,
    InvalidScope, InvalidSlots, InvalidToken, KeyDigest, KeyEnded, KeyId, KeyPrincipal, KeyRecord,
    KeySet, NotLoopback, OlderKeySet, Policies, PolicyEntry, Principal, Provenance, Refusal,
    Refuser, RequireKey, Required, Scope, Scopes, Slot, Slots, Standing, Token, UnfitKey,
    UnfitKeySet, Why, verify_at,
};
pub use self::key::InvalidKey;
pub use self::keyring::{
    Ageing, Change, ClientEntry, ClientState, Commit, CommitError, ForeignKey, Imported,
    InvalidLedger, InvalidPrefix, Issued, KeyEntry, KeyPolicy, KeyRing, KeyRingBuilder, KeyState,
    KeySummary, KeyTerms, KeyWarning, Ledger, MaxAge, MemoryStore, NewKey, NoRandomness,
    NotAllowed, NotChanged, NotRotated, NotStarted, OlderLedger, ParsedToken, Prefix, Revoke,
    Rotate, Rotated, Rotation, Rotator, Sink, SinkError, SinkFn, Store, StoreError, UnparsedToken,
    WhichKey, sink_fn,
};
#[cfg(feature = "file")]
pub use self::keyring::{FileSink, FileStore, UseFile, Uses};
pub use self::layer::RotatingAuthLayer;
#[cfg(feature = "rmcp")]
pub use self::mcp::KeyedMcpClient;
pub use self::outbound::{
    Answers, AuthScheme, BufferBody, Carry, CloneBody, Credential, Http, InjectKey, InjectOnce,
    Injected, InjectedOnce, Inspect, InvalidOrigin, InvalidRoutes, InvalidScheme, MapBody,
    NotReplayed, Origin, Outcome, OverrideExisting, Rejection, Replay, ReplayBody, ResponseFuture,
    Route, SavedBody, SavedRequest, Seam, Superseded, Target,
};
pub use self::rotating::{
    BoxSource, Builder, Current, ErrorClass, Event, EventKind, Expiry, Fallback, Fetch, Fetched,
    Generation, InvalidLifetime, NotRefreshed, Pace, Publisher, Reason, Refreshing, Revision,
    Rotating, Source, SourceError, StartError, Status, Subscription, TryMap, Upkeep, Validate,
};
pub use self::secret::Secret;
#[cfg(feature = "file")]
pub use self::source::FileSource;
pub use self::source::{
    EnvSource, IntoCredential, IntoKeySet, KeySetSource, Pushed, Pusher, SourceFn, pushed,
    source_fn,
};

#[cfg(all(doctest, feature = "file", feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/guide/limits-and-retries.md")]
struct LimitsAndRetries;
