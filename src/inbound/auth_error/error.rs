//! The error of a refused request.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::kind::{AuthErrorKind, ErrorClass};
use crate::inbound::key::{ClientId, KeyId, KeyRecord, KeyStatus, Scopes};

/// An error that says why a request was refused.
///
/// [`RequireKey`](crate::inbound::RequireKey) inserts it into the extensions of each response that
/// refuses a request, for an audit log. [`AuthErrorResponse`](crate::inbound::AuthErrorResponse)
/// turns it into a response, which tells the client less. With the feature `axum`, it implements
/// `IntoResponse`, too.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::inbound::{AuthError, AuthErrorKind};
///
/// let error = AuthError::from(AuthErrorKind::Revoked);
/// assert_eq!(error.kind(), AuthErrorKind::Revoked);
/// assert_eq!(error.reason(), "revoked");
/// assert_eq!(error.status(), 401);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthError {
    kind: AuthErrorKind,
    required_scopes: Option<Scopes>,
    retry_after: Option<Duration>,
    /// The key that the client presented, if it is known.
    key: Option<Arc<KeyRecord>>,
}

impl AuthError {
    /// Creates an error of this kind.
    #[must_use]
    pub const fn new(kind: AuthErrorKind) -> Self {
        Self {
            kind,
            required_scopes: None,
            retry_after: None,
            key: None,
        }
    }

    /// Creates an error of kind [`InsufficientScope`](AuthErrorKind::InsufficientScope).
    ///
    /// The response names the scopes in `required`.
    #[must_use]
    pub fn insufficient_scope(required: Scopes) -> Self {
        Self {
            required_scopes: Some(required),
            ..Self::new(AuthErrorKind::InsufficientScope)
        }
    }

    /// Creates an error of kind [`Unavailable`](AuthErrorKind::Unavailable).
    ///
    /// The response tells the client to try again after this time, in whole seconds.
    #[must_use]
    pub fn unavailable(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(AuthErrorKind::Unavailable)
        }
    }

    /// Returns the kind of this error.
    #[must_use]
    pub const fn kind(&self) -> AuthErrorKind {
        self.kind
    }

    /// Returns the kind in one word, for logs and metrics. These words are stable.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.kind.as_str()
    }

    /// Returns the status of the response. A gRPC client gets a gRPC code instead.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.kind.class().status()
    }

    /// Returns the scopes that the route requires, if the key lacks one of them.
    #[must_use]
    pub const fn required_scopes(&self) -> Option<&Scopes> {
        self.required_scopes.as_ref()
    }

    /// Returns how long the client should wait before it tries again, if that can help.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns the client whose key the request presented, if that is known: if the key has ended,
    /// is not valid yet, or does not allow this.
    #[must_use]
    pub fn client(&self) -> Option<&ClientId> {
        self.key.as_deref().map(KeyRecord::client)
    }

    /// Returns the name of the key that the request presented, if that is known.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key.as_deref().map(KeyRecord::id)
    }

    pub(crate) fn of_key(mut self, key: &Arc<KeyRecord>) -> Self {
        self.key = Some(Arc::clone(key));
        self
    }

    /// Adds the key that another error is about.
    pub(crate) fn of_key_in(mut self, other: &Self) -> Self {
        self.key.clone_from(&other.key);
        self
    }

    /// Returns whether the request had no key at all.
    ///
    /// Where a key is optional, such a client is anonymous.
    #[must_use]
    pub const fn nothing_presented(&self) -> bool {
        matches!(self.kind.class(), ErrorClass::NothingPresented)
    }

    /// Returns the error as the client may know it: equal for all kinds of one class.
    pub(crate) fn disclosed(&self) -> Self {
        Self {
            kind: self.kind.disclosed(),
            key: None,
            ..self.clone()
        }
    }
}

impl From<AuthErrorKind> for AuthError {
    fn from(kind: AuthErrorKind) -> Self {
        Self::new(kind)
    }
}

/// The error of a key whose status is not [`Active`](KeyStatus::Active).
impl From<KeyStatus> for AuthError {
    fn from(status: KeyStatus) -> Self {
        Self::new(match status {
            // An error is never of an active key.
            KeyStatus::Unknown | KeyStatus::Active | KeyStatus::InGrace => AuthErrorKind::Unknown,
            KeyStatus::NotYetValid => AuthErrorKind::NotYetValid,
            KeyStatus::Expired => AuthErrorKind::Expired,
            KeyStatus::Revoked => AuthErrorKind::Revoked,
            KeyStatus::Disabled => AuthErrorKind::Disabled,
        })
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            AuthErrorKind::Missing => "the request has no key",
            AuthErrorKind::UnsupportedScheme => "the authorization scheme is not supported",
            AuthErrorKind::Empty => "the key is empty",
            AuthErrorKind::Malformed => "the key is malformed",
            AuthErrorKind::TooLong => "the key is too long",
            AuthErrorKind::BadChecksum => {
                "the key has a wrong checksum; check it for typing errors"
            }
            AuthErrorKind::Unknown => "the key is unknown",
            AuthErrorKind::NotYetValid => "the key is not valid yet",
            AuthErrorKind::Expired => "the key has expired",
            AuthErrorKind::Revoked => "the key was revoked",
            AuthErrorKind::Disabled => "the client is disabled",
            AuthErrorKind::Duplicate => "the request has two keys in one place; send one",
            AuthErrorKind::Conflict => "the request has two different keys; send one",
            AuthErrorKind::InsufficientScope => "the key lacks a required scope",
            AuthErrorKind::Forbidden => "the request is not allowed",
            AuthErrorKind::AddressNotAllowed => {
                "the key is not accepted from the address of the client"
            }
            AuthErrorKind::ClientNotAllowed => "the route is for other clients",
            AuthErrorKind::CertificateMismatch => {
                "the client has not shown the certificate that the key is bound to"
            }
            AuthErrorKind::SecondFactor => "the second factor was not met",
            AuthErrorKind::InsecureChannel => {
                "the request carries a credential over a channel that is not encrypted; use https"
            }
            AuthErrorKind::Disclosed => {
                "the request carries a valid key over a channel that is not encrypted; rotate it"
            }
            AuthErrorKind::Unavailable => "keys cannot be checked at the moment; try again later",
            AuthErrorKind::NoLayer => "no layer has checked the request; add a `RequireKeyLayer`",
        })?;
        match &self.required_scopes {
            Some(scopes) if !scopes.is_empty() => write!(f, ": {scopes}"),
            _ => Ok(()),
        }
    }
}

impl Error for AuthError {}
