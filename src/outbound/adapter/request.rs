//! The request side of an adapter.

use http::header::{HeaderName, HeaderValue};

use super::target::Target;
use crate::outbound::event::RequestInfo;
use crate::syntax::header_name::is_same_variable;

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
    /// The saved request, kept until the answer shows that no replay follows.
    type Saved;

    /// Returns where the request goes.
    ///
    /// Add the method and the `Host` header that the caller has set, if the request has such.
    ///
    /// The request is not changed. It is borrowed mutably because some types show their headers in
    /// no other way.
    fn target<'a>(&self, request: &'a mut Req) -> Target<'a>;

    /// Returns whether the caller has set the header.
    ///
    /// The request is not changed, as in [`target`](Self::target).
    fn has_header(&self, request: &mut Req, name: &HeaderName) -> bool;

    /// Removes the header that the caller has set, and all others that a server could take for it
    /// ([`is_same_header`]).
    ///
    /// Called if the layer [overrides] existing headers: before [`save`](Self::save), and before
    /// [`pass`](Self::pass) on some requests that get no key.
    ///
    /// [overrides]: crate::outbound::InjectKeyLayer::override_existing
    fn remove_header(&self, request: &mut Req, name: &HeaderName);

    /// Converts a request that is sent once, without a key.
    fn pass(&self, request: Req) -> Self::Sent;

    /// Converts a request that may be sent again, and keeps what a replay needs.
    ///
    /// What is kept has no key of ours. Of a request that cannot be sent again, it is the
    /// description for events.
    fn save(&self, request: Req) -> (Self::Sent, Kept<Self::Saved>);

    /// Pauses an attempt after its rejection, until it is known whether there is a replay.
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

    /// Sets the header, in place of any of that name, on the first attempt or on a replay.
    ///
    /// Also removes its name from `Connection`, if the request can have that header: a proxy drops
    /// every header that is named there
    /// ([RFC 9110 §7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1)).
    /// [`Credential::apply_to`](crate::outbound::Credential::apply_to) does both on a `HeaderMap`.
    fn set_header(&self, request: &mut Self::Sent, name: &HeaderName, value: HeaderValue);

    /// Returns what events say about a saved request: its method and its id. Defaults to nothing.
    ///
    /// The layer adds the peer and the route.
    ///
    /// The request is not changed, as in [`target`](Self::target).
    fn info(&self, _saved: &mut Self::Saved) -> RequestInfo {
        RequestInfo::default()
    }
}

/// What is kept of a request that is sent: [`RequestAdapter::save`] returns it.
///
/// Either way, events can describe the request.
#[derive(Debug)]
pub enum Kept<S> {
    /// What a replay needs.
    ForReplay(S),
    /// The description of a request that cannot be sent again, as
    /// [`info`](RequestAdapter::info) returns it for others.
    ForEvents(RequestInfo),
}

/// Returns whether a server could take one header for the other: their names are equal but for
/// case and punctuation.
///
/// Many servers hand headers to a program as variables, whose names have `_` in place of any
/// punctuation.
///
/// # Examples
///
/// ```
/// use http::HeaderName;
/// use tower_rotating_auth::outbound::adapter::is_same_header;
///
/// let [key, twin, other] = ["x-api-key", "x_api.key", "x-apikey"].map(HeaderName::from_static);
/// assert!(is_same_header(&key, &twin));
/// assert!(!is_same_header(&key, &other));
/// ```
#[must_use]
pub fn is_same_header(one: &HeaderName, other: &HeaderName) -> bool {
    is_same_variable(one.as_str().as_bytes(), other.as_str().as_bytes())
}
