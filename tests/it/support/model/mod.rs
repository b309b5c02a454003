//! A model of the engine: it runs random scripts and checks every promise after each step.
//!
//! It uses the public API alone, so that the fuzz target can include it.

mod op;
mod promises;
mod waiter;
mod world;

use std::time::Duration;

use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, sleep};
use tower_rotating_auth::{Rotating, rotating::Generation};

pub(crate) use self::op::{Op, Setup};
use self::promises::Promises;
use self::waiter::{Asked, Waiter};
use self::world::{Attempt, Does, World};

/// The longest script, in virtual time.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);

/// Runs a script. Panics if the engine breaks a promise.
pub(crate) fn check(setup: Setup, ops: &[Op]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut run = Run::start(setup).await;
        for op in ops {
            if run.began.elapsed() > LONGEST {
                break;
            }
            run.act(*op).await;
            run.settle().await;
            run.look();
        }
        run.end().await;
    });
}

/// A run: an engine, its world, and those who wait for refreshes.
struct Run {
    began: Instant,
    world: World,
    attempts: Vec<Attempt>,
    key: Rotating<u8>,
    driver: JoinHandle<()>,
    stopped: bool,
    first: Generation,
    listener: JoinHandle<Vec<(Generation, u8)>>,
    waiters: Vec<Waiter>,
    promises: Promises,
}

impl Run {
    async fn start(setup: Setup) -> Self {
        let began = Instant::now();
        let world = World::new();
        let builder = setup.apply(Rotating::builder()).wall_clock(world.clock());
        let pair = builder.pair(world.source(setup.refresh_interval())).await;
        let (key, driver) = pair.expect("the source works at first");
        let mut changes = key.subscribe();
        Self {
            began,
            driver: tokio::spawn(driver),
            stopped: false,
            first: key.current().generation(),
            listener: tokio::spawn(async move {
                let mut seen = Vec::new();
                while let Some(current) = changes.changed().await {
                    seen.push((current.generation(), *current));
                }
                seen
            }),
            attempts: Vec::new(),
            waiters: Vec::new(),
            promises: Promises::new(setup),
            world,
            key,
        }
    }

    async fn act(&mut self, op: Op) {
        match op {
            Op::Pass(time) => sleep(time).await,
            Op::Rotate(value) => self.world.set(|world| world.value = value),
            Op::Does(does) => self.world.set(|world| world.does = does),
            Op::Takes(time) => self.world.set(|world| world.takes = time),
            Op::Lives(lifetime) => self.world.set(|world| world.lives = lifetime),
            Op::Revises(revises) => self.world.set(|world| world.revises = revises),
            Op::Hint => self.world.hint(),
            Op::HintPanics => {
                self.world.set(|world| world.hint_panics = true);
                self.world.hint();
            }
            Op::SetClock(seconds) => self.world.set(|world| world.ahead += seconds),
            Op::Reject => self.wait(Asked::Rejected(self.key.current().generation())),
            Op::RejectFirst => self.wait(Asked::Rejected(self.first)),
            Op::Refresh => self.wait(Asked::Refresh),
            Op::GiveUp(which) => {
                if !self.waiters.is_empty() {
                    let which = usize::from(which) % self.waiters.len();
                    self.waiters.swap_remove(which).give_up();
                }
            }
            Op::DropDriver => {
                self.driver.abort();
                self.stopped = true;
                self.answered_at_once().await;
            }
        }
    }

    fn wait(&mut self, asked: Asked) {
        let waiter = Waiter::new(&self.key, asked, self.world.attempts());
        self.waiters.push(waiter);
    }

    /// Waits until no attempt has ended at the current time: its value is compared on another
    /// thread, and virtual time waits for that.
    async fn settle(&self) {
        yield_now().await;
        while self.world.last_end() == Some(Instant::now()) {
            sleep(Duration::from_millis(1)).await;
        }
    }

    fn look(&mut self) {
        self.world.catch_up(&mut self.attempts);
        let (attempts, stopped) = (&self.attempts, self.stopped);
        self.promises.look(attempts, &self.key, stopped);
        self.waiters
            .retain(|waiter| !waiter.look(&self.promises, attempts, stopped));
        self.promises.few_are_forced(attempts, self.began.elapsed());
    }

    /// Checks that every waiter gets an answer once the task is gone.
    async fn answered_at_once(&mut self) {
        let now = Instant::now();
        while !self.waiters.iter().all(Waiter::is_answered) {
            yield_now().await;
            assert_eq!(now, Instant::now(), "a waiter waits for a stopped task");
        }
    }

    /// Checks that the engine recovers when the source works again, and that the last handle ends
    /// it.
    async fn end(mut self) {
        const LAST: u8 = 255;
        self.world.set(|world| {
            world.value = LAST;
            world.does = Does::Deliver;
            world.takes = Duration::ZERO;
            world.lives = None;
        });
        if !self.stopped {
            sleep(Op::LONGEST_LIFE + Duration::from_secs(400)).await;
            self.settle().await;
            self.look();
            assert_eq!(*self.key.current(), LAST, "the engine does not recover");
        }
        assert!(self.waiters.is_empty(), "a waiter waits for ever");

        let (generation, now) = (self.key.current().generation(), Instant::now());
        drop(self.key);
        let ended = self.driver.await;
        assert!(self.stopped || ended.is_ok(), "the refresh task panicked");
        assert!(self.world.source_is_gone());
        let seen = self.listener.await.expect("the listener does not panic");
        assert_eq!(now, Instant::now(), "the shutdown takes time");
        assert!(seen.is_sorted_by(|a, b| a.0 < b.0), "seen twice: {seen:?}");
        assert_eq!(seen.last().map_or(self.first, |last| last.0), generation);
        self.promises.were_current(&seen);
    }
}
