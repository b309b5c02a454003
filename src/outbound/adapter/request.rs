//! The request side of an adapter.

use http::header::{HeaderName, HeaderValue};

use super::target::Target;

/// The request side of an adapter: where a request goes, and how it is given a header, saved and
/// sent again.
///
/// [`HttpAdapter`](crate::outbound::adapter::HttpAdapter) implements it for `http::Request`.
/// [`ClientAdapter`](crate::outbound::adapter::ClientAdapter) builds it from functions that a
/// client's request type has, such as those of `reqwest::Request`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not know requests of type `{Req}`",
    note = "without an adapter of its own, `InjectKeyLayer` takes `http::Request`",
    note = "for the requests of another client, give `InjectKeyLayer::adapter` a `ClientAdapter`"
)]
pub trait RequestAdapter<Req> {
    /// The request that the inner service is called with.
    type Sent;
    /// What is kept of a request until the answer to the first attempt is known.
    type Saved;

    /// Returns where the request goes.
    fn target<'a>(&self, request: &'a Req) -> Target<'a>;

    /// Returns whether the caller has set the header.
    ///
    /// The request is not changed. It is borrowed mutably because some types show their headers in
    /// no other way.
    fn has_header(&self, request: &mut Req, name: &HeaderName) -> bool;

    /// Converts a request that is sent once, without a key.
    fn pass(&self, request: Req) -> Self::Sent;

    /// Converts a request that may be sent again, and saves what a replay needs.
    ///
    /// What is saved has the headers as the caller set them. Returns `None` in its place if the
    /// request cannot be sent again.
    fn save(&self, request: Req) -> (Self::Sent, Option<Self::Saved>);

    /// Pauses the first attempt after its rejection, until it is known whether there is a replay.
    ///
    /// Returns `None` if the request can no longer be replayed. Defaults to doing nothing.
    fn pause(&self, saved: Self::Saved) -> Option<Self::Saved> {
        Some(saved)
    }

    /// Restores the request for the replay, or returns `None` if it can no longer be replayed.
    fn resend(&self, saved: Self::Saved) -> Option<Self::Sent>;

    /// Restores the request as [`resend`](Self::resend) does, and keeps what yet another replay
    /// needs.
    ///
    /// Returns `None` in its place if there can be only one replay, which is the default.
    fn resend_again(&self, saved: Self::Saved) -> Option<(Self::Sent, Option<Self::Saved>)> {
        Some((self.resend(saved)?, None))
    }

    /// Sets the header, in place of any of that name.
    fn set_header(&self, request: &mut Self::Sent, name: &HeaderName, value: HeaderValue);
}
