//! Tests of sources and values that panic or hang.

use std::future::{Future, ready};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use futures_util::future::Either;
use tokio::task::yield_now;
use tokio::time::advance;
use tower_rotating_auth::{
    Rotating,
    rotating::RefreshErrorKind,
    source::{Fetch, FetchReason, Fetched, Source, SourceError, SourceErrorKind, source_fn},
};

use crate::support::{
    Answer, Asked, Log, at_once, minutes, moment, pass, script, secs, source_kind,
};

#[tokio::test(start_paused = true)]
async fn panicking_source_is_asked_again() {
    let (source, log) = script(|asked| match asked.number {
        2 | 3 => Answer::panics("boom"),
        n => Answer::value(n),
    });
    let key = Rotating::builder().poll(secs(10)).start(source);
    let key = key.await.expect("the source delivers");
    while log.count() < 3 {
        pass(secs(1)).await;
    }
    assert_eq!(*key.current(), 1);
    assert_eq!(key.status().last_error, Some(SourceErrorKind::Panicked));
    pass(secs(5)).await;
    assert_eq!(*key.current(), 4);
    assert_eq!(key.status().last_error, None);
}

#[tokio::test(start_paused = true)]
async fn source_panic_answers_waiting_requests() {
    let (source, _) = script(|asked| match asked.number {
        1 => Answer::value(1),
        _ => Answer::panics("boom"),
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    match key.refresh_newer_than(key.current().generation()).await {
        Err(error) => assert_eq!(source_kind(&error), Some(SourceErrorKind::Panicked)),
        other => panic!("{other:?}"),
    }
}

/// A source whose `changed` panics or is ready at once, on every call or on the first one.
struct Hinting<S> {
    inner: S,
    how: How,
    calls: Arc<AtomicUsize>,
}

#[derive(Clone, Copy)]
enum How {
    Panics,
    PanicsAtFirst,
    Ready,
}

impl<S: Source> Source for Hinting<S> {
    type Value = S::Value;

    async fn fetch(&mut self, ask: Fetch<'_, S::Value>) -> Result<Fetched<S::Value>, SourceError> {
        self.inner.fetch(ask).await
    }

    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        match self.how {
            How::PanicsAtFirst if call > 0 => Either::Left(self.inner.changed()),
            How::Panics | How::PanicsAtFirst => resume_unwind(Box::new("boom")),
            How::Ready => Either::Right(ready(())),
        }
    }
}

fn hinting(
    how: How,
    answer: impl FnMut(&Asked) -> Answer<usize> + Send + 'static,
) -> (Hinting<impl Source<Value = usize>>, Log, Arc<AtomicUsize>) {
    let (inner, log) = script(answer);
    let calls = Arc::new(AtomicUsize::new(0));
    let source = Hinting {
        inner,
        how,
        calls: Arc::clone(&calls),
    };
    (source, log, calls)
}

#[tokio::test(start_paused = true)]
async fn panicking_hints_do_not_stop_polling() {
    let (source, log, calls) = hinting(How::Panics, |asked| Answer::value(asked.number));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(minutes(10)).await;
    assert!((9..=13).contains(&log.count()), "{}", log.count());
    assert_eq!(log.count_for(FetchReason::Changed), 0);
    assert_eq!(*key.current(), log.count());
    assert!(calls.load(Ordering::SeqCst) <= log.count());

    let newer = key.refresh_newer_than(key.current().generation()).await;
    assert_eq!(*newer.expect("it still answers"), log.count());
}

#[tokio::test(start_paused = true)]
async fn hints_resume_after_the_next_attempt() {
    let (source, log, calls) = hinting(How::PanicsAtFirst, |asked| Answer::value(asked.number));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(secs(5)).await;
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    key.refresh().await.expect("the source delivers");
    pass(secs(5)).await;
    log.hint();
    moment().await;
    assert_eq!(log.last().reason, FetchReason::Changed);
    assert_eq!(*key.current(), 3);
}

#[tokio::test(start_paused = true)]
async fn endless_hints_are_bound_by_min_interval() {
    let (source, log, _) = hinting(How::Ready, |_| Answer::value(1));
    let key = Rotating::start(source).await.expect("the source delivers");
    pass(minutes(1)).await;
    assert!((55..=61).contains(&log.count()), "{}", log.count());
    let asked = tokio::time::Instant::now();
    let outcome = key.refresh_newer_than(key.current().generation()).await;
    assert!(matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Unchanged));
    assert_eq!(asked.elapsed(), secs(5));
}

