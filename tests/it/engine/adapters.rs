//! Tests of the adapters of a source.

use std::error::Error;

use tower_rotating_auth::{
    Rotating,
    source::{
        Expiry, Fetch, FetchReason, Fetched, RefreshInterval, Revision, Source, SourceError,
        SourceErrorKind,
    },
};

use crate::support::{Answer, millis, minutes, moment, pass, script, secs, source_kind};

fn revised(value: &'static str, revision: &'static str) -> Answer<&'static str> {
    let revision = Revision::new(revision.as_bytes());
    Answer::fetched(Fetched::new(value).revision(revision))
}

#[tokio::test(start_paused = true)]
async fn map_keeps_revision_expiry_hints_and_interval() {
    let (source, log) = script(|asked| {
        let (value, revision) = [("a", "r1"), ("b", "r1"), ("c", "r2")][asked.number.min(3) - 1];
        let fetched = Fetched::new(value).revision(Revision::new(revision.as_bytes()));
        Answer::fetched(fetched.expires(Expiry::In(minutes(60))))
    });
    let source = source.with_interval(RefreshInterval::new(secs(100), secs(3)));
    let key = Rotating::start(source.map(str::to_uppercase)).await;
    let key = key.expect("the source delivers");
    assert_eq!(*key.current(), "A");
    assert!(key.current().expires_at().is_some());

    log.hint();
    pass(secs(3)).await;
    moment().await;
    assert_eq!(
        log.gaps(),
        [secs(3)],
        "a hint, at the source's own interval"
    );
    assert_eq!(log.last().reason, FetchReason::Changed);
    assert_eq!(log.last().revision, Some(Revision::new(*b"r1")));
    assert_eq!(*key.current(), "A", "equal revision, same content");

    pass(secs(111)).await;
    assert_eq!(*key.current(), "C", "polled at the source's own interval");
}

