//! Tests that no output contains a secret: every secret is a sentinel, and all output is searched
//! for it.

use std::fmt::Debug;
use std::sync::mpsc;
use std::thread;

use tower_rotating_auth::{
    Rotating, Secret,
    rotating::{Event, RefreshErrorKind},
    source::{Expiry, Fetch, Fetched, Revision, Source, SourceError, channel, source_fn},
};

use crate::support::{Answer, Log, Script, Traced, block_on, minutes, moment, pass, script, secs};

const SENTINEL: &str = "sk-SENTINEL";

/// All output so far.
#[derive(Default)]
struct Seen(String);

impl Seen {
    fn see(&mut self, shown: &impl Debug) {
        self.0 += &format!("{shown:?}\n{shown:#?}\n");
    }

    fn error(&mut self, error: &dyn std::error::Error) {
        self.see(&error);
        let mut next = Some(error);
        while let Some(error) = next {
            self.0 += &format!("{error}\n");
            next = error.source();
        }
    }

    #[track_caller]
    fn assert_clean(&self) {
        let bytes = format!("{:?}", SENTINEL.as_bytes());
        let bytes = bytes.trim_matches(['[', ']']);
        for trace in [SENTINEL, "SENTINEL", bytes] {
            assert!(!self.0.contains(trace), "{}", self.0);
        }
    }
}

/// Creates a source that delivers secrets and fails in every way.
fn eventful<T: Send + Sync + 'static>(make: fn(String) -> T) -> (Script<T>, Log) {
    let secret = move |number| {
        let text = format!("{SENTINEL}-{number}");
        let revision = Revision::new(text.as_bytes());
        Fetched::new(make(text)).revision(revision)
    };
    script(move |asked| match asked.number {
        2 => Answer::down(),
        3 => Answer::panics(SENTINEL),
        4 => Answer::hangs(),
        5 => Answer::fetched(secret(5).expires(Expiry::In(secs(0)))),
        n => Answer::fetched(secret(n).expires(Expiry::In(minutes(60)))),
    })
}

/// Runs an engine on that source and records all that it returns.
async fn run<T: PartialEq + Send + Sync + 'static>(make: fn(String) -> T, seen: &mut Seen) {
    let (sender, events) = mpsc::channel::<Event>();
    let (source, log) = eventful(make);
    let builder = Rotating::builder().name("openai").observer(move |event| {
        let _ = sender.send(event.clone());
    });
    seen.see(&builder);
    let key = builder.start(source).await.expect("the source delivers");
    let mut changes = key.subscribe();
    while log.count() < 8 {
        let refreshing = key.refresh_newer_than(key.current().generation());
        seen.see(&refreshing);
        match refreshing.await {
            Ok(current) => seen.see(&current),
            Err(error) => seen.error(&error),
        }
        match key.refresh().await {
            Ok(current) => seen.see(&current),
            Err(error) => seen.error(&error),
        }
        seen.see(&key);
        seen.see(&key.current());
        seen.see(&key.current().generation());
        seen.see(&key.status());
        pass(secs(20)).await;
    }
    seen.see(&changes);
    seen.see(&changes.changed().await);
    seen.see(&log.last().revision);
    drop(key);
    moment().await;
    let events: Vec<Event> = events.iter().collect();
    assert!(events.len() >= 6);
    seen.see(&events);

    let (key, mut publisher) = Rotating::manual(make(SENTINEL.into()));
    publisher.publish(make(format!("{SENTINEL}-2")));
    seen.see(&publisher);
    seen.see(&key.current());
    seen.see(&key);
}

#[tokio::test(start_paused = true)]
async fn no_secret_in_debug_errors_events_or_traces() {
    let traced = Traced::new();
    let mut seen = Seen::default();
    run(Secret::from, &mut seen).await;
    // A `String` would print itself, so this finds what is formatted by mistake.
    run(|text| text, &mut seen).await;

    let traced = traced.text();
    for words in ["rotated", "refresh failed", "openai", "the source panicked"] {
        assert!(traced.contains(words), "{traced}");
    }
    seen.0 += &traced;
    seen.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn no_secret_in_start_and_refresh_errors() {
    let mut seen = Seen::default();
    let answers: [fn() -> Answer<Secret>; 3] = [
        || Answer::panics(SENTINEL),
        || Answer::lives(Secret::from(SENTINEL), secs(0)),
        Answer::unchanged,
    ];
    for answer in answers {
        let (source, _) = script(move |_| answer());
        let error = Rotating::start(source).await.expect_err("no value");
        seen.error(&error);
    }
    let no_runtime = thread::spawn(|| {
        let source = source_fn(|| async { Ok::<_, SourceError>(Secret::from(SENTINEL)) });
        block_on(Rotating::start(source)).expect_err("no runtime")
    });
    seen.error(&no_runtime.join().expect("no panic"));
    let (source, _) = script(|_| Answer::value(Secret::from(SENTINEL)));
    let key = Rotating::start(source).await.expect("the source delivers");
    let generation = key.current().generation();
    for expected in [RefreshErrorKind::Unchanged, RefreshErrorKind::Cooldown] {
        let error = key.refresh_newer_than(generation).await;
        let error = error.expect_err("nothing is newer");
        assert_eq!(error.kind(), expected);
        seen.error(&error);
    }
    seen.assert_clean();
}

#[tokio::test]
async fn no_secret_in_debug_of_sources() {
    /// A source that sends the debug output of its requests.
    struct Showing(mpsc::Sender<String>);
    impl Source for Showing {
        type Value = String;
        async fn fetch(&mut self, ask: Fetch<'_, String>) -> Result<Fetched<String>, SourceError> {
            let _ = self.0.send(format!("{ask:?} {ask:#?}"));
            let revision = Revision::new(SENTINEL.as_bytes());
            let fetched = Fetched::new(SENTINEL.to_owned()).revision(revision);
            let _ = self.0.send(format!("{fetched:?} {fetched:#?}"));
            Ok(fetched)
        }
    }
    let mut seen = Seen::default();
    let (show, shown) = mpsc::channel();
    let key = Rotating::builder()
        .min_interval(secs(0))
        .start(Showing(show));
    let key = key.await.expect("the source delivers");
    key.refresh().await.expect("the source delivers");
    drop(key);
    seen.0 += &shown.try_iter().collect::<String>();
    assert!(seen.0.contains("Requested"));

    let (sender, source) = channel();
    sender.send(Secret::from(SENTINEL));
    seen.see(&sender);
    seen.see(&source);
    let closure = || {
        let secret = Secret::from(SENTINEL);
        source_fn(move || {
            let text = secret.expose_secret().to_vec();
            async move { Ok::<_, SourceError>(Secret::new(text)) }
        })
    };
    seen.see(&closure());
    seen.see(&closure().validate(|_| Ok(())));
    seen.see(&closure().try_map(|secret| Ok(secret.expose_secret().len())));
    seen.see(&closure().fallback(closure()));
    seen.see(&closure().boxed());
    seen.see(&Fetched::new(Secret::from(SENTINEL)));
    seen.see(&Revision::new(SENTINEL.as_bytes()));
    seen.assert_clean();
}
