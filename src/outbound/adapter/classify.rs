//! The answer side of an adapter.

use crate::outbound::credential::AuthScheme;
use crate::outbound::outcome::Outcome;

/// The verdict of an answer on the credential that its request carried.
///
/// A service inside the layer that knows more than the answer's head shows, such as which paths
/// check no key, can put a verdict into the extensions of an `http::Response`.
/// [`HttpAdapter`](crate::outbound::adapter::HttpAdapter) takes it as it is.
/// [`RejectByBodyLayer`](crate::outbound::body_rejection::RejectByBodyLayer) does that.
///
/// # Examples
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use tower::{Layer, service_fn};
/// use tower_rotating_auth::{
///     Secret,
///     outbound::adapter::Verdict,
///     outbound::{RotatingCredential, Credential, InjectKeyLayer, Outcome},
/// };
///
/// /// Marks the answers of the administration, which takes no API keys and always answers 401.
/// async fn mark(request: Request<String>) -> Result<Response<()>, std::convert::Infallible> {
///     let mut response = Response::new(());
///     *response.status_mut() = StatusCode::UNAUTHORIZED;
///     if request.uri().path().starts_with("/admin/") {
///         response.extensions_mut().insert(Verdict::Inconclusive);
///     }
///     Ok(response)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (key, _publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
/// let client = InjectKeyLayer::new("https://api.example.com", key)?.layer(service_fn(mark));
/// for (url, is_rejection) in [
///     ("https://api.example.com/v1/models", true),
///     ("https://api.example.com/admin/users", false),
/// ] {
///     let response = client.clone().oneshot(Request::get(url).body(String::new())?).await?;
///     assert_eq!(response.extensions().get::<Outcome>().is_some(), is_rejection);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The upstream rejected the credential. The request is replayed with another one.
    Rejected,
    /// The upstream accepted the credential, which proves it.
    Accepted,
    /// The answer says nothing about the credential. It may have been sent before anybody looked at
    /// it.
    Inconclusive,
}

/// The answer side of an adapter: what an answer says about the credential.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not know which answers are rejections",
    note = "tell a `ClientAdapter` by `.head(…)` or `.status(…)` if an answer has a status, or by `.rejects(…)`, a \
            rule over the whole `Result<{Res}, {Err}>`"
)]
pub trait ClassifyRejection<Res, Err> {
    /// Returns what an answer says about the credential.
    ///
    /// The rule gets the whole result, since some clients report a rejection as an error. `scheme`
    /// is the one that the credential was sent with in `Authorization`, or `None` for a credential
    /// without one, as in `x-api-key`.
    ///
    /// Return [`Verdict::Inconclusive`] if in doubt. A credential that is taken for accepted too
    /// early ends the overlap with the previous one.
    fn classify(&self, answer: &Result<Res, Err>, scheme: Option<&AuthScheme>) -> Verdict;

    /// Returns whether the upstream rejected the credential, as [`classify`](Self::classify) says.
    fn rejects(&self, answer: &Result<Res, Err>, scheme: Option<&AuthScheme>) -> bool {
        self.classify(answer, scheme) == Verdict::Rejected
    }

    /// Returns whether the upstream accepted the credential, as [`classify`](Self::classify) says.
    fn accepts(&self, answer: &Result<Res, Err>, scheme: Option<&AuthScheme>) -> bool {
        self.classify(answer, scheme) == Verdict::Accepted
    }

    /// Records the outcome of a rejection in the response, if there is room for it.
    ///
    /// Defaults to doing nothing.
    fn record_outcome(&self, response: &mut Res, outcome: Outcome) {
        let _ = (response, outcome);
    }
}
