//! The kinds of authentication errors, and what a client may learn about them.

use http::StatusCode;

/// The reason why a request was refused.
///
/// Kinds are for logs and metrics. The client sees less: all kinds that say what is wrong with a
/// token get the same response. See [`AuthErrorResponse`](crate::inbound::AuthErrorResponse).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The request has no key.
    Missing,
    /// The request has no key but an `Authorization` header with a scheme that is not enabled.
    UnsupportedScheme,
    /// The request has a location for a key, and it is empty.
    Empty,
    /// The token has characters that no token has.
    Malformed,
    /// The token is longer than [`max_token_len`](crate::inbound::KeyLocations::max_token_len).
    TooLong,
    /// The token has the format of an issued key and a wrong checksum: a typing error, or a guess.
    BadChecksum,
    /// No key has this token.
    Unknown,
    /// The key is not valid yet.
    NotYetValid,
    /// The key has expired.
    Expired,
    /// The key was revoked.
    Revoked,
    /// The client is disabled.
    Disabled,
    /// One location holds two tokens, even if they are equal.
    Duplicate,
    /// Two locations hold different tokens.
    Conflict,
    /// The key is valid but lacks a scope that the route requires.
    InsufficientScope,
    /// The route is closed to everyone, or the handler refuses this client.
    Forbidden,
    /// The key is not accepted from the client's address, or the address is not known.
    AddressNotAllowed,
    /// The route is for other clients.
    ClientNotAllowed,
    /// The key is bound to a TLS client certificate, and the client has shown another one or none.
    CertificateMismatch,
    /// A second factor of the application was not met: see
    /// [`second_factor`](crate::inbound::RequireKeyLayer::second_factor).
    SecondFactor,
    /// The request carries a key over a channel that is not encrypted: see
    /// [`SecureOnly`](crate::inbound::SecureOnly).
    InsecureChannel,
    /// The same, and the key is valid: whoever listens has it.
    Disclosed,
    /// Refreshes of the key set have failed for too long to trust it (see
    /// [`max_stale`](crate::inbound::RequireKeyLayer::max_stale)), or a
    /// [`Validator`](crate::inbound::Validator) does not know.
    Unavailable,
    /// A handler asks for the caller, but no layer has checked the request, or its route is public.
    NoLayer,
}

/// What a client may learn about an error: all kinds of one class get the same response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    NothingPresented,
    InvalidToken,
    InvalidRequest,
    InsufficientScope,
    Forbidden,
    Unavailable,
    Internal,
}

impl AuthErrorKind {
    /// Returns the kind in one word, for logs and metrics. These words are stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
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
            Self::InsufficientScope => "insufficient_scope",
            Self::Forbidden => "forbidden",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::ClientNotAllowed => "client_not_allowed",
            Self::CertificateMismatch => "certificate_mismatch",
            Self::SecondFactor => "second_factor",
            Self::InsecureChannel => "insecure_channel",
            Self::Disclosed => "disclosed",
            Self::Unavailable => "unavailable",
            Self::NoLayer => "no_layer",
        }
    }

    pub(crate) const fn class(self) -> ErrorClass {
        match self {
            Self::Missing | Self::UnsupportedScheme | Self::Empty => ErrorClass::NothingPresented,
            Self::Malformed
            | Self::TooLong
            | Self::BadChecksum
            | Self::Unknown
            | Self::NotYetValid
            | Self::Expired
            | Self::Revoked
            | Self::Disabled
            | Self::CertificateMismatch
            | Self::SecondFactor => ErrorClass::InvalidToken,
            Self::Duplicate | Self::Conflict => ErrorClass::InvalidRequest,
            Self::InsufficientScope => ErrorClass::InsufficientScope,
            Self::Forbidden
            | Self::AddressNotAllowed
            | Self::ClientNotAllowed
            | Self::InsecureChannel
            | Self::Disclosed => ErrorClass::Forbidden,
            Self::Unavailable => ErrorClass::Unavailable,
            Self::NoLayer => ErrorClass::Internal,
        }
    }

    /// Returns the kind that stands for all kinds of its class.
    pub(crate) const fn disclosed(self) -> Self {
        match self.class() {
            ErrorClass::NothingPresented => Self::Missing,
            ErrorClass::InvalidToken => Self::Unknown,
            ErrorClass::InvalidRequest => Self::Duplicate,
            ErrorClass::Forbidden => Self::Forbidden,
            ErrorClass::InsufficientScope | ErrorClass::Unavailable | ErrorClass::Internal => self,
        }
    }
}

impl ErrorClass {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::NothingPresented | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::InsufficientScope | Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
