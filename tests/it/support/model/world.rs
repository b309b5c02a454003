//! The state that a script changes, and the source that delivers it to the engine.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tower_rotating_auth::{
    rotating::Generation,
    source::{
        Expiry, Fetch, FetchReason, Fetched, RefreshInterval, Revision, Source, SourceError,
        SourceErrorKind,
    },
};

/// The behaviour of the source.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Does {
    Deliver,
    Unchanged,
    Fail(SourceErrorKind),
    Throttle(Duration),
    Hang,
    Panic,
}

#[derive(Clone)]
pub(crate) struct World(Arc<Shared>);

struct Shared {
    began: Instant,
    state: Mutex<State>,
    hint: Notify,
}

pub(crate) struct State {
    pub(crate) value: u8,
    pub(crate) does: Does,
    pub(crate) takes: Duration,
    pub(crate) lives: Option<Duration>,
    pub(crate) revises: bool,
    pub(crate) hint_panics: bool,
    /// The seconds by which the wall clock is ahead.
    pub(crate) ahead: i64,
    attempts: Vec<Attempt>,
    gone: bool,
}

/// One moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) mono: Instant,
    pub(crate) wall: SystemTime,
}

/// An attempt: what the source was asked, and how that ended.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) start: Moment,
    pub(crate) reason: FetchReason,
    pub(crate) rejected: Option<Generation>,
    pub(crate) current: Option<u8>,
    pub(crate) revision: Option<Revision>,
    pub(crate) end: Option<(Moment, Ended)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Ended {
    Delivered {
        /// `None` if the value is the same as before.
        value: Option<(u8, Option<Revision>)>,
        lives: Option<Duration>,
    },
    Failed(SourceErrorKind),
    Panicked,
    /// Dropped by the engine.
    Dropped,
}

impl World {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            began: Instant::now(),
            state: Mutex::new(State {
                value: 0,
                does: Does::Deliver,
                takes: Duration::ZERO,
                lives: None,
                revises: true,
                hint_panics: false,
                ahead: 0,
                attempts: Vec::new(),
                gone: false,
            }),
            hint: Notify::new(),
        }))
    }

    pub(crate) fn source(&self, interval: RefreshInterval) -> WorldSource {
        WorldSource {
            world: self.clone(),
            interval,
        }
    }

    pub(crate) fn clock(&self) -> impl Fn() -> SystemTime + Send + Sync + 'static {
        let world = self.clone();
        move || world.now().wall
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
    }

    pub(crate) fn hint(&self) {
        self.0.hint.notify_one();
    }

    pub(crate) fn attempts(&self) -> usize {
        self.state().attempts.len()
    }

    /// Brings a copy of the log up to date.
    pub(crate) fn catch_up(&self, attempts: &mut Vec<Attempt>) {
        if attempts.last().is_some_and(|last| last.end.is_none()) {
            attempts.pop();
        }
        attempts.extend_from_slice(&self.state().attempts[attempts.len()..]);
    }

    /// Returns when the last finished attempt ended.
    pub(crate) fn last_end(&self) -> Option<Instant> {
        let state = self.state();
        let ended = state.attempts.iter().rev().find_map(|a| a.end.as_ref());
        ended.map(|(moment, _)| moment.mono)
    }

    pub(crate) fn source_is_gone(&self) -> bool {
        self.state().gone
    }

    pub(crate) fn now(&self) -> Moment {
        let ahead = self.state().ahead;
        let mono = Instant::now();
        // A day in 2026.
        let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_000_000);
        let steady = began + mono.duration_since(self.0.began);
        let jump = Duration::from_secs(ahead.unsigned_abs());
        let wall = if ahead < 0 {
            steady - jump
        } else {
            steady + jump
        };
        Moment { mono, wall }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct WorldSource {
    world: World,
    interval: RefreshInterval,
}

impl Source for WorldSource {
    type Value = u8;

    async fn fetch(&mut self, ask: Fetch<'_, u8>) -> Result<Fetched<u8>, SourceError> {
        let attempt = UnderWay::new(&self.world, &ask);
        let (does, takes, value, lives, revises) = {
            let state = self.world.state();
            (
                state.does,
                state.takes,
                state.value,
                state.lives,
                state.revises,
            )
        };
        if !takes.is_zero() {
            sleep(takes).await;
        }
        let (ended, outcome) = match does {
            Does::Deliver => {
                let revision = revises.then(|| Revision::new([value]));
                let mut fetched = Fetched::new(value);
                if let Some(revision) = revision.clone() {
                    fetched = fetched.revision(revision);
                }
                let value = Some((value, revision));
                (Ended::Delivered { value, lives }, Ok(fetched))
            }
            Does::Unchanged => {
                let value = None;
                (Ended::Delivered { value, lives }, Ok(Fetched::unchanged()))
            }
            Does::Fail(class) => (Ended::Failed(class), Err(SourceError::new(class, "down"))),
            Does::Throttle(patience) => (
                Ended::Failed(SourceErrorKind::Throttled),
                Err(SourceError::throttled("busy", patience)),
            ),
            Does::Hang => pending().await,
            Does::Panic => {
                attempt.end(Ended::Panicked);
                resume_unwind(Box::new("boom"));
            }
        };
        attempt.end(ended);
        match lives {
            Some(lifetime) => outcome.map(|fetched| fetched.expires(Expiry::In(lifetime))),
            None => outcome,
        }
    }

    async fn changed(&mut self) {
        self.world.0.hint.notified().await;
        let panics = std::mem::take(&mut self.world.state().hint_panics);
        if panics {
            resume_unwind(Box::new("boom"));
        }
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.interval
    }
}

impl Drop for WorldSource {
    fn drop(&mut self) {
        self.world.state().gone = true;
    }
}

/// A running attempt. It ends when it is dropped at the latest.
struct UnderWay {
    world: World,
    number: usize,
}

impl UnderWay {
    fn new(world: &World, ask: &Fetch<'_, u8>) -> Self {
        let start = world.now();
        let mut state = world.state();
        state.attempts.push(Attempt {
            start,
            reason: ask.reason,
            rejected: ask.rejected,
            current: ask.current.copied(),
            revision: ask.revision.cloned(),
            end: None,
        });
        Self {
            world: world.clone(),
            number: state.attempts.len() - 1,
        }
    }

    fn end(&self, ended: Ended) {
        let now = self.world.now();
        let attempt = &mut self.world.state().attempts[self.number];
        attempt.end.get_or_insert((now, ended));
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.end(Ended::Dropped);
    }
}
