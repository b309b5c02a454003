//! Every order of file and upstream.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::world::{PAUSE, clients, lost};
use super::{Body, Rotation, Run};
use crate::support::{millis, minutes, secs};

/// When the upstream switches, from the start of a run.
const SWITCH: Duration = secs(15);

/// What one rotation cost.
#[derive(Debug, Default)]
struct Cost {
    requests: usize,
    lost: usize,
    servable: usize,
    extra_sends: usize,
    /// Requests that were under way when the upstream switched, or began while the file lagged.
    exposed: usize,
    most_sends: usize,
}

async fn cost_of(
    round_trip: Duration,
    nodes: usize,
    rotation: &Rotation,
    body: Body,
    max_sends: u8,
    pause: Duration,
) -> Cost {
    let mut run = Run::start(round_trip, nodes, minutes(5)).await;
    let start = Instant::now();
    let until = start + SWITCH + secs(30);
    let load = clients(&run.upstream, &run.key, "/", pause, until, body, max_sends);
    run.rotate(rotation, start + SWITCH).await;
    let answers = load.await.unwrap();
    let behind = Duration::from_millis(rotation.file_after_millis.max(0).unsigned_abs());
    // The channel is asked once a second.
    let (switch, written) = (start + SWITCH, start + SWITCH + behind + secs(1));
    let exposed = answers
        .iter()
        .filter(|answer| answer.began <= written + round_trip && answer.ended >= switch);
    let cost = Cost {
        requests: answers.len(),
        lost: lost(&answers).count(),
        servable: lost(&answers).filter(|lost| run.was_servable(lost)).count(),
        extra_sends: run.upstream.sends() - answers.len(),
        exposed: exposed.count(),
        most_sends: answers.iter().map(|answer| answer.sends).max().unwrap(),
    };
    sleep(secs(1)).await;
    cost
}

const ROUND_TRIPS: [Duration; 3] = [millis(0), millis(80), millis(500)];
const OVERLAPS: [Duration; 3] = [secs(0), secs(1), minutes(60)];
const FILE_AFTER: [i64; 9] = [-10_000, -1_000, -300, -50, 0, 50, 1_000, 4_000, 10_000];

/// The canaries of a file that is ten seconds ahead: at once, then after 100 ms doubling.
const CANARIES: usize = 9;

#[tokio::test(start_paused = true)]
async fn no_servable_request_is_lost_in_any_order() {
    let mut worst = Cost::default();
    for round_trip in ROUND_TRIPS {
        for overlap in OVERLAPS {
            for file_after_millis in FILE_AFTER {
                for before in [None, Some("torn key"), Some("wrong")] {
                    let rotation = Rotation {
                        file_after_millis,
                        overlap,
                        lag: Duration::ZERO,
                        before,
                    };
                    let cost = cost_of(round_trip, 1, &rotation, Body::Kept, 3, PAUSE).await;
                    let case = format!("{round_trip:?} {rotation:?}: {cost:?}");
                    assert_eq!(cost.servable, 0, "{case}");
                    assert!(cost.most_sends <= 3, "{case}");
                    assert!(
                        cost.extra_sends <= 2 * cost.exposed + 2 * CANARIES,
                        "{case}"
                    );
                    // A file that is behind, and has rubbish instead, gives nothing to wait for.
                    let in_time = file_after_millis <= 4_000 && before.is_none();
                    if in_time || file_after_millis <= 0 || overlap > secs(10) {
                        assert_eq!(cost.lost, 0, "{case}");
                    }
                    worst.requests += cost.requests;
                    worst.lost += cost.lost;
                    worst.extra_sends = worst.extra_sends.max(cost.extra_sends);
                }
            }
        }
    }
    println!("{worst:?}");
}

#[tokio::test(start_paused = true)]
async fn two_sends_lose_at_most_the_canary() {
    for round_trip in ROUND_TRIPS {
        for file_after_millis in FILE_AFTER.into_iter().filter(|after| *after <= 4_000) {
            let rotation = Rotation {
                file_after_millis,
                overlap: Duration::ZERO,
                lag: Duration::ZERO,
                before: None,
            };
            let cost = cost_of(round_trip, 1, &rotation, Body::Kept, 2, PAUSE).await;
            let case = format!("{round_trip:?} {rotation:?}: {cost:?}");
            assert!(cost.lost <= 1, "{case}");
            assert!(cost.most_sends <= 2, "{case}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_that_disagree_lose_nothing() {
    for round_trip in ROUND_TRIPS {
        for lag in [millis(50), secs(1), secs(9)] {
            for file_after_millis in FILE_AFTER {
                let rotation = Rotation {
                    file_after_millis,
                    overlap: minutes(60),
                    lag,
                    before: None,
                };
                let cost = cost_of(round_trip, 2, &rotation, Body::Kept, 3, PAUSE).await;
                assert_eq!(cost.lost, 0, "{round_trip:?} {rotation:?}: {cost:?}");
            }
        }
    }
}

/// Returns how many requests of the usual load are under way at a time.
fn under_way(round_trip: Duration) -> usize {
    usize::try_from(round_trip.as_millis().div_ceil(PAUSE.as_millis())).unwrap()
}

#[tokio::test(start_paused = true)]
async fn bodies_sent_once_lose_only_those_under_way() {
    for round_trip in ROUND_TRIPS {
        for file_after_millis in FILE_AFTER.into_iter().filter(|after| *after <= 0) {
            for overlap in OVERLAPS {
                let rotation = Rotation {
                    file_after_millis,
                    overlap,
                    lag: Duration::ZERO,
                    before: None,
                };
                let cost = cost_of(round_trip, 1, &rotation, Body::Once, 3, PAUSE).await;
                let case = format!("{round_trip:?} {rotation:?}: {cost:?}");
                // Those that are sent until the end of the old key shows, and until the canary is back.
                assert!(cost.lost <= 2 * under_way(round_trip) + 4, "{case}");
                if overlap > secs(30) {
                    assert!(cost.lost <= 1, "{case}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rare_requests_are_not_lost_either() {
    for round_trip in [millis(5), millis(500)] {
        for overlap in OVERLAPS {
            for file_after_millis in FILE_AFTER.into_iter().filter(|after| *after <= 4_000) {
                let rotation = Rotation {
                    file_after_millis,
                    overlap,
                    lag: Duration::ZERO,
                    before: None,
                };
                let cost = cost_of(round_trip, 1, &rotation, Body::Kept, 3, secs(7)).await;
                assert_eq!(cost.lost, 0, "{round_trip:?} {rotation:?}: {cost:?}");
            }
        }
    }
}
