//! Rotations against a real server, over sockets and in real time.
//!
//! `.ci/slow haproxy` runs these tests. They are no part of the default run, since they need
//! HAProxy and take minutes. These variables set them up:
//!
//! - `ROTATIONS`: how often each trial rotates its key. Defaults to 60.
//! - `PERIOD_MS`: the time between two rotations, in milliseconds. Defaults to 3500. From 12000 on,
//!   each key is in use for long enough to reset the storm guard.
//! - `HAPROXY`: the program. Defaults to `haproxy`.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod haproxy;
mod slow_link;
mod tally;
mod trial;

use std::env;
use std::time::Duration;

use tokio::task::JoinSet;

use self::tally::Tally;
use self::trial::{First, Hostile, Schedule, Trial};

const FIRST: [First; 2] = [First::File, First::Upstream];

fn schedule() -> Schedule {
    let number = |name, default| {
        let text = env::var(name).ok();
        text.map_or(default, |text| text.parse().unwrap())
    };
    let period = Duration::from_millis(number("PERIOD_MS", 3_500));
    assert!(period > Duration::from_secs(3), "a rotation takes 3 s");
    Schedule {
        rotations: u32::try_from(number("ROTATIONS", 60)).unwrap(),
        period,
    }
}

/// Runs trials side by side, each with a server, a key file and clients of its own. Prints a line
/// for each, in the order of the trials.
async fn run(trials: impl IntoIterator<Item = Trial>) -> Vec<(Trial, Tally)> {
    let schedule = schedule();
    let mut running = JoinSet::new();
    for (place, trial) in trials.into_iter().enumerate() {
        running.spawn(async move { (place, trial, trial.run(schedule).await) });
    }
    let mut ended = running.join_all().await;
    ended.sort_by_key(|(place, ..)| *place);
    let ended = ended.into_iter().map(|(_, trial, tally)| (trial, tally));
    let ended: Vec<_> = ended.collect();
    let Schedule { rotations, period } = schedule;
    println!("\n{rotations} rotations each, one every {period:?}, 80 ms round trip:");
    for (trial, tally) in &ended {
        println!("{trial}: {tally}");
        for why in tally.first_losses() {
            println!("    lost: {why}");
        }
    }
    ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_whichever_switches_first() {
    let trials = FIRST.into_iter().flat_map(|first| {
        [3, 2].map(|max_sends| Trial {
            first,
            overlap: Duration::ZERO,
            hostile: Hostile::Absent,
            max_sends,
        })
    });
    for (trial, tally) in run(trials).await {
        // With two sends, a canary is lost if the upstream switches between its two attempts.
        let allowed = if trial.max_sends == 3 {
            0
        } else {
            schedule().rotations
        };
        assert!(tally.lost() <= allowed, "{trial}: {tally}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn provoked_rejections_cost_honest_clients_nothing() {
    let trials = [Duration::ZERO, Duration::from_secs(2)]
        .into_iter()
        .flat_map(|overlap| FIRST.map(|first| (overlap, first)))
        .flat_map(|(overlap, first)| {
            [Hostile::Absent, Hostile::Present].map(|hostile| Trial {
                first,
                overlap,
                hostile,
                max_sends: 3,
            })
        });
    for (trial, tally) in run(trials).await {
        assert_eq!(tally.lost(), 0, "{trial}: {tally}");
    }
}