#[tokio::test(start_paused = true)]
async fn try_map_error_keeps_last_good_value() {
    let (source, _) = script(|asked| Answer::value(["1", "two", "3"][asked.number.min(3) - 1]));
    let parsed = source.try_map(|text| {
        let number = text.parse::<u32>();
        number.map_err(|error| SourceError::invalid("not a number").with_source(error))
    });
    let key = Rotating::start(parsed).await.expect("the source delivers");
    match key.refresh().await {
        Err(error) => {
            assert_eq!(source_kind(&error), Some(SourceErrorKind::Invalid));
            assert!(error.source_error().and_then(Error::source).is_some());
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(*key.current(), 1);
    assert_eq!(*key.refresh().await.expect("it is one"), 3);
}

#[tokio::test(start_paused = true)]
async fn validate_error_keeps_last_good_value() {
    let (source, log) = script(|asked| Answer::value(["a", "", "c"][asked.number.min(3) - 1]));
    let source = source.validate(|value| {
        if value.is_empty() {
            return Err(SourceError::invalid("empty"));
        }
        Ok(())
    });
    let key = Rotating::start(source).await.expect("the source delivers");
    log.hint();
    pass(secs(1)).await;
    moment().await;
    assert_eq!(*key.current(), "a");
    assert_eq!(key.status().last_error, Some(SourceErrorKind::Invalid));
    pass(secs(2)).await;
    assert_eq!(*key.current(), "c");
}

#[tokio::test(start_paused = true)]
async fn invalid_first_value_fails_the_start() {
    let (source, _) = script(|_| Answer::value(""));
    let source = source.validate(|_| Err(SourceError::invalid("empty")));
    let outcome = Rotating::start(source).await;
    let error = outcome.expect_err("the value is refused");
    let kind = error.source_error().map(SourceError::kind);
    assert_eq!(kind, Some(SourceErrorKind::Invalid));
}

#[tokio::test(start_paused = true)]
async fn fallback_is_asked_only_when_first_fails() {
    let (first, first_log) = script(|asked| match asked.number {
        2 | 3 => Answer::down(),
        n => Answer::value(n),
    });
    let (second, second_log) = script(|asked| match asked.number {
        1 => Answer::value(100),
        _ => Answer::fails(SourceError::permanent("gone")),
    });
    let key = Rotating::start(first.fallback(second)).await;
    let key = key.expect("the first delivers");
    assert_eq!((*key.current(), second_log.count()), (1, 0));

    assert_eq!(*key.refresh().await.expect("the second delivers"), 100);
    match key.refresh().await {
        Err(error) => assert_eq!(source_kind(&error), Some(SourceErrorKind::Transient)),
        other => panic!("expected the error of the first, not {other:?}"),
    }
    assert_eq!(*key.current(), 100);
    pass(secs(5)).await;
    assert_eq!(*key.current(), 4);
    assert_eq!((first_log.count(), second_log.count()), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn fallback_keeps_equal_revisions_apart() {
    let (first, first_log) = script(|asked| match asked.number {
        3 | 4 => Answer::down(),
        _ => revised("first", "1"),
    });
    let (second, second_log) = script(|_| revised("second", "1"));
    let key = Rotating::builder()
        .poll(secs(10))
        .start(first.fallback(second));
    let key = key.await.expect("the first delivers");
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push((key.current().generation().get(), *key.current()));
        let attempts = first_log.count();
        while first_log.count() == attempts {
            pass(millis(100)).await;
        }
        moment().await;
    }
    let expected = [
        (1, "first"),
        (1, "first"),
        (2, "second"),
        (2, "second"),
        (3, "first"),
    ];
    assert_eq!(seen, expected);

    // Each source gets its own revision, and only while that is current.
    let revisions = |log: &crate::support::Log| -> Vec<bool> {
        let all = log.all();
        all.iter().map(|asked| asked.revision.is_some()).collect()
    };
    assert_eq!(
        revisions(&first_log)[..5],
        [false, true, true, false, false]
    );
    assert_eq!(revisions(&second_log)[..2], [false, true]);
}

#[tokio::test(start_paused = true)]
async fn nested_fallback_keeps_revisions_apart() {
    let down = || script(|_| Answer::<&str>::down()).0;
    let (third, log) = script(|_| revised("third", "1"));
    let source = down().fallback(down().fallback(third));
    let key = Rotating::builder().poll(secs(10)).start(source);
    let key = key.await.expect("the third delivers");
    pass(minutes(1)).await;
    assert_eq!(key.current().generation().get(), 1);
    assert_eq!(log.last().revision, Some(Revision::new(*b"1")));
}

#[tokio::test(start_paused = true)]
async fn fallback_follows_hints_of_both_sources() {
    let (first, first_log) = script(|asked| Answer::value(asked.number));
    let (second, second_log) = script(|_| Answer::value(0));
    let key = Rotating::start(first.fallback(second)).await;
    let key = key.expect("the first delivers");
    for (log, expected) in [(&first_log, 2), (&second_log, 3)] {
        pass(secs(2)).await;
        log.hint();
        moment().await;
        assert_eq!(*key.current(), expected);
        assert_eq!(first_log.last().reason, FetchReason::Changed);
    }
}

#[tokio::test(start_paused = true)]
async fn fallback_uses_the_longer_min_interval() {
    let (first, log) = script(|asked| Answer::value(asked.number));
    let (second, _) = script(|_| Answer::value(0));
    let source = first
        .with_interval(RefreshInterval::new(secs(100), secs(1)))
        .fallback(second.with_interval(RefreshInterval::new(secs(10), secs(7))));
    let _key = Rotating::start(source).await.expect("the first delivers");
    log.hint();
    pass(secs(8)).await;
    assert_eq!(log.gaps(), [secs(7)]);
    pass(secs(111)).await;
    assert_eq!(log.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn boxed_source_behaves_the_same() {
    let (source, log) = script(|asked| match asked.number {
        1 => revised("a", "1"),
        2 => revised("b", "2"),
        3 => Answer::panics("boom"),
        _ => Answer::unchanged(),
    });
    let source = source
        .with_interval(RefreshInterval::new(secs(50), secs(3)))
        .boxed();
    let key = Rotating::start(source).await.expect("the source delivers");
    log.hint();
    pass(secs(4)).await;
    assert_eq!(*key.current(), "b");
    assert_eq!(log.gaps(), [secs(3)]);
    pass(secs(40)).await;
    while log.count() < 3 {
        pass(secs(1)).await;
    }
    assert_eq!(key.status().last_error, Some(SourceErrorKind::Panicked));
    pass(secs(4)).await;
    assert_eq!(key.status().last_error, None);
    assert_eq!(log.last().revision, Some(Revision::new(*b"2")));
    drop(key);
    moment().await;
    assert!(log.gone());
}

#[tokio::test(start_paused = true)]
async fn boxed_sources_share_one_type() {
    let (plain, _) = script(|_| Answer::value(1));
    let (mapped, _) = script(|_| Answer::value("two"));
    let mapped = mapped.map(str::len);
    let mut values = Vec::new();
    for source in [plain.boxed(), mapped.boxed()] {
        let key = Rotating::start(source).await.expect("it delivers");
        values.push(*key.current());
    }
    assert_eq!(values, [1, 3]);
}

/// A source that doubles its interval with each fetch, and then panics.
struct Slower(u64);

impl Source for Slower {
    type Value = u64;

    async fn fetch(&mut self, _: Fetch<'_, u64>) -> Result<Fetched<u64>, SourceError> {
        self.0 *= 2;
        Ok(Fetched::new(self.0))
    }

    fn refresh_interval(&self) -> RefreshInterval {
        assert!(self.0 < 160, "it panics from now on");
        RefreshInterval::new(secs(self.0), millis(1))
    }
}

#[tokio::test(start_paused = true)]
async fn interval_follows_the_source() {
    let key = Rotating::start(Slower(5)).await.unwrap();
    // Fetches after 5, 20, 40 and 80 s, each up to 10 % earlier or later.
    pass(secs(200)).await;
    assert_eq!(*key.current(), 160);
    // After a panic, the last interval stays: 80 s.
    pass(secs(60)).await;
    assert_eq!(*key.current(), 320);
    let polled = Rotating::builder().poll(secs(5)).start(Slower(5));
    let polled = polled.await.unwrap();
    pass(secs(23)).await;
    assert!(*polled.current() >= 5 << 4, "the builder's interval stays");
}
