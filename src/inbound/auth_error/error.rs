//! Why a request is refused.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::inbound::key::Scopes;

/// Why a request is refused: for the audit log.
///
/// The client learns less. Whatever is wrong with a token, the answer is the same, byte for byte: see
/// [`AuthErrorResponse`](crate::inbound::AuthErrorResponse).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// No slot holds anything.
    Missing,
    /// All there is is an `Authorization` of a scheme that is not read.
    UnsupportedScheme,
    /// The slots that are there are empty.
    Empty,
    /// What is presented is no token.
    Malformed,
    /// The token is longer than any that is taken.
    TooLong,
    /// It looks like one of our own tokens, and its checksum is wrong: a typing error, or a guess.
    BadChecksum,
    /// No key has this token.
    Unknown,
    /// The key is not valid yet.
    NotYetValid,
    /// The key is not valid any longer.
    Expired,
    /// The key was revoked.
    Revoked,
    /// The client was disabled.
    Disabled,
    /// One slot is there twice.
    Duplicate,
    /// Two slots hold different tokens.
    Conflict,
    /// The key is valid and lacks one of these scopes.
    InsufficientScope(Scopes),
    /// This is allowed to nobody, or not to this client.
    Forbidden,
    /// Whether the key is valid cannot be told at present.
    Unavailable {
        /// When asking again may help.
        retry_after: Duration,
    },
    /// A handler asks who the client is, and no layer before it has found out: an error in the program.
    NoLayer,
}

/// What a client may know of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    NothingPresented,
    InvalidToken,
    InvalidRequest,
    InsufficientScope,
    Forbidden,
    Unavailable,
    Internal,
}

impl AuthError {
    /// The reason in one word, for audit logs and metrics; these words stay as they are.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::UnsupportedScheme => "unsupported_scheme",
            Self::Empty => "empty",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::BadChecksum => "bad_checksum",
            Self::Unknown => "unknown",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Disabled => "disabled",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::Forbidden => "forbidden",
            Self::Unavailable { .. } => "unavailable",
            Self::NoLayer => "no_layer",
        }
    }

    /// The status of the answer. For gRPC, it is told in gRPC's own codes.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self.kind() {
            Kind::NothingPresented | Kind::InvalidToken => StatusCode::UNAUTHORIZED,
            Kind::InvalidRequest => StatusCode::BAD_REQUEST,
            Kind::InsufficientScope | Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whether the request presented nothing, so that its client is anonymous where anonymous clients are served.
    #[must_use]
    pub const fn nothing_presented(&self) -> bool {
        matches!(self.kind(), Kind::NothingPresented)
    }

    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Missing | Self::UnsupportedScheme | Self::Empty => Kind::NothingPresented,
            Self::Malformed
            | Self::TooLong
            | Self::BadChecksum
            | Self::Unknown
            | Self::NotYetValid
            | Self::Expired
            | Self::Revoked
            | Self::Disabled => Kind::InvalidToken,
            Self::Duplicate | Self::Conflict => Kind::InvalidRequest,
            Self::InsufficientScope(_) => Kind::InsufficientScope,
            Self::Forbidden => Kind::Forbidden,
            Self::Unavailable { .. } => Kind::Unavailable,
            Self::NoLayer => Kind::Internal,
        }
    }

    /// The refusal as far as the client may know it: one for all that look alike from outside.
    pub(crate) fn told(&self) -> Self {
        match self.kind() {
            Kind::NothingPresented => Self::Missing,
            Kind::InvalidToken => Self::Unknown,
            Kind::InvalidRequest => Self::Duplicate,
            Kind::InsufficientScope | Kind::Forbidden | Kind::Unavailable | Kind::Internal => {
                self.clone()
            }
        }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "no key is presented",
            Self::UnsupportedScheme => "the authorization scheme is not supported",
            Self::Empty => "the key is empty",
            Self::Malformed => "the key is malformed",
            Self::TooLong => "the key is too long",
            Self::BadChecksum => "the checksum of the key is wrong",
            Self::Unknown => "the key is unknown",
            Self::NotYetValid => "the key is not valid yet",
            Self::Expired => "the key has expired",
            Self::Revoked => "the key was revoked",
            Self::Disabled => "the client is disabled",
            Self::Duplicate => "a key is presented twice in one place",
            Self::Conflict => "different keys are presented",
            Self::InsufficientScope(wanted) => {
                return write!(f, "the key lacks a scope of: {wanted}");
            }
            Self::Forbidden => "this is not allowed",
            Self::Unavailable { .. } => "keys cannot be checked at present",
            Self::NoLayer => "no layer has checked the key of this request",
        })
    }
}

impl Error for AuthError {}
