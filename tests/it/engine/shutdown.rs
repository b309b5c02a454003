//! Tests of the end of the last handle and of the refresh task.

use std::sync::{Arc, Mutex, mpsc};

use tokio::task::yield_now;
use tokio::time::Instant;
use tower_rotating_auth::{
    Rotating,
    rotating::{RefreshErrorKind, RefreshState},
};

use crate::support::{Answer, Upstream, at_once, block_on, millis, moment, pass, script, secs};

#[tokio::test(start_paused = true)]
async fn last_handle_drops_the_source_while_idle() {
    let (source, log) = Upstream::new().source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    let other = key.clone();
    pass(secs(5)).await;
    drop(key);
    assert!(!at_once(|| log.gone()).await, "there is another handle");
    drop(other);
    assert!(at_once(|| log.gone()).await);
}

#[tokio::test(start_paused = true)]
async fn last_handle_drops_the_source_during_fetch() {
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::value(1),
        _ => Answer::hangs(),
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    let waiting = key.refresh_newer_than(key.current().generation());
    pass(secs(2)).await;
    assert!(log.running());
    drop(key);
    assert!(at_once(|| log.gone() && !log.running()).await);
    assert!(matches!(waiting.await, Err(error) if error.kind() == RefreshErrorKind::Stopped));
}

#[tokio::test(start_paused = true)]
async fn last_handle_drops_the_source_during_min_interval() {
    let (source, log) = Upstream::new().source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    let waiting = key.refresh_newer_than(key.current().generation());
    let operator = key.refresh();
    moment().await;
    assert_eq!(log.count(), 1);
    drop(key);
    assert!(at_once(|| log.gone()).await);
    assert!(matches!(waiting.await, Err(error) if error.kind() == RefreshErrorKind::Stopped));
    assert!(matches!(operator.await, Err(error) if error.kind() == RefreshErrorKind::Stopped));
    assert_eq!(log.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn last_handle_drops_the_source_during_comparison() {
    /// A value whose comparison waits until the test releases it.
    struct Slow(Arc<Mutex<mpsc::Receiver<()>>>);
    impl PartialEq for Slow {
        fn eq(&self, _: &Self) -> bool {
            self.0.lock().expect("no panic").recv().is_ok()
        }
    }
    let (release, held) = mpsc::channel();
    let held = Arc::new(Mutex::new(held));
    let (source, log) = script(move |_| Answer::value(Slow(Arc::clone(&held))));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(5)).await;
    log.hint();
    while log.count() < 2 {
        yield_now().await;
    }
    drop(key);
    assert!(at_once(|| log.gone()).await);
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn subscriptions_keep_nothing_alive() {
    let (source, log) = Upstream::new().source(millis(0));
    let key = Rotating::start(source).await.expect("the source delivers");
    let mut changes = key.subscribe();
    let current = key.current();
    drop(key);
    assert!(changes.changed().await.is_none());
    assert!(at_once(|| log.gone()).await);
    assert_eq!(*current, 1);
}

#[tokio::test(start_paused = true)]
async fn dropped_driver_ends_waits_and_keeps_the_value() {
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::value(1),
        _ => Answer::hangs(),
    });
    let (key, driver) = Rotating::pair(source).await.expect("the source delivers");
    let driver = tokio::spawn(driver);
    let mut changes = key.subscribe();
    let rejected = key.current().generation();
    let waiting = key.refresh_newer_than(rejected);
    let operator = key.refresh();
    pass(secs(2)).await;
    assert!(log.running());
    assert_eq!(key.status().refresh_state, RefreshState::Running);

    let now = Instant::now();
    driver.abort();
    assert!(matches!(waiting.await, Err(error) if error.kind() == RefreshErrorKind::Stopped));
    assert!(matches!(operator.await, Err(error) if error.kind() == RefreshErrorKind::Stopped));
    assert!(matches!(
        key.refresh_newer_than(rejected).await, Err(error) if error.kind() == RefreshErrorKind::Stopped));
    assert!(matches!(key.refresh().await, Err(error) if error.kind() == RefreshErrorKind::Stopped));
    assert!(changes.changed().await.is_none());
    assert_eq!(now.elapsed(), secs(0));

    assert!(log.gone());
    assert_eq!(*key.current(), 1);
    let status = key.status();
    assert_eq!(status.refresh_state, RefreshState::Stopped);
    assert_eq!(status.next_attempt, None);
}

#[tokio::test(start_paused = true)]
async fn unpolled_driver_ends_the_same_way() {
    let (source, log) = Upstream::new().source(millis(0));
    let (key, driver) = Rotating::pair(source).await.expect("the source delivers");
    let waiting = key.refresh_newer_than(key.current().generation());
    drop(driver);
    assert!(log.gone());
    assert!(matches!(waiting.await, Err(error) if error.kind() == RefreshErrorKind::Stopped));
    assert_eq!(*key.current(), 1);
}

#[tokio::test(start_paused = true)]
async fn driver_ends_after_the_last_handle() {
    let (source, _) = Upstream::new().source(millis(0));
    let (key, driver) = Rotating::pair(source).await.expect("the source delivers");
    let driver = tokio::spawn(driver);
    pass(secs(5)).await;
    drop(key);
    let now = Instant::now();
    driver.await.expect("no panic");
    assert_eq!(now.elapsed(), secs(0));
}

#[test]
fn dropped_runtime_keeps_the_value() {
    let (source, log) = script(|asked| Answer::value(asked.number));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime");
    let key = runtime.block_on(Rotating::start(source));
    let key = key.expect("the source delivers");
    let waiting = key.refresh_newer_than(key.current().generation());
    drop(runtime);
    assert!(log.gone());
    let outcome = block_on(waiting);
    assert!(matches!(outcome, Err(error) if error.kind() == RefreshErrorKind::Stopped));
    assert_eq!(*key.current(), 1);
    assert_eq!(key.status().refresh_state, RefreshState::Stopped);
}

#[tokio::test(start_paused = true)]
async fn cancelled_start_drops_the_source() {
    let (source, log) = script(|_| Answer::<usize>::hangs());
    let start = tokio::spawn(Rotating::start(source));
    pass(secs(1)).await;
    assert!(log.running());
    start.abort();
    assert!(at_once(|| log.gone()).await);
}
