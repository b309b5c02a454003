//! A test on real threads: many tasks, a server that rotates its key, and callers that cancel.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{join_all, poll_fn};
use tokio::task::yield_now;
use tokio::time::timeout;
use tower_rotating_auth::{
    Rotating,
    rotating::{Generation, Refreshing},
    source::RefreshInterval,
};

use crate::support::{Upstream, millis, secs};

const TASKS: usize = 32;
const ROTATIONS: u64 = 40;
/// The longest run. Only a failing test takes this long.
const PATIENCE: Duration = secs(120);

/// A xorshift generator: random enough, and the same on each run.
struct Chance(u64);

impl Chance {
    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Polls a refresh a few times and drops it, or awaits it.
async fn sometimes(mut refreshing: Refreshing<u64>, polls: u64) -> Option<Generation> {
    if polls % 4 == 0 {
        return refreshing.await.ok().map(|newer| newer.generation());
    }
    for _ in 0..polls % 4 {
        let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut refreshing).poll(cx))).await;
        if let Poll::Ready(outcome) = polled {
            return outcome.ok().map(|newer| newer.generation());
        }
        yield_now().await;
    }
    None
}

/// Sends requests until the last key is accepted.
async fn client(
    key: Rotating<u64>,
    upstream: Upstream,
    accepted: Arc<[AtomicUsize]>,
    mut chance: Chance,
) {
    let mut last = 0;
    while last < 1 + ROTATIONS {
        let current = key.current();
        let (value, generation) = (*current, current.generation());
        drop(current);
        assert_eq!(value, generation.get(), "value and generation are one");
        if value == upstream.key() {
            if value > last {
                last = value;
                let index = usize::try_from(value).expect("a small number");
                accepted[index].fetch_add(1, Ordering::SeqCst);
            }
        } else if let Some(newer) =
            sometimes(key.refresh_newer_than(generation), chance.next()).await
        {
            assert!(newer > generation, "{newer:?} after {generation:?}");
        }
        yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_share_few_fetches_over_rotations() {
    let upstream = Upstream::new();
    let (source, log) = upstream.source(millis(1));
    let source = source.with_interval(RefreshInterval::new(secs(3600), millis(10)));
    let key = Rotating::start(source).await.expect("the source delivers");
    let accepted: Arc<[AtomicUsize]> = (0..=1 + ROTATIONS).map(|_| AtomicUsize::new(0)).collect();

    let seeds = (1..).map(|seed: u64| Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let clients = seeds.take(TASKS).map(|chance| {
        let (key, accepted) = (key.clone(), Arc::clone(&accepted));
        tokio::spawn(client(key, upstream.clone(), accepted, chance))
    });
    let clients: Vec<_> = clients.collect();

    let all = async {
        // Each key is replaced when every task has used it, with a hint.
        for number in 1..=usize::try_from(ROTATIONS).expect("a small number") {
            while accepted[number].load(Ordering::SeqCst) < TASKS {
                yield_now().await;
            }
            upstream.rotate();
            log.hint();
        }
        for outcome in join_all(clients).await {
            outcome.expect("no task panicked");
        }
    };
    timeout(PATIENCE, all).await.expect("every task ends");

    assert_eq!(*key.current(), 1 + ROTATIONS);
    // One to start with, one for each rotation, and what the bucket lets rejections force.
    assert!((41..=45).contains(&log.count()), "{}", log.count());
}
