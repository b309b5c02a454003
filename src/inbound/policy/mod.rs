//! Policies that say which routes need a key, and with which scopes.
//!
//! Every route needs a key unless a [`RoutePolicy`] says otherwise. An entry of the policy matches
//! one method and one whole path, or one template of the router, such as `/v1/models/{id}`. No
//! entry that opens a route matches a prefix or a suffix.
//!
//! # Examples
//!
//! ```
//! use http::Method;
//! use tower_rotating_auth::inbound::ConfigErrorKind;
//! use tower_rotating_auth::inbound::policy::{DecisionReason, RoutePolicy};
//!
//! let policy = RoutePolicy::new()
//!     .public(Method::GET, "/health")?
//!     .required(Method::POST, "/v1/chat/completions", "chat:write".parse()?)?;
//!
//! let decision = policy.explain(&Method::GET, "/health", None);
//! assert_eq!(decision.to_string(), "public (the path is listed)");
//!
//! // A server behind the layer could read this path as `/health`. It needs a key.
//! let decision = policy.explain(&Method::GET, "/%68ealth", None);
//! assert_eq!(decision.reason(), DecisionReason::SuspiciousPath);
//!
//! // An audit at start finds entries that match no route.
//! let routes = [(Method::GET, "/healthz"), (Method::POST, "/v1/chat/completions")];
//! let error = policy.audit(routes).unwrap_err();
//! assert_eq!(error.kind(), ConfigErrorKind::UnknownRoute);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Caveats
//!
//! - The path is the one that the layer receives. In a nested axum router, it lacks the prefix.
//! - Templates need the feature `axum`, and a layer on axum's routes. Around the whole router and
//!   in a fallback, no template is known, and no entry that opens one matches.
//! - An entry that closes a path matches every spelling that somebody could read as that path. See
//!   [`RoutePolicy`].
//! - An entry for `GET` also matches `HEAD`, unless `HEAD` has an entry of its own.
//! - The audit compares the policy with the list that you pass. It does not know the router.

mod access;
mod add_routes;
mod audit;
mod decision;
mod entry;
#[cfg(feature = "key-file")]
mod policy_file;
mod route_policy;
mod spelling;
mod table;
mod template;
#[cfg(test)]
mod tests;

pub use self::access::Access;
pub use self::audit::{Audit, AuditedRoute};
pub use self::decision::{Decision, DecisionReason};
pub use self::entry::PolicyEntry;
#[cfg(feature = "key-file")]
pub use self::policy_file::{IntoRoutePolicy, PolicySource};
pub use self::route_policy::RoutePolicy;
pub use self::spelling::has_dot_segment;
