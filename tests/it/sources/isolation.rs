//! Tests that a source that hangs, blocks its thread or panics holds up nobody else.

use std::sync::mpsc;
use std::time::Duration;

use tokio::time::timeout;
use tower_rotating_auth::{
    Rotating, Secret,
    rotating::RefreshErrorKind,
    source::{Source, SourceError, source_fn},
};

use crate::support::{Answer, millis, script};

/// How the source of a neighbour fails after its first value.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Hang,
    Panic,
    Block,
}

/// Creates a source that fails from the second fetch on, and whatever lets a blocked one go.
fn faulty(fault: Fault) -> (impl Source<Value = u32>, mpsc::Sender<()>) {
    let (release, blocked) = mpsc::channel::<()>();
    let (source, _) = script(move |asked| match (asked.number, fault) {
        (1, _) => Answer::value(1),
        (_, Fault::Hang) => Answer::hangs(),
        (_, Fault::Panic) => Answer::panics("broken"),
        (n, Fault::Block) => {
            // Until the test ends.
            let _ = blocked.recv();
            Answer::value(u32::try_from(n).unwrap())
        }
    });
    (source, release)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faulty_source_delays_no_neighbour_and_no_reader() {
    for fault in [Fault::Hang, Fault::Panic, Fault::Block] {
        let (source, release) = faulty(fault);
        let builder = Rotating::builder()
            .min_interval(millis(1))
            .force_wait(millis(200));
        let bad = builder.start(source).await.expect("the first value");

        let mut number = 0;
        let neighbour = source_fn(move || {
            number += 1;
            async move { Ok::<_, SourceError>(Secret::from(number.to_string())) }
        });
        let builder = Rotating::builder().min_interval(millis(1)).poll(millis(20));
        let good = builder.start(neighbour).await.expect("the first value");

        let failed = tokio::spawn(bad.refresh_newer_than(bad.current().generation()));
        let mut changes = good.subscribe();
        for _ in 0..5 {
            // The neighbour rotates on, and requests load both keys.
            let changed = timeout(Duration::from_secs(5), changes.changed()).await;
            changed
                .expect("the neighbour rotates")
                .expect("its task runs");
            assert_eq!(*bad.current(), 1, "{fault:?}");
        }
        // The deadline belongs to whoever waits.
        let failed = timeout(Duration::from_secs(5), failed).await;
        let error = failed
            .expect("the waiter goes")
            .unwrap()
            .expect_err("no value");
        assert!(
            matches!(
                error.kind(),
                RefreshErrorKind::TimedOut | RefreshErrorKind::Failed
            ),
            "{fault:?}: {error:?}"
        );
        drop(release);
    }
}
