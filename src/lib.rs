//! Tower middleware for API keys that rotate while the service runs.
//!
//! *Outbound*, [`InjectKeyLayer`](outbound::InjectKeyLayer) puts the current key on every request.
//! When the upstream rejects the key, the layer sends the request again with the new one. While a
//! new key is not active yet, the previous one stays in use.
//!
//! *Inbound*, [`RequireKeyLayer`](inbound::RequireKeyLayer) lets in requests with a valid key. The
//! set of valid keys can change at any moment, and each change applies to the next request.
//!
//! ```text
//!  source ──► RotatingCredential ──► request ──► rejected? ──► refresh ──► sent again
//!  file, closure, channel   one atomic load
//! ```
//!
//! *Rotating* means that one key replaces another over time. It does not mean round-robin over many
//! keys.
//!
//! # Examples
//!
//! A client whose key lives in a file that somebody else rewrites:
//!
//! ```
//! # #[cfg(all(feature = "file", feature = "outbound"))] {
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! use tower::ServiceBuilder;
//! use tower_rotating_auth::{
//!     RotatingAuthLayer,
//!     outbound::{RotatingCredential, InjectKeyLayer, IntoCredential},
//!     source::FileSource,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("openai");
//! # std::fs::write(&path, "sk-1f0c")?;
//! let key = RotatingCredential::start(FileSource::new(path).bearer()).await?; // fails here, never per request
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
//! The repository has a short program for each of the common cases in `examples`, and one file for
//! each of eleven client libraries in `examples/hosts`.
//!
//! # Modules
//!
//! | to … | see |
//! |---|---|
//! | hold a value that is replaced while in use | [`rotating`]: [`Rotating`] |
//! | read a key from a file, a command, an endpoint, Vault, a closure or a channel | [`source`]: [`FileSource`], [`source_fn`], [`channel`], [`Source`] |
//! | hold a key that is sent to an upstream | [`outbound`]: [`RotatingCredential`] |
//! | put the key on requests, and replay rejected ones | [`outbound`]: [`InjectKeyLayer`], [`Outcome`] |
//! | use several keys, each for its own origin or path | [`InjectKeyLayer::routes`], [`Route`], [`Credential`] |
//! | replay a body that streams | [`outbound::replay`]: [`BufferBody`] |
//! | read a rejection although the upload breaks off | [`outbound::connect`]: [`EarlyResponseConnector`] |
//! | use a client whose requests are not `http::Request` | [`outbound::adapter`]: [`ClientAdapter`] |
//! | put the key on a header map yourself | [`Credential::apply_to`] |
//! | let in only clients with a valid key | [`inbound`]: [`RequireKeyLayer`], [`KeySet`], [`Principal`] |
//! | make routes public, or require scopes | [`inbound::policy`]: [`RoutePolicy`] |
//! | set where keys are read, and how requests are refused | [`KeyLocations`], [`AuthErrorResponse`] |
//! | write the middleware yourself | [`KeyLocations::extract`], [`verify_at`] |
//! | issue, rotate and revoke keys | [`keyring`]: [`KeyRing`], [`Store`] |
//! | rotate a client's key on a schedule | [`Rotator`], [`Sink`] |
//! | find keys that nobody uses | [`UseFile`] |
//! | record who used which key, and when each key changed | [`audit`]: [`AuditLog`], [`AuditFile`] |
//! | count what happens to keys | [`metrics`] |
//! | limit the rate of each client, with tower_governor | the crate `tower-rotating-auth-governor` |
//! | be the client of an MCP server | the crate `tower-rotating-auth-rmcp` |
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `outbound` | yes | [`outbound`] |
//! | `connect` | no | [`outbound::connect`]: a connector for clients made of hyper |
//! | `inbound` | yes | [`inbound`] |
//! | `file` | yes | [`FileSource`]: secrets in files, watched and polled |
//! | `key-file` | no | key sets in TOML |
//! | `exec` | no | [`ExecSource`]: what a command prints |
//! | `http` | no | [`HttpSource`]: what an HTTP endpoint answers |
//! | `oauth2` | no | [`OAuth2Source`]: tokens of OAuth 2.0 servers |
//! | `vault` | no | [`VaultSource`]: secrets in HashiCorp Vault and OpenBao |
//! | `jwt` | no | [`SecretSource::jwt_expiry`]: the expiry of keys that are JSON Web Tokens |
//! | `regex` | no | regular expressions in a [`KeyRule`] |
//! | `keyring` | no | [`keyring`]; with `key-file` and `file`, key rings in a file |
//! | `serde` | no | `Deserialize` for [`SourceConfig`], for sources in your own configuration |
//! | `audit` | no | [`audit`]: one event type for both halves, and a file of JSON lines |
//! | `metrics` | no | [`metrics`]: counters and gauges, through the facade of that name |
//! | `axum` | no | [`Auth`] and [`Principal`] as extractors, policies by the router's templates |
//!
//! No feature changes what another one does.
//!
//! [`AuditLog`]: audit::AuditLog
//! [`AuditFile`]: audit::AuditFile
//! [`Auth`]: inbound::Auth
//! [`AuthErrorResponse`]: inbound::AuthErrorResponse
//! [`BufferBody`]: outbound::replay::BufferBody
//! [`ClientAdapter`]: outbound::adapter::ClientAdapter
//! [`Credential`]: outbound::Credential
//! [`Credential::apply_to`]: outbound::Credential::apply_to
//! [`EarlyResponseConnector`]: outbound::connect::EarlyResponseConnector
//! [`ExecSource`]: source::ExecSource
//! [`HttpSource`]: source::HttpSource
//! [`KeyRule`]: source::KeyRule
//! [`OAuth2Source`]: source::OAuth2Source
//! [`SecretSource::jwt_expiry`]: source::SecretSource::jwt_expiry
//! [`VaultSource`]: source::VaultSource
//! [`FileSource`]: source::FileSource
//! [`InjectKeyLayer`]: outbound::InjectKeyLayer
//! [`InjectKeyLayer::routes`]: outbound::InjectKeyLayer::routes
//! [`KeyLocations`]: inbound::KeyLocations
//! [`KeyLocations::extract`]: inbound::KeyLocations::extract
//! [`KeyRing`]: keyring::KeyRing
//! [`KeySet`]: inbound::KeySet
//! [`Outcome`]: outbound::Outcome
//! [`Principal`]: inbound::Principal
//! [`RequireKeyLayer`]: inbound::RequireKeyLayer
//! [`Rotator`]: keyring::Rotator
//! [`Route`]: outbound::Route
//! [`RotatingCredential`]: outbound::RotatingCredential
//! [`RoutePolicy`]: inbound::policy::RoutePolicy
//! [`Sink`]: keyring::Sink
//! [`Source`]: source::Source
//! [`SourceConfig`]: source::SourceConfig
//! [`Store`]: keyring::Store
//! [`UseFile`]: keyring::UseFile
//! [`channel`]: source::channel
//! [`source_fn`]: source::source_fn
//! [`verify_at`]: inbound::verify_at
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::expect_used))]
// What one half or the key ring uses alone is dead in a build without it; a build with all features
// has no dead code.
#![cfg_attr(
    not(all(
        feature = "audit",
        feature = "outbound",
        feature = "inbound",
        feature = "exec",
        feature = "file",
        feature = "http",
        feature = "key-file",
        feature = "keyring",
        feature = "jwt",
        feature = "metrics",
        feature = "oauth2",
        feature = "regex",
        feature = "vault",
    )),
    allow(
        dead_code,
        unreachable_pub,
        unused_imports,
        reason = "another feature uses it"
    )
)]

#[cfg(feature = "audit")]
pub mod audit;
#[cfg(feature = "inbound")]
pub mod inbound;
#[cfg(feature = "keyring")]
pub mod keyring;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "outbound")]
pub mod outbound;
pub mod rotating;
pub mod source;

#[cfg(any(feature = "file", feature = "http", feature = "inbound"))]
mod blocking;
mod box_error;
mod clock;
mod completion;
#[cfg(feature = "file")]
mod fs;
mod generation;
#[cfg(doctest)]
mod guides;
#[cfg(feature = "inbound")]
mod idempotency;
mod key;
#[cfg(any(feature = "inbound", feature = "outbound"))]
mod layer;
mod parse_error;
mod secret;
#[cfg(feature = "inbound")]
mod shards;
#[cfg(any(feature = "inbound", feature = "outbound"))]
mod syntax;
mod telemetry;

pub use self::key::{InvalidKey, InvalidKeyKind};
#[cfg(any(feature = "inbound", feature = "outbound"))]
pub use self::layer::RotatingAuthLayer;
pub use self::parse_error::{ParseError, ParseErrorKind};
pub use self::rotating::Rotating;
pub use self::secret::Secret;
