//! The seam between the layer and the kind of request that a client takes.

use http::header::{HeaderName, HeaderValue};

use super::target::Target;
use crate::outbound::inject_key::Outcome;

/// The request side of the seam: how a request is looked at, given a header, kept and sent again.
///
/// [`HttpAdapter`](crate::outbound::adapter::HttpAdapter) implements it for `http::Request`; [`ClientAdapter`](crate::outbound::adapter::ClientAdapter) makes it of functions that a
/// client's request has already, such as those of `reqwest::Request`.
pub trait RequestAdapter<Req> {
    /// What the inner service is called with.
    type Sent;
    /// What is kept of a request until the answer to the first attempt is known.
    type Saved;

    /// Where the request goes.
    fn target<'a>(&self, request: &'a Req) -> Target<'a>;

    /// Whether the caller has set the header. Some requests show their headers only to who may change them;
    /// here nobody does.
    fn carries(&self, request: &mut Req, name: &HeaderName) -> bool;

    /// A request that is sent once.
    fn pass(&self, request: Req) -> Self::Sent;

    /// A request that may be sent again, with what is kept for that: the headers as the caller gave them.
    /// `None` where it cannot be sent again.
    fn save(&self, request: Req) -> (Self::Sent, Option<Self::Saved>);

    /// The first attempt was rejected: there is no point in sending more of it until it is known whether there
    /// will be a second. `None` where it turns out that there can be none.
    fn pause(&self, saved: Self::Saved) -> Option<Self::Saved> {
        Some(saved)
    }

    /// The request for the second attempt; `None` where it turns out that there is none.
    fn resend(&self, saved: Self::Saved) -> Option<Self::Sent>;

    /// Sets the header, in place of any that is there.
    fn set(&self, request: &mut Self::Sent, name: &HeaderName, value: HeaderValue);
}

/// The answer's side of the seam.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not know which answers are rejections",
    note = "a `Seam` is told by `.status(…)`, where an answer has one, or by `.rejects(…)`, a rule over the whole \
            `Result<{Res}, {Err}>`"
)]
pub trait ClassifyRejection<Res, Err> {
    /// Whether the upstream did not take the credential. Some clients tell it as an error, and gRPC tells
    /// it in a response that is otherwise fine: the rule is given the whole result.
    fn rejects(&self, answer: &Result<Res, Err>) -> bool;

    /// Whether an answer that is not a rejection shows that the upstream took the credential. An error does not, nor
    /// does what was answered before anybody looked at it.
    fn accepts(&self, answer: &Result<Res, Err>) -> bool {
        answer.is_ok()
    }

    /// Takes note of what was done about a rejection, where responses have room for it.
    fn note(&self, response: &mut Res, outcome: Outcome) {
        let _ = (response, outcome);
    }
}
