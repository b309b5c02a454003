//! The attempts at one request: the credentials that it was sent with, and what their answers say.

use std::sync::Arc;

use super::shared::Handle;
use crate::outbound::adapter::{ClassifyRejection, Kept, RequestAdapter};
use crate::outbound::config::SelectedKey;
use crate::outbound::credential::{AuthScheme, Credential};
use crate::outbound::event::{EventKind, RequestInfo};
use crate::outbound::evidence::{
    Acceptance, CanaryPermit, Choice, Evidence, EvidenceAtSend, Newer, Progress, Resend, Role,
    TrackedCredential, Tried, choose, is_exhausted,
};
use crate::outbound::outcome::{Attempt, AttemptResult, NotReplayed, Outcome, ReplayOutcome};
use crate::outbound::rotating_credential::RotatingCredential;
use crate::outbound::routes::{Index, Origin};
use crate::rotating::{RefreshError, Refreshing};
use crate::telemetry::meter;

/// The attempts at one request: the one under way, and those that were rejected.
pub(crate) struct RequestAttempts<X> {
    shared: Arc<Handle<X>>,
    index: Index,
    /// The origin of the request, if its key is for any.
    origin: Option<Origin>,
    /// What events say about the request: there from the start if it was not saved, and once it was
    /// rejected otherwise.
    info: Option<Box<RequestInfo>>,
    /// The attempt under way.
    sent: Sent,
    /// What the upstream rejected before. Empty for nearly all requests, and then not allocated.
    tried: Vec<Tried>,
    /// The number of attempts after the first one.
    resends: usize,
    /// Why there is no newer credential, if one was asked for.
    no_newer: Option<RefreshError>,
    /// Held until the request is answered, if it is the canary.
    _permit: Option<CanaryPermit>,
}

/// An attempt under way.
struct Sent {
    tried: Tried,
    at_send: EvidenceAtSend,
    /// The scheme of the credential, which challenges name.
    scheme: Option<AuthScheme>,
}

impl Sent {
    fn new(tracked: &TrackedCredential, role: Role) -> Self {
        let generation = tracked.generation;
        Self {
            tried: Tried { generation, role },
            at_send: tracked.state.at_send(),
            scheme: tracked.value.auth_scheme().cloned(),
        }
    }
}

/// What follows a rejection.
pub(crate) enum Next {
    /// There is another credential.
    SendAgain,
    /// There may be a newer credential soon.
    Await(Refreshing<Credential, Evidence>),
    /// The caller gets the rejection.
    GiveUp(NotReplayed),
}

impl<X> RequestAttempts<X> {
    /// Sets the credential of the first attempt, on the one that was found for the request. Returns
    /// what is saved of the request, too.
    pub(crate) fn start<Req>(
        shared: &Arc<Handle<X>>,
        selected: SelectedKey,
        sent: &mut X::Sent,
        kept: Kept<X::Saved>,
    ) -> (Self, Option<X::Saved>)
    where
        X: RequestAdapter<Req>,
    {
        let SelectedKey {
            index,
            credential,
            origin,
        } = selected;
        let (saved, info, resend) = match kept {
            Kept::ForReplay(saved) => (Some(saved), None, Resend::Possible),
            Kept::ForEvents(info) => (None, Some(Box::new(info)), Resend::Impossible),
        };
        let evidence = credential.state();
        let set = |sent: &mut X::Sent, credential: &Credential| {
            shared
                .adapter
                .set_header(sent, credential.name(), credential.value());
        };
        let (mut attempt, mut canary) = (None, None);
        if evidence.is_on_trial() {
            let key = shared.config.key(index);
            let progress = Progress {
                tried: &[],
                resend,
                sends_left: shared.config.max_sends.left_after(0),
                newer: Newer::NotAsked,
            };
            let now = key.now();
            key.report_overdue(&credential, now);
            if let Choice::Send {
                tracked,
                role,
                permit,
            } = choose(credential.content(), progress, now)
            {
                set(sent, &tracked.value);
                (attempt, canary) = (Some(Sent::new(&tracked, role)), permit);
            }
        }
        let attempt = attempt.unwrap_or_else(|| {
            // The usual case: no lock, and no count that threads would share.
            set(sent, &credential);
            Sent::new(credential.content(), Role::InUse)
        });
        let attempts = Self {
            shared: Arc::clone(shared),
            index,
            origin,
            info,
            sent: attempt,
            tried: Vec::new(),
            resends: 0,
            no_newer: None,
            _permit: canary,
        };
        (attempts, saved)
    }

