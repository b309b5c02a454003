//! The steps of a script, and the setup of the engine.

use std::time::Duration;

use tower_rotating_auth::{
    rotating::RotatingBuilder,
    source::{RefreshInterval, SourceErrorKind},
};

use super::world::Does;

/// One step of a script.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Pass(Duration),
    /// Changes the server's value.
    Rotate(u8),
    /// Sets what the source does when it is asked …
    Does(Does),
    /// … how long that takes, how long its values live, and whether they have a revision.
    Takes(Duration),
    Lives(Option<Duration>),
    Revises(bool),
    Hint,
    HintPanics,
    /// Sets the wall clock forward or back.
    SetClock(i64),
    /// Reports a rejection of the current value, or of the first one.
    Reject,
    RejectFirst,
    /// Requests a refresh.
    Refresh,
    /// Cancels a wait.
    GiveUp(u8),
    DropDriver,
}

impl Op {
    pub(crate) const LONGEST_LIFE: Duration = Duration::from_secs(600);

    /// Decodes a step. Any two bytes are one.
    pub(crate) fn decode([kind, choice]: [u8; 2]) -> Self {
        const YEAR: i64 = 365 * 24 * 60 * 60;
        let secs = Duration::from_secs;
        let millis = Duration::from_millis;
        match kind % 32 {
            0..=9 => Self::Pass(pick(
                choice,
                &[
                    millis(1),
                    millis(300),
                    secs(1),
                    secs(2),
                    secs(4),
                    secs(11),
                    secs(40),
                    secs(130),
                    secs(600),
                ],
            )),
            10..=12 => Self::Rotate(choice % 4),
            13..=15 => Self::Does(pick(
                choice,
                &[
                    Does::Deliver,
                    Does::Unchanged,
                    Does::Fail(SourceErrorKind::Transient),
                    Does::Fail(SourceErrorKind::Permanent),
                    Does::Fail(SourceErrorKind::Invalid),
                    Does::Throttle(secs(0)),
                    Does::Throttle(secs(20)),
                    Does::Throttle(secs(10_000)),
                    Does::Hang,
                    Does::Panic,
                ],
            )),
            16 | 17 => Self::Takes(pick(
                choice,
                &[
                    millis(0),
                    millis(20),
                    millis(800),
                    secs(4),
                    secs(6),
                    secs(29),
                ],
            )),
            18 => Self::Lives(pick(
                choice,
                &[
                    None,
                    Some(secs(0)),
                    Some(secs(1)),
                    Some(secs(5)),
                    Some(secs(60)),
                    Some(Self::LONGEST_LIFE),
                ],
            )),
            19 => Self::Revises(choice % 2 == 0),
            20 | 21 => Self::Hint,
            22 => Self::HintPanics,
            23 => Self::SetClock(pick(
                choice,
                &[1, -1, 3600, -3600, 75 * YEAR, -56 * YEAR, -100 * YEAR],
            )),
            24..=26 => Self::Reject,
            27 => Self::RejectFirst,
            28 | 29 => Self::Refresh,
            30 => Self::GiveUp(choice),
            _ if choice < 32 => Self::DropDriver,
            _ => Self::Reject,
        }
    }
}

fn pick<T: Copy>(choice: u8, among: &[T]) -> T {
    among[usize::from(choice) % among.len()]
}

/// The settings of the engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) poll: Option<Duration>,
    pub(crate) min_interval: Duration,
    pub(crate) force_wait: Duration,
    pub(crate) fetch_timeout: Duration,
}

impl Setup {
    /// Decodes a setup. Any byte is one; 0 has the defaults.
    pub(crate) const fn decode(choice: u8) -> Self {
        let secs = Duration::from_secs;
        Self {
            poll: if choice & 1 == 0 {
                None
            } else {
                Some(secs(10))
            },
            min_interval: match choice >> 1 & 3 {
                0 | 1 => secs(1),
                2 => Duration::from_millis(10),
                _ => secs(7),
            },
            force_wait: secs(if choice & 8 == 0 { 5 } else { 25 }),
            fetch_timeout: secs(if choice & 16 == 0 { 30 } else { 3 }),
        }
    }

    pub(crate) const fn refresh_interval(&self) -> RefreshInterval {
        match self.poll {
            Some(poll) => RefreshInterval::new(poll, self.min_interval),
            None => RefreshInterval::new(Duration::from_secs(60), self.min_interval),
        }
    }

    pub(crate) fn apply(&self, builder: RotatingBuilder) -> RotatingBuilder {
        builder
            .force_wait(self.force_wait)
            .fetch_timeout(self.fetch_timeout)
    }
}