#[tokio::test(start_paused = true)]
async fn panicking_hints_at_start_follow_the_backoff() {
    let (source, log, _) = hinting(How::Panics, |_| Answer::down());
    let outcome = Rotating::builder()
        .wait_for_first(minutes(10))
        .start(source);
    assert!(outcome.await.is_err());
    // 26 if jitter halves every wait; 600 if a panic counted as a hint.
    assert!((10..=30).contains(&log.count()), "{}", log.count());
}

#[tokio::test(start_paused = true)]
async fn panicking_comparison_keeps_last_good_value() {
    #[derive(Debug)]
    struct Touchy(usize);
    impl PartialEq for Touchy {
        fn eq(&self, other: &Self) -> bool {
            if self.0 == 2 || other.0 == 2 {
                resume_unwind(Box::new("boom"));
            }
            self.0 == other.0
        }
    }
    let (source, _) = script(|asked| Answer::value(Touchy(asked.number)));
    let key = Rotating::start(source).await.expect("the source delivers");
    match key.refresh().await {
        Err(error) => assert_eq!(source_kind(&error), Some(SourceErrorKind::Panicked)),
        other => panic!("{other:?}"),
    }
    assert_eq!(key.current().0, 1);
    pass(secs(2)).await;
    assert_eq!(key.current().0, 3);
}

#[tokio::test(start_paused = true)]
async fn value_expired_on_arrival_is_an_error() {
    let (source, log) = script(|asked| match asked.number {
        1 => Answer::value(1),
        2 => Answer::lives(2, secs(0)),
        3 => Answer::lives(3, secs(2)).after(secs(3)),
        _ => Answer::lives(4, minutes(60)),
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    for attempt in [2, 3] {
        match key.refresh().await {
            Err(error) => assert_eq!(source_kind(&error), Some(SourceErrorKind::Expired)),
            other => panic!("{attempt}: {other:?}"),
        }
        assert_eq!(*key.current(), 1);
    }
    moment().await;
    assert_eq!(*key.refresh().await.expect("good for an hour"), 4);
    assert_eq!(log.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn fetch_that_panics_on_drop_is_survived() {
    /// A value that panics when it is dropped.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            resume_unwind(Box::new("boom"));
        }
    }
    let mut calls = 0;
    let source = source_fn(move || {
        calls += 1;
        async move {
            if calls == 2 {
                let _bomb = Bomb;
                std::future::pending::<()>().await;
            }
            Ok::<_, SourceError>(calls)
        }
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    let outcome = key.refresh().await;
    assert!(
        matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Failed),
        "{outcome:?}"
    );
    pass(secs(2)).await;
    assert_eq!(*key.current(), 3);
}

#[tokio::test(start_paused = true)]
async fn hanging_comparison_times_out() {
    /// A value whose comparison waits until the test ends.
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
    let operator = tokio::spawn(key.refresh());
    while log.count() < 2 {
        yield_now().await;
    }
    // Sleeping would wait for the blocked thread; `advance` does not.
    advance(secs(31)).await;
    assert!(at_once(|| operator.is_finished()).await);
    match operator.await.expect("no panic") {
        Err(error) => assert_eq!(source_kind(&error), Some(SourceErrorKind::TimedOut)),
        other => panic!("{other:?}"),
    }
    drop(release);
}