    pub(crate) fn adapter(&self) -> &X {
        &self.shared.adapter
    }

    fn key(&self) -> &RotatingCredential {
        self.shared.config.key(self.index)
    }

    fn sends_left(&self) -> u8 {
        self.shared.config.max_sends.left_after(self.tried.len())
    }

    /// Returns whether the request may be sent more than once more.
    pub(crate) fn resend_after_next(&self) -> Resend {
        if self.sends_left() > 1 {
            Resend::Possible
        } else {
            Resend::Impossible
        }
    }

    /// Returns whether the answer to the attempt under way rejects its credential.
    pub(crate) fn rejects<Res, Err>(&self, answer: &Result<Res, Err>) -> bool
    where
        X: ClassifyRejection<Res, Err>,
    {
        self.adapter().rejects(answer, self.sent.scheme.as_ref())
    }

    /// Records that the attempt under way was rejected.
    pub(crate) fn rejected<Req>(&mut self, saved: Option<&mut X::Saved>)
    where
        X: RequestAdapter<Req>,
    {
        if let (None, Some(saved)) = (&self.info, saved) {
            self.info = Some(Box::new(self.adapter().info(saved)));
        }
        self.tried.push(self.sent.tried);
        self.key().rejected(self.sent.tried.generation);
        meter::add(meter::REJECTIONS, &self.key().name(), None, 1);
    }

    /// Decides what follows the last rejection.
    pub(crate) fn next(&mut self, resend: Resend) -> Next {
        match self.choose(resend) {
            Choice::Send { .. } => Next::SendAgain,
            Choice::AwaitNewer => Next::Await(self.refresh()),
            Choice::GiveUp => Next::GiveUp(self.give_up(resend)),
        }
    }

    /// Records that a newer credential was asked for in vain.
    pub(crate) fn no_newer(&mut self, error: RefreshError) {
        self.no_newer = Some(error);
    }

    fn choose(&self, resend: Resend) -> Choice {
        let current = self.key().current();
        let progress = Progress {
            tried: &self.tried,
            resend,
            sends_left: self.sends_left(),
            newer: match self.no_newer {
                Some(_) => Newer::NoneFound,
                None => Newer::NotAsked,
            },
        };
        let now = self.key().now();
        self.key().report_overdue(&current, now);
        choose(current.content(), progress, now)
    }

    /// Sets the credential of the next attempt, as late as possible: the credentials may have
    /// changed while the request waited for the inner service.
    pub(crate) fn send_again<Req>(&mut self, request: &mut X::Sent, resend: Resend)
    where
        X: RequestAdapter<Req>,
    {
        let (tracked, role) = match self.choose(resend) {
            Choice::Send { tracked, role, .. } => (tracked, role),
            // The credential that was to be sent is gone. The answer to the last attempt is gone,
            // too, so the current one has to do.
            Choice::AwaitNewer | Choice::GiveUp => {
                (Arc::clone(self.key().current().content()), Role::InUse)
            }
        };
        let credential = &tracked.value;
        self.shared
            .adapter
            .set_header(request, credential.name(), credential.value());
        self.sent = Sent::new(&tracked, role);
        self.resends += 1;
        // The name that OpenTelemetry gives it. A span that does not declare it ignores it.
        tracing::Span::current().record("http.request.resend_count", self.tried.len());
        self.emit(EventKind::Replayed {
            rejected: self.rejections(),
            generation: tracked.generation,
            request: self.info(),
        });
    }

    /// Requests a credential newer than all that were rejected.
    fn refresh(&self) -> Refreshing<Credential, Evidence> {
        let generations = self.tried.iter().map(|tried| tried.generation);
        let newest = generations.max().unwrap_or(self.sent.tried.generation);
        self.key().refresh_newer_than(newest)
    }

    /// Returns why there is no other attempt. If the request was rejected with all that there is,
    /// a refresh is requested all the same: later requests profit from it.
    pub(crate) fn give_up(&mut self, resend: Resend) -> NotReplayed {
        if self.no_newer.is_none() {
            let current = self.key().current();
            if is_exhausted(current.content(), &self.tried, self.key().now()) {
                drop(self.refresh());
            }
        }
        match self.no_newer.take() {
            _ if self.sends_left() == 0 => NotReplayed::NoSendLeft,
            Some(error) if resend == Resend::Possible => NotReplayed::RefreshFailed(error),
            _ => NotReplayed::BodyNotKept,
        }
    }

