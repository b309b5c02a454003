//! Which requests are sent again, from what an error says about them.

use std::error::Error;
use std::io;

use http::Method;

/// Which requests without a response are sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resend {
    /// Requests that were not processed.
    Unprocessed,
    /// Requests that were not processed, and those with an idempotent method.
    #[default]
    Idempotent,
    /// Each request whose connection broke. For an upstream that recognises a repeated request,
    /// for example by an `Idempotency-Key`.
    Always,
}

/// What is known about a request that got no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoResponse {
    /// The upstream has not processed it.
    Unprocessed,
    /// The connection broke, and the upstream may have processed it.
    Broken,
    /// Sending it again would fail in the same way, or the error is not about the connection.
    OtherError,
}

impl NoResponse {
    pub(crate) fn from_error(error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(cause) = next {
            if let Some(known) = Self::from_cause(cause) {
                return known;
            }
            next = cause.source();
        }
        Self::OtherError
    }

    fn from_cause(cause: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(error) = cause.downcast_ref::<h2::Error>() {
            return Self::from_h2(error);
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            // A body that failed would fail again. Its cause must not be taken for the
            // connection's.
            return match () {
                () if error.is_user() => Some(Self::OtherError),
                () if error.is_incomplete_message() => Some(Self::Broken),
                () => None,
            };
        }
        let error = cause.downcast_ref::<io::Error>()?;
        match error.kind() {
            io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof => Some(Self::Broken),
            // `source` skips the error that an I/O error wraps.
            _ => error
                .get_ref()
                .and_then(|wrapped| Self::from_cause(wrapped)),
        }
    }

    fn from_h2(error: &h2::Error) -> Option<Self> {
        if error.is_reset() && error.is_remote() {
            return Some(match error.reason() {
                Some(h2::Reason::REFUSED_STREAM) => Self::Unprocessed,
                _ => Self::OtherError,
            });
        }
        if error.is_go_away() && error.is_remote() {
            return Some(Self::Broken);
        }
        None // an I/O error, which is the source
    }

    /// Returns whether a request with this method is sent again.
    pub(crate) fn permits(self, resend: Resend, method: &Method) -> bool {
        match (self, resend) {
            (Self::Unprocessed, _) | (Self::Broken, Resend::Always) => true,
            (Self::Broken, Resend::Idempotent) => method.is_idempotent(),
            (Self::Broken, Resend::Unprocessed) | (Self::OtherError, _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_repeated_only_where_that_is_safe() {
        let repeated = |known: NoResponse, resend, method| known.permits(resend, &method);
        for resend in [Resend::Unprocessed, Resend::Idempotent, Resend::Always] {
            assert!(repeated(NoResponse::Unprocessed, resend, Method::POST));
            assert!(!repeated(NoResponse::OtherError, resend, Method::GET));
        }
        for (resend, get, post) in [
            (Resend::Unprocessed, false, false),
            (Resend::Idempotent, true, false),
            (Resend::Always, true, true),
        ] {
            assert_eq!(repeated(NoResponse::Broken, resend, Method::GET), get);
            assert_eq!(repeated(NoResponse::Broken, resend, Method::DELETE), get);
            assert_eq!(repeated(NoResponse::Broken, resend, Method::PATCH), post);
            assert_eq!(repeated(NoResponse::Broken, resend, Method::POST), post);
        }
    }

    #[test]
    fn refused_stream_proves_and_other_resets_do_not() {
        let of = |reason: h2::Reason| NoResponse::from_error(&h2::Error::from(reason));
        // A reason alone does not say that the upstream sent it.
        assert_eq!(of(h2::Reason::REFUSED_STREAM), NoResponse::OtherError);
        assert_eq!(of(h2::Reason::CANCEL), NoResponse::OtherError);
    }

    #[test]
    fn connection_errors_are_found_behind_others() {
        let reset = io::Error::other(io::Error::from(io::ErrorKind::ConnectionReset));
        assert_eq!(NoResponse::from_error(&reset), NoResponse::Broken);
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(NoResponse::from_error(&refused), NoResponse::OtherError);
    }
}
