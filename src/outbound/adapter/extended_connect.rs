//! Extended CONNECT, and what else tells where an `http::Request` goes.

use http::{Extensions, Method, Request, Version};

use super::target::Target;

/// How to tell an extended CONNECT
/// ([RFC 8441 §4](https://www.rfc-editor.org/rfc/rfc8441#section-4)), which is a request to the
/// origin, from one that asks for a tunnel: by an extension that marks it.
///
/// The URI does not tell. hyper-util's client takes `CONNECT https://host/path`, and sends
/// `CONNECT host`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExtendedConnect(Option<fn(&Extensions) -> bool>);

impl ExtendedConnect {
    /// Takes an extension of type `P` for the mark.
    pub(crate) fn marked_by<P: Send + Sync + 'static>() -> Self {
        Self(Some(|extensions| extensions.get::<P>().is_some()))
    }

    /// Returns where the request goes.
    pub(crate) fn target<B>(self, request: &Request<B>) -> Target<'_> {
        let target = Target::from_uri(request.uri()).with_host(request.headers());
        if self.is_marked(request) {
            return target;
        }
        target.with_method(request.method())
    }

    fn is_marked<B>(self, request: &Request<B>) -> bool {
        // Over HTTP/1.1, clients ignore the mark and ask for a tunnel.
        *request.method() == Method::CONNECT
            && matches!(request.version(), Version::HTTP_2 | Version::HTTP_3)
            && self
                .0
                .is_some_and(|is_marked| is_marked(request.extensions()))
    }
}