    fn rejections(&self) -> Vec<Attempt> {
        let rejected = |tried: &Tried| Attempt {
            generation: tried.generation,
            result: match tried.role {
                Role::InUse => AttemptResult::Rejected,
                Role::OnTrial => AttemptResult::NotActive,
            },
        };
        self.tried.iter().map(rejected).collect()
    }

    /// Ends the request with an answer that is not a rejection.
    pub(crate) fn answered<Req, Res, Err>(
        mut self,
        mut answer: Result<Res, Err>,
        saved: Option<&mut X::Saved>,
    ) -> Result<Res, Err>
    where
        X: RequestAdapter<Req> + ClassifyRejection<Res, Err>,
    {
        let generation = self.sent.tried.generation;
        let is_news = self.sent.at_send.acceptance == Acceptance::IsNews || !self.tried.is_empty();
        let is_accepted = is_news && self.adapter().accepts(&answer, self.sent.scheme.as_ref());
        if is_accepted {
            let at_send = Some(self.sent.at_send);
            self.key()
                .accepted(generation, at_send, || self.info_of(saved));
            for tried in &self.tried {
                self.key().too_early(tried.generation, generation);
            }
        }
        // Some clients return answers of the upstream as errors, which an adapter may know.
        if answer.is_err() && !is_accepted {
            self.not_answered(ReplayOutcome::Failed);
        } else if !self.tried.is_empty() {
            let mut attempts = self.rejections();
            attempts.push(Attempt {
                generation,
                result: AttemptResult::NotRejected,
            });
            self.count_replay(ReplayOutcome::Recovered);
            self.emit(EventKind::Recovered {
                attempts: attempts.clone(),
                request: self.info(),
            });
            self.tried.clear();
            let Ok(response) = &mut answer else {
                return answer;
            };
            self.adapter()
                .record_outcome(response, Outcome::new(attempts, None));
        }
        answer
    }

    /// Ends the request without an answer, and reports that if it was rejected before.
    pub(crate) fn not_answered(&mut self, outcome: ReplayOutcome) {
        if self.tried.is_empty() {
            return;
        }
        let mut attempts = self.rejections();
        if self.resends == self.tried.len() {
            attempts.push(Attempt {
                generation: self.sent.tried.generation,
                result: AttemptResult::NotAnswered,
            });
        }
        self.count_replay(outcome);
        self.emit(EventKind::NotAnswered {
            attempts,
            reason: outcome.as_str(),
            request: self.info(),
        });
        self.tried.clear();
    }

    /// Ends the request with a rejection.
    pub(crate) fn given_up<Res, Err>(
        mut self,
        mut answer: Result<Res, Err>,
        reason: NotReplayed,
    ) -> Result<Res, Err>
    where
        X: ClassifyRejection<Res, Err>,
    {
        let rejected = self.rejections();
        self.count_replay(match rejected.len() {
            0 | 1 => reason.outcome(),
            _ => ReplayOutcome::Rejected,
        });
        let info = self.info();
        self.emit(EventKind::rejected(rejected.clone(), &reason, info));
        self.key().rejected_with(&self.tried);
        if let Ok(response) = &mut answer {
            let outcome = Outcome::new(rejected, Some(reason));
            self.adapter().record_outcome(response, outcome);
        }
        self.tried.clear();
        answer
    }

    fn info(&self) -> RequestInfo {
        self.with_destination(self.info.as_deref().cloned().unwrap_or_default())
    }

    /// Returns the same for a request that may not be described yet.
    fn info_of<Req>(&self, saved: Option<&mut X::Saved>) -> RequestInfo
    where
        X: RequestAdapter<Req>,
    {
        match (&self.info, saved) {
            (None, Some(saved)) => self.with_destination(self.adapter().info(saved)),
            _ => self.info(),
        }
    }

    fn with_destination(&self, described: RequestInfo) -> RequestInfo {
        let table = &self.shared.config.table;
        let Some((route, origin)) = table.destination(self.index, self.origin.as_ref()) else {
            return described;
        };
        RequestInfo {
            peer: Some(origin.host_and_port().into()),
            route: Some(route.into()),
            ..described
        }
    }

    /// Counts a rejected request by what became of it.
    fn count_replay(&self, outcome: ReplayOutcome) {
        let outcome = Some(("outcome", outcome.as_str()));
        meter::add(meter::REPLAYS, &self.key().name(), outcome, 1);
    }

    fn emit(&self, kind: EventKind) {
        self.key().emit(kind);
    }
}

impl<X> Drop for RequestAttempts<X> {
    // Rejections that are left are those of a request that did not end.
    fn drop(&mut self) {
        self.not_answered(ReplayOutcome::Cancelled);
    }
}
