//! The choice of a credential for one request, on the evidence.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::canary::Resend;
use super::decide::{
    CanaryDue, Current, Decision, Newer, Proof, Role, Situation, Tried, Which, decide, wants_newer,
};
use super::evidence::TrackedCredential;
use super::trial::Trial;
use crate::clock::Now;

/// What a request has been through so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress<'a> {
    pub(crate) tried: &'a [Tried],
    pub(crate) resend: Resend,
    pub(crate) sends_left: u8,
    pub(crate) newer: Newer,
}

/// What to do with a request, and with which credential.
pub(crate) enum Choice {
    Send {
        tracked: Arc<TrackedCredential>,
        role: Role,
        permit: Option<CanaryPermit>,
    },
    AwaitNewer,
    GiveUp,
}

/// Chooses what to do with a request.
pub(crate) fn choose(current: &Arc<TrackedCredential>, progress: Progress<'_>, now: Now) -> Choice {
    let mut trial = current.state.trial();
    let situation = situation(current, trial.as_ref(), progress, now);
    match (decide(&situation), &mut *trial) {
        (Decision::AwaitNewer, _) => Choice::AwaitNewer,
        (Decision::GiveUp, _) => Choice::GiveUp,
        (Decision::Send(Which::Previous), Some(trial)) => Choice::Send {
            tracked: Arc::clone(trial.previous()),
            role: Role::InUse,
            permit: None,
        },
        (Decision::Send(which), trial) => {
            let permit = trial
                .as_mut()
                .filter(|_| which == Which::Canary)
                .map(|trial| {
                    trial.canary_sent(now.mono);
                    CanaryPermit(Arc::clone(current))
                });
            let is_trial =
                situation.previous.is_some() && situation.current.proof == Proof::Unproven;
            Choice::Send {
                tracked: Arc::clone(current),
                role: if is_trial { Role::OnTrial } else { Role::InUse },
                permit,
            }
        }
    }
}

/// Returns whether only a newer credential can help a request that was rejected with `tried`.
pub(crate) fn is_exhausted(current: &Arc<TrackedCredential>, tried: &[Tried], now: Now) -> bool {
    let progress = Progress {
        tried,
        resend: Resend::Possible,
        sends_left: 1,
        newer: Newer::NotAsked,
    };
    let trial = current.state.trial();
    wants_newer(&situation(current, trial.as_ref(), progress, now))
}

fn situation<'a>(
    current: &TrackedCredential,
    trial: Option<&Trial<Arc<TrackedCredential>>>,
    progress: Progress<'a>,
    now: Now,
) -> Situation<'a> {
    let canary = trial.map_or(CanaryDue::NotNow, |trial| {
        let rejections = trial.previous().state.rejections_in_a_row();
        trial.canary_at(now.mono, progress.resend, rejections)
    });
    Situation {
        tried: progress.tried,
        current: Current {
            generation: current.generation,
            proof: if current.state.is_proven() {
                Proof::Proven
            } else {
                Proof::Unproven
            },
            canary,
        },
        previous: trial.and_then(|trial| {
            let previous = trial.previous();
            trial.previous_at(previous.generation, previous.state.last_accepted(), now)
        }),
        resend: progress.resend,
        sends_left: progress.sends_left,
        newer: progress.newer,
    }
}

/// The right to be the canary. Dropping it lets another request be the next one.
pub(crate) struct CanaryPermit(Arc<TrackedCredential>);

impl Drop for CanaryPermit {
    fn drop(&mut self) {
        if let Some(trial) = &mut *self.0.state.trial() {
            trial.canary_back(Instant::now());
        }
    }
}

impl fmt::Debug for CanaryPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CanaryPermit")
            .field(&self.0.generation)
            .finish()
    }
}
