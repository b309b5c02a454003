//! The answer side of an adapter.

use crate::outbound::outcome::Outcome;

/// The answer side of an adapter: which answers reject the credential, and which show that it was
/// accepted.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not know which answers are rejections",
    note = "tell a `ClientAdapter` by `.status(…)` if an answer has a status, or by `.rejects(…)`, a rule over the \
            whole `Result<{Res}, {Err}>`"
)]
pub trait ClassifyRejection<Res, Err> {
    /// Returns whether the upstream rejected the credential.
    ///
    /// The rule gets the whole result, since some clients report a rejection as an error.
    fn rejects(&self, answer: &Result<Res, Err>) -> bool;

    /// Returns whether an answer that is not a rejection shows that the upstream accepted the
    /// credential.
    ///
    /// Return `false` for an answer that may have been sent before anybody looked at the
    /// credential. Defaults to `answer.is_ok()`.
    fn accepts(&self, answer: &Result<Res, Err>) -> bool {
        answer.is_ok()
    }

    /// Records the outcome of a rejection in the response, if there is room for it.
    ///
    /// Defaults to doing nothing.
    fn record_outcome(&self, response: &mut Res, outcome: Outcome) {
        let _ = (response, outcome);
    }
}
