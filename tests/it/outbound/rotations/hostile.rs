//! A client that provokes rejections, among honest ones.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::world::{NEVER, clients, lost};
use super::{Body, Rotation, Run};
use crate::support::{millis, minutes, secs};

/// Whether somebody provokes a rejection each second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hostile {
    Absent,
    Present,
}

/// Runs twenty honest clients, each with a request every two seconds, for an hour with a rotation
/// every ten minutes. Returns how many of their requests were lost, and how many were sent.
async fn an_hour(hostile: Hostile, overlap: Duration, file_after_millis: i64) -> (usize, usize) {
    let mut run = Run::start(millis(80), 1, minutes(5)).await;
    let start = Instant::now();
    let until = start + minutes(60);
    let honest = clients(
        &run.upstream,
        &run.key,
        "/",
        millis(100),
        until,
        Body::Kept,
        3,
    );
    let provoked = (hostile == Hostile::Present).then(|| {
        clients(
            &run.upstream,
            &run.key,
            NEVER,
            secs(1),
            until,
            Body::Kept,
            3,
        )
    });
    for ten_minutes in 1..6 {
        let rotation = Rotation {
            file_after_millis,
            overlap,
            lag: Duration::ZERO,
            before: None,
        };
        let at = start + minutes(10 * ten_minutes);
        sleep_until(at - secs(30)).await;
        run.rotate(&rotation, at).await;
    }
    let answers = honest.await.unwrap();
    if let Some(provoked) = provoked {
        drop(provoked.await.unwrap());
    }
    (lost(&answers).count(), answers.len())
}

#[tokio::test(start_paused = true)]
async fn provoked_rejections_cost_no_honest_client_anything() {
    for overlap in [secs(0), minutes(60)] {
        for file_after_millis in [-1_000, 1_000] {
            let (alone, _) = an_hour(Hostile::Absent, overlap, file_after_millis).await;
            let (beside, sent) = an_hour(Hostile::Present, overlap, file_after_millis).await;
            println!(
                "overlap {overlap:?}, file after {file_after_millis} ms: {alone} and {beside} of \
                 {sent} lost"
            );
            assert!(
                beside <= alone.max(5),
                "one canary for each rotation at most"
            );
        }
    }
}
