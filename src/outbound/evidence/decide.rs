//! Which credential a request carries, and what follows its rejection.
//!
//! The rule is *make before break*. While the upstream has not accepted the current credential, the
//! previous one goes on working, and one request at a time tries the current one:
//!
//! | rejected so far | next |
//! |---|---|
//! | nothing | the previous credential while it is in use and the current one unproven; else the current one |
//! | the previous one | the current one |
//! | the current one, unproven | the previous one |
//! | the current one, proven | a newer one if there is one, else the previous one |
//! | the same, and the previous one was accepted after that proof | the previous one: some nodes do not know the current one yet |
//! | the current one on trial, then the previous one | the current one: the upstream may have switched in between |
//! | all there are | a newer one |
//!
//! No credential is tried twice by one request, but for that one case, and for one whose previous
//! credential is cut over while it waits to be sent again. Nor is any request sent more often than
//! the sends that are left allow.

use super::canary::Resend;
use crate::generation::Generation;

/// All that a decision depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    /// What the request was sent with and rejected with, in order.
    pub(crate) tried: &'a [Tried],
    pub(crate) current: Current,
    /// The previous credential, if it can be used.
    pub(crate) previous: Option<Previous>,
    pub(crate) resend: Resend,
    /// How often the request may still be sent.
    pub(crate) sends_left: u8,
    pub(crate) newer: Newer,
}

/// A credential that the upstream rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) generation: Generation,
    pub(crate) role: Role,
}

/// What a credential was sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// One that works, as far as anybody knows.
    InUse,
    /// One that may not be active yet, beside a previous one.
    OnTrial,
}

/// Whether the upstream has accepted a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Unproven,
    Proven,
}

/// The current credential.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Current {
    pub(crate) generation: Generation,
    pub(crate) proof: Proof,
    /// Whether this request may be the canary.
    pub(crate) canary: CanaryDue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CanaryDue {
    Now,
    NotNow,
}

/// The previous credential.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Previous {
    pub(crate) generation: Generation,
    pub(crate) accepted: LastAccepted,
}

/// When the upstream last accepted a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastAccepted {
    /// Within the last minute, and after the current one was proven.
    SinceProof,
    /// Within the last minute.
    Recently,
    LongAgo,
}

/// Whether a newer credential was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Newer {
    NotAsked,
    NoneFound,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Send(Which),
    /// Wait for a newer credential.
    AwaitNewer,
    /// Give the caller the rejection.
    GiveUp,
}

/// A credential to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Current,
    /// The current one, as a trial.
    Canary,
    Previous,
}

/// Decides what to do with a request.
pub(crate) fn decide(situation: &Situation<'_>) -> Decision {
    let Situation {
        current, previous, ..
    } = *situation;
    if situation.tried.is_empty() {
        return Decision::Send(first(current, previous));
    }
    if situation.sends_left == 0 || situation.resend == Resend::Impossible {
        return Decision::GiveUp;
    }
    let untried = previous.filter(|previous| !situation.has_tried(previous.generation));
    if !situation.has_tried(current.generation) {
        return Decision::Send(match untried {
            Some(previous) if is_preferred(current, previous) => Which::Previous,
            _ => Which::Current,
        });
    }
    match (untried, situation.newer) {
        (Some(previous), Newer::NotAsked)
            if current.proof == Proof::Proven && previous.accepted != LastAccepted::SinceProof =>
        {
            Decision::AwaitNewer
        }
        (Some(_), _) => Decision::Send(Which::Previous),
        (None, _) if situation.was_between(previous) => Decision::Send(Which::Current),
        (None, Newer::NotAsked) => Decision::AwaitNewer,
        (None, Newer::NoneFound) => Decision::GiveUp,
    }
}

/// Returns which credential a request carries at first.
fn first(current: Current, previous: Option<Previous>) -> Which {
    match previous {
        Some(previous) if is_preferred(current, previous) => match current.canary {
            CanaryDue::Now => Which::Canary,
            CanaryDue::NotNow => Which::Previous,
        },
        _ => Which::Current,
    }
}

/// Returns whether the previous credential works as far as anybody knows, and the current one not
/// yet.
fn is_preferred(current: Current, previous: Previous) -> bool {
    current.proof == Proof::Unproven && previous.accepted != LastAccepted::LongAgo
}

impl Situation<'_> {
    fn has_tried(&self, generation: Generation) -> bool {
        self.tried
            .iter()
            .any(|tried| tried.generation == generation)
    }

    /// Returns whether the current credential was rejected on trial, and then the previous one: the
    /// upstream may have switched in between.
    fn was_between(&self, previous: Option<Previous>) -> bool {
        let [canary, fell_back] = self.tried else {
            return false;
        };
        previous.is_some_and(|previous| previous.generation == fell_back.generation)
            && canary.generation == self.current.generation
            && canary.role == Role::OnTrial
    }
}

