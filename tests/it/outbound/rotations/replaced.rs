//! Keys that are replaced at once: with no overlap, by a cut-over, and by a server that mints them.

use std::time::Duration;

use itertools::iproduct;
use tokio::time::{Instant, sleep_until};
use tower_rotating_auth::{
    Secret,
    outbound::{Credential, IntoCredential, RotatingCredential},
    source::{SourceError, source_fn},
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
    for (way, round_trip, upstream_overlap, after_millis, max_sends) in iproduct!(
        [Way::NoOverlap, Way::CutOver],
        ROUND_TRIPS,
        [secs(0), secs(1), minutes(60)],
        [-10_000, -1_000, -50, 0, 50, 1_000, 10_000],
        [2, 3]
    ) {
        let upstream = Upstream::new(round_trip, 1);
        let switch = Instant::now() + SWITCH;
        let (answers, replaced) =
            replace(way, &upstream, after_millis, upstream_overlap, max_sends).await;
        let case =
            format!("{way:?} {round_trip:?} {upstream_overlap:?} {after_millis} {max_sends}");
        let last = upstream.last_arrival("key-0").unwrap();
        assert!(last <= replaced + round_trip / 2, "{case}");
        for lost in lost(&answers) {
            let had_no_key = lost.ended <= replaced;
            let came_too_early = lost.ended - round_trip / 2 < switch;
            assert!(had_no_key || came_too_early, "{case}: {lost:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_minted_key_serves_all_if_it_is_active_at_once() {
    let delays = [millis(0), millis(50), millis(300)];
    for (round_trip, overlap, delay) in iproduct!(ROUND_TRIPS, [secs(0), minutes(60)], delays) {
        let upstream = Upstream::new(round_trip, 1);
        let minting = upstream.clone();
        let mut minted = 0;
        let source = source_fn(move || {
            let now = Instant::now();
            let (key, previous) = (format!("key-{minted}"), minted.max(1) - 1);
            // The first key is active at once, so that the run can begin.
            let from = if minted == 0 { now } else { now + delay };
            if minted > 0 {
                minting.end(&format!("key-{previous}"), now + overlap);
            }
            minting.accept(&key, from, now + FOR_EVER, Duration::ZERO);
            minted += 1;
            std::future::ready(Ok::<_, SourceError>(Secret::from(key)))
        });
        let builder = RotatingCredential::builder();
        let key = builder.start(source.bearer()).await.unwrap();
        let revoked = Instant::now() + SWITCH;
        // An early revocation, in the middle of the key's life.
        upstream.end("key-0", revoked);
        let until = revoked + secs(30);
        let load = clients(&upstream, &key, "/", PAUSE, until, Body::Kept, 3);
        let answers = load.await.unwrap();
        let case = format!("{round_trip:?} {overlap:?} {delay:?}");
        let mints = (1..).take_while(|n| upstream.last_arrival(&format!("key-{n}")).is_some());
        let (mints, lost) = (mints.count(), lost(&answers).count());
        if delay.is_zero() {
            assert_eq!((mints, lost), (1, 0), "{case}");
        } else {
            // Whoever was rejected before the key was active asks once more.
            assert!(mints <= 2, "{case}: {mints}");
            assert!(lost <= 12, "{case}: {lost}");
        }
    }
}
