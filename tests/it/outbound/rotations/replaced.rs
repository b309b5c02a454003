//! Keys that are replaced at once: with no overlap, and by a cut-over.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tower_rotating_auth::{
    Secret,
    outbound::{Credential, RotatingCredential},
};

use super::world::{Answered, Body, FOR_EVER, PAUSE, Upstream, clients, lost};
use crate::support::{millis, minutes, secs};

/// When the upstream accepts the new key, from the start of a run.
const SWITCH: Duration = secs(15);
const ROUND_TRIPS: [Duration; 3] = [millis(0), millis(80), millis(500)];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    NoOverlap,
    CutOver,
}

fn bearer(key: &str) -> Credential {
    Credential::bearer(&Secret::from(key)).unwrap()
}

/// Replaces a key `after_millis` after the upstream accepts the new one, which ends the old one
/// after `overlap`. Returns the answers, and the moment of the replacement.
async fn replace(
    way: Way,
    upstream: &Upstream,
    after_millis: i64,
    overlap: Duration,
    max_sends: u8,
) -> (Vec<Answered>, Instant) {
    let start = Instant::now();
    let switch = start + SWITCH;
    upstream.accept("key-0", start, switch + overlap, Duration::ZERO);
    upstream.accept("key-1", switch, switch + FOR_EVER, Duration::ZERO);
    let overlap = match way {
        Way::NoOverlap => Duration::ZERO,
        Way::CutOver => minutes(5),
    };
    let builder = RotatingCredential::builder().overlap(overlap);
    let (key, mut publisher) = builder.manual(bearer("key-0"));
    let until = switch + secs(30);
    let load = clients(upstream, &key, "/", PAUSE, until, Body::Kept, max_sends);
    let after = Duration::from_millis(after_millis.unsigned_abs());
    let replaced = if after_millis < 0 {
        switch - after
    } else {
        switch + after
    };
    sleep_until(replaced).await;
    let _generation = match way {
        Way::NoOverlap => publisher.publish(bearer("key-1")),
        Way::CutOver => publisher.cut_over(bearer("key-1")),
    };
    (load.await.unwrap(), replaced)
}

#[tokio::test(start_paused = true)]
async fn replaced_key_is_never_sent_again_in_any_order() {
    for way in [Way::NoOverlap, Way::CutOver] {
        for round_trip in ROUND_TRIPS {
            for upstream_overlap in [secs(0), secs(1), minutes(60)] {
                for after_millis in [-10_000, -1_000, -50, 0, 50, 1_000, 10_000] {
                    for max_sends in [2, 3] {
                        let upstream = Upstream::new(round_trip, 1);
                        let switch = Instant::now() + SWITCH;
                        let (answers, replaced) =
                            replace(way, &upstream, after_millis, upstream_overlap, max_sends)
                                .await;
                        let case = format!(
                            "{way:?} {round_trip:?} {upstream_overlap:?} {after_millis} {max_sends}"
                        );
                        let last = upstream.last_arrival("key-0").unwrap();
                        assert!(last <= replaced + round_trip / 2, "{case}");
                        for lost in lost(&answers) {
                            let had_no_key = lost.ended <= replaced;
                            let came_too_early = lost.ended - round_trip / 2 < switch;
                            assert!(had_no_key || came_too_early, "{case}: {lost:?}");
                        }
                    }
                }
            }
        }
    }
}