/// Returns whether the request was rejected with all that it could carry, so that only a newer
/// credential can help.
pub(crate) fn wants_newer(situation: &Situation<'_>) -> bool {
    let current = situation.current.generation;
    let previous = situation.previous.map(|previous| previous.generation);
    [Some(current), previous]
        .into_iter()
        .flatten()
        .all(|generation| situation.has_tried(generation))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Generation = Generation::FIRST;
    const NEW: Generation = Generation::FIRST.next();

    const fn tried(generation: Generation, role: Role) -> Tried {
        Tried { generation, role }
    }

    const fn situation(tried: &[Tried], proof: Proof, accepted: LastAccepted) -> Situation<'_> {
        Situation {
            tried,
            current: Current {
                generation: NEW,
                proof,
                canary: CanaryDue::NotNow,
            },
            previous: Some(Previous {
                generation: OLD,
                accepted,
            }),
            resend: Resend::Possible,
            sends_left: 3,
            newer: Newer::NotAsked,
        }
    }

    use Decision::{AwaitNewer, GiveUp, Send};
    use LastAccepted::{LongAgo, Recently, SinceProof};
    use Proof::{Proven, Unproven};

    #[test]
    fn unproven_key_is_carried_by_the_canary_alone() {
        let mut given = situation(&[], Unproven, Recently);
        assert_eq!(decide(&given), Send(Which::Previous));
        given.current.canary = CanaryDue::Now;
        assert_eq!(decide(&given), Send(Which::Canary));
    }

    #[test]
    fn current_key_is_carried_otherwise() {
        for (proof, accepted) in [
            (Unproven, LongAgo),
            (Proven, SinceProof),
            (Proven, Recently),
        ] {
            let mut given = situation(&[], proof, accepted);
            assert_eq!(decide(&given), Send(Which::Current));
            given.previous = None;
            assert_eq!(decide(&given), Send(Which::Current));
        }
    }

    #[test]
    fn each_key_is_tried_before_a_newer_one() {
        let (old, new) = (tried(OLD, Role::InUse), tried(NEW, Role::OnTrial));
        for accepted in [Recently, LongAgo] {
            let decided = |tried: &[Tried]| decide(&situation(tried, Unproven, accepted));
            assert_eq!(decided(&[old]), Send(Which::Current));
            assert_eq!(decided(&[new]), Send(Which::Previous));
            assert_eq!(decided(&[old, new]), AwaitNewer);
            assert_eq!(
                decided(&[new, old]),
                Send(Which::Current),
                "it may be active now"
            );
            assert_eq!(decided(&[new, old, new]), AwaitNewer);
        }
    }

    #[test]
    fn rejected_proven_key_falls_back_or_is_refreshed() {
        let rejected = [tried(NEW, Role::InUse)];
        assert_eq!(
            decide(&situation(&rejected, Proven, SinceProof)),
            Send(Which::Previous)
        );
        let mut given = situation(&rejected, Proven, Recently);
        assert_eq!(decide(&given), AwaitNewer);
        given.newer = Newer::NoneFound;
        assert_eq!(decide(&given), Send(Which::Previous));
        let both = [tried(NEW, Role::InUse), tried(OLD, Role::InUse)];
        given.tried = &both;
        assert_eq!(decide(&given), GiveUp);
    }

    #[test]
    fn older_key_is_followed_by_the_preferred_one() {
        let newest = NEW.next();
        let older = [tried(OLD, Role::InUse)];
        for (accepted, which) in [(Recently, Which::Previous), (LongAgo, Which::Current)] {
            let mut given = situation(&older, Unproven, accepted);
            given.current.generation = newest;
            given.previous = given.previous.map(|previous| Previous {
                generation: NEW,
                ..previous
            });
            assert_eq!(decide(&given), Send(which));
        }
    }

    #[test]
    fn nothing_is_sent_without_a_body_or_a_send_left() {
        let rejected = [tried(OLD, Role::InUse)];
        let mut given = situation(&rejected, Unproven, Recently);
        given.sends_left = 0;
        assert_eq!(decide(&given), GiveUp);
        given.sends_left = 1;
        given.resend = Resend::Impossible;
        assert_eq!(decide(&given), GiveUp);
    }

    #[test]
    fn newer_key_is_wanted_once_all_are_rejected() {
        let (old, new) = (tried(OLD, Role::InUse), tried(NEW, Role::OnTrial));
        let wants = |tried: &[Tried]| wants_newer(&situation(tried, Unproven, Recently));
        assert!(!wants(&[old]) && !wants(&[new]));
        assert!(wants(&[old, new]) && wants(&[new, old]));
        let rejected = [new];
        let mut given = situation(&rejected, Unproven, Recently);
        given.previous = None;
        assert!(wants_newer(&given));
    }

    #[test]
    fn only_key_is_refreshed_once() {
        let rejected = [tried(NEW, Role::InUse)];
        let mut given = situation(&rejected, Proven, LongAgo);
        given.previous = None;
        assert_eq!(decide(&given), AwaitNewer);
        given.newer = Newer::NoneFound;
        assert_eq!(decide(&given), GiveUp);
    }
}
