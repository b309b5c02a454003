//! A process that ends at any step, and starts again.

use std::collections::VecDeque;

use super::world::{HOUR, World};

/// Enough to never blow.
const LONG: usize = 1_000_000;

/// Runs three weeks of a rotator whose process ends where the fuses say, and of a client that reads
/// its key twice a day. Returns how much of the last fuse has burnt.
async fn three_weeks(fuses: &[usize]) -> usize {
    let world = World::new();
    let mut fuses: VecDeque<_> = fuses.iter().copied().collect();
    let mut light = || world.fuse.set(fuses.pop_front().unwrap_or(LONG));
    light();
    let (mut ring, mut rotator) = world.start().await;
    let mut clients = None;
    for hour in 0..21 * 24 {
        while rotator.catch_up().await.is_err() {
            drop((ring, rotator));
            light();
            (ring, rotator) = world.start().await;
        }
        // Never in the hour of a rotation, which begins on the hour of the first one.
        if hour % 12 == 7 || clients.is_none() {
            clients = world.delivered();
        }
        let found = world.delivered().unwrap();
        assert!(
            world.is_valid(&ring, &found),
            "a client that starts in hour {hour}"
        );
        let clients = clients.as_ref().unwrap();
        assert!(world.is_valid(&ring, clients), "the client in hour {hour}");
        world.pass(HOUR);
    }
    let state = world.store.state();
    let live = ring.list().into_iter().filter(|key| {
        let ended = key.ends_at.is_some_and(|end| end <= world.now());
        key.revoked_at.is_none() && !ended
    });
    assert!(live.count() <= 2);
    assert!((5..=5 + 3).contains(&state.keys().count()), "{state:?}");
    world.fuse.burnt(LONG)
}

#[tokio::test]
async fn restart_at_any_step_leaves_the_client_a_key() {
    let steps = three_weeks(&[]).await;
    assert!(steps > 160, "{steps}");
    // The first key; the first rotation, five days of a look each hour later; the end of its
    // overlap.
    for step in (1..=12).chain(115..=160) {
        three_weeks(&[step]).await;
    }
}

#[tokio::test]
async fn one_that_ends_again_while_it_goes_on_does_so_too() {
    for step in 120..=135 {
        for again in 1..=6 {
            three_weeks(&[step, again]).await;
        }
    }
}
