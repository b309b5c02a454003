//! A key that is not active yet: the replay uses the previous one.

use std::convert::Infallible;
use std::future::ready;
use std::sync::mpsc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_rotating_auth::{
    Secret,
    outbound::{
        AttemptResult, Credential, EventKind, InjectKeyLayer, NotReplayed, Outcome,
        RotatingCredential, RotatingCredentialBuilder,
    },
    source::{Expiry, Fetch, Fetched, Source, SourceError},
};
use tower_test::mock;

use super::{ORIGIN, Upstream, World, post};
use crate::support::{millis, minutes, moment, pass, secs};

type Answered = Result<Response<String>, Infallible>;

/// An upstream that decides at once, and answers after 10 ms to 90 ms.
fn slow(
    upstream: Upstream,
) -> impl Service<Request<String>, Response = Response<String>, Error = Infallible, Future: Send>
+ Clone
+ Send {
    takes(upstream, |number| millis(10 + number * 37 % 80))
}

/// Starts a request that is answered after three seconds.
async fn answered_late(world: &World, key: &RotatingCredential) -> JoinHandle<Answered> {
    let client = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    let client = client.layer(takes(world.upstream(), |_| secs(3)));
    let late = tokio::spawn(client.oneshot(post("late")));
    moment().await;
    late
}

fn takes(
    upstream: Upstream,
    time: fn(u64) -> Duration,
) -> impl Service<Request<String>, Response = Response<String>, Error = Infallible, Future: Send>
+ Clone
+ Send {
    service_fn(move |request: Request<String>| {
        let number: u64 = request.body().parse().unwrap_or_default();
        let answer = upstream.clone().oneshot(request);
        async move {
            let answer = answer.await;
            sleep(time(number)).await;
            answer
        }
    })
}

/// Sends a request every 10 ms, each in its own task, with its number as the body.
fn load<S>(client: S, from: u64, lasts: Duration) -> JoinHandle<Vec<Response<String>>>
where
    S: Service<Request<String>, Response = Response<String>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
{
    tokio::spawn(async move {
        let start = Instant::now();
        let mut requests: Vec<JoinHandle<Answered>> = Vec::new();
        while start.elapsed() < lasts {
            let request = post(&(from + requests.len() as u64).to_string());
            requests.push(tokio::spawn(client.clone().oneshot(request)));
            sleep_until(start + millis(10) * u32::try_from(requests.len()).unwrap()).await;
        }
        let mut responses = Vec::new();
        for request in requests {
            responses.push(request.await.unwrap().unwrap());
        }
        responses
    })
}

/// Creates a world in which the first key is proven and the second is current.
async fn rotated(world: &World, key: &RotatingCredential, second: &str) {
    let client = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    let response = client.layer(world.upstream()).oneshot(post("")).await;
    assert_eq!(response.unwrap().status(), StatusCode::OK);
    world.store(second);
    pass(secs(1)).await;
    key.refresh().await.unwrap();
}

fn sent(world: &World) -> Vec<String> {
    let seen = world.seen();
    seen.iter().map(|seen| seen.key().to_owned()).collect()
}

/// Returns the attempts at a request, as (generation, verdict).
fn attempts(response: &Response<String>) -> Vec<(u64, AttemptResult)> {
    let outcome: &Outcome = response.extensions().get().unwrap();
    let attempts = outcome.attempts().iter();
    attempts
        .map(|attempt| (attempt.generation.get(), attempt.result))
        .collect()
}

async fn answer(world: &World, key: &RotatingCredential) -> Response<String> {
    let client = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    let response = client.layer(world.upstream()).oneshot(post("body")).await;
    response.unwrap()
}

#[tokio::test(start_paused = true)]
async fn late_activation_fails_no_request() {
    let world = World::new("first");
    let key = world.key().await;
    let client = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    let client = client.layer(slow(world.upstream()));
    rotated(&world, &key, "second").await;
    let fetched = world.fetches();
    let rotated_at = world.seen().len();

    let requests = load(client, 0, secs(20));
    pass(secs(10)).await;
    world.also_accept("second");
    let late = world.seen().len();
    pass(millis(6600)).await; // the longest pause so far, and the answer
    let settled = world.seen().len();

    let responses = requests.await.unwrap();
    assert_eq!(responses.len(), 2000);
    for response in &responses {
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(key.current().generation().get(), 2, "it does not flap");

    let seen = world.seen();
    let mut sends = vec![0; 2000];
    for seen in &seen[rotated_at..] {
        sends[seen.body.parse::<usize>().unwrap()] += 1;
    }
    assert!(sends.iter().all(|sends| (1..=2).contains(sends)));
    let canaries = late - rotated_at - 1000;
    println!("{canaries} requests were sent twice while the key was not active");
    assert!((5..=10).contains(&canaries), "{canaries}");
    // Once a canary finds the new key active, each request is sent once, with it.
    assert!(seen[settled..].iter().all(|seen| seen.key() == "second"));
    assert!(sends[1700..].iter().all(|sends| *sends == 1));
    assert_eq!(
        world.fetches() - fetched,
        0,
        "the key is not active: no refresh"
    );
}

#[tokio::test(start_paused = true)]
async fn source_minting_late_keys_fails_no_request() {
    /// The upstream accepts each key ten seconds after it was minted.
    struct Mint(World, u32);
    impl Source for Mint {
        type Value = Credential;
        async fn fetch(
            &mut self,
            _: Fetch<'_, Credential>,
        ) -> Result<Fetched<Credential>, SourceError> {
            self.1 += 1;
            let name = format!("key-{}", self.1);
            let (world, late) = (self.0.clone(), name.clone());
            if self.1 > 1 {
                tokio::spawn(async move {
                    sleep(secs(10)).await;
                    world.also_accept(&late);
                });
            }
            let key = Credential::bearer(&Secret::from(name)).unwrap();
            Ok(Fetched::new(key))
        }
    }
    let world = World::new("key-1");
    let builder = RotatingCredential::builder().poll(minutes(10));
    let key = builder.start(Mint(world.clone(), 0)).await.unwrap();
    let client = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    let client = client.layer(slow(world.upstream()));
    let response = client.clone().oneshot(post("")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    key.refresh().await.unwrap();

    for response in load(client, 0, secs(30)).await.unwrap() {
        assert_eq!(response.status(), StatusCode::OK);
    }
    let minted = key.current().generation().get();
    assert_eq!(minted, 2, "it settles");
}

#[tokio::test(start_paused = true)]
async fn fallback_is_in_outcome_and_event() {
    let world = World::new("first");
    let (sender, receiver) = mpsc::channel();
    let builder = RotatingCredential::builder().observer(move |event| {
        let _ = sender.send(event.kind.clone());
    });
    let key = world.key_by(builder, millis(20)).await;
    rotated(&world, &key, "second").await;
    let response = answer(&world, &key).await;
    assert_eq!(response.body(), "body");
    assert_eq!(
        attempts(&response),
        [
            (2, AttemptResult::NotActive),
            (1, AttemptResult::NotRejected)
        ]
    );
    let outcome: &Outcome = response.extensions().get().unwrap();
    drop(key);
    moment().await;
    let events: Vec<_> = receiver.iter().collect();
    let [
        ..,
        EventKind::Replayed {
            rejected,
            generation,
            ..
        },
        EventKind::Recovered { attempts, request },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(*rejected, outcome.attempts()[..1]);
    assert_eq!(*generation, outcome.attempts()[1].generation);
    assert_eq!(attempts, outcome.attempts());
    assert_eq!(request.method, Some(http::Method::POST));
}

#[tokio::test(start_paused = true)]
async fn fallback_forces_no_refresh() {
    let world = World::new("first");
    let key = world.key_with(secs(1)).await;
    rotated(&world, &key, "second").await;
    let fetched = world.fetches();
    let asked = Instant::now();
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    assert_eq!(asked.elapsed(), secs(0), "nobody waits");
    pass(secs(3)).await;
    assert_eq!(world.fetches(), fetched);
}

#[tokio::test(start_paused = true)]
async fn two_rejected_keys_prove_nothing_and_force_a_refresh() {
    let world = World::new("first");
    let key = world.key().await;
    rotated(&world, &key, "second").await;
    world.accept("neither");
    let fetched = world.fetches();

    for _ in 0..3 {
        let response = answer(&world, &key).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.body(), "the upstream's own words");
        let outcome: &Outcome = response.extensions().get().unwrap();
        assert!(matches!(
            outcome.not_replayed(),
            Some(NotReplayed::NoSendLeft)
        ));
    }
    assert_eq!(
        sent(&world),
        [
            "first", "second", "first", "first", "second", "first", "second"
        ]
    );
    world.rotate("third");
    pass(secs(6)).await;
    assert!(world.fetches() > fetched);
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn returning_key_is_not_sent_twice() {
    let world = World::new("first");
    let key = world.key().await;
    rotated(&world, &key, "second").await;
    world.store("first");
    pass(secs(1)).await;
    key.refresh().await.unwrap();
    world.rotate("third");
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    assert_eq!(sent(&world), ["first", "first", "third"]);
}

#[tokio::test(start_paused = true)]
async fn recovered_key_is_a_fallback() {
    let world = World::new("first");
    let key = world.key().await;
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    world.accept("none");
    let response = answer(&world, &key).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    world.accept("first");
    rotated(&world, &key, "second").await;
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    assert_eq!(sent(&world)[2..], ["first", "second", "first"]);
}

#[tokio::test(start_paused = true)]
async fn late_rejection_of_previous_uses_current_key() {
    let world = World::new("first");
    let key = world.key().await;
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);

    world.rotate("second");
    let late = answered_late(&world, &key).await;
    key.refresh().await.unwrap();
    assert_eq!(late.await.unwrap().unwrap().status(), StatusCode::OK);

    // One rejection says little: it stands by for the overlap.
    world.accept("first");
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    assert_eq!(
        sent(&world),
        ["first", "first", "second", "second", "first"]
    );
}

#[tokio::test(start_paused = true)]
async fn proven_newer_key_beats_previous_key() {
    let world = World::new("first");
    let key = world.key().await;
    rotated(&world, &key, "second").await;
    let late = answered_late(&world, &key).await;
    world.rotate("third");
    key.refresh().await.unwrap();
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    assert_eq!(late.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(sent(&world), ["first", "second", "third", "third"]);
}

#[tokio::test(start_paused = true)]
async fn key_proven_in_flight_is_not_sent_twice() {
    let world = World::new("first");
    let key = world.key().await;
    world.accept("none");
    let late = answered_late(&world, &key).await;
    world.accept("first");
    rotated(&world, &key, "second").await;
    world.also_accept("second");
    assert_eq!(late.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(sent(&world), ["first", "first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn unproven_previous_key_is_no_fallback() {
    let world = World::new("first");
    let key = world.key().await;
    world.store("second");
    pass(secs(1)).await;
    key.refresh().await.unwrap();
    let response = answer(&world, &key).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(sent(&world), ["second"]);
}

#[tokio::test(start_paused = true)]
async fn rejected_proven_key_is_refreshed() {
    let world = World::new("first");
    let key = world.key().await;
    world.also_accept("second");
    rotated(&world, &key, "second").await;
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);

    world.rotate("third");
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    assert_eq!(sent(&world), ["first", "second", "second", "third"]);
}

#[tokio::test(start_paused = true)]
async fn zero_overlap_cuts_over_at_once() {
    let world = World::new("first");
    let builder = RotatingCredential::builder().overlap(Duration::ZERO);
    let key = world.key_by(builder, millis(20)).await;
    rotated(&world, &key, "second").await;
    let response = answer(&world, &key).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(sent(&world), ["first", "second"]);
}

/// Rotates to a key that is accepted, and for one request rejected again after `later`.
async fn rejected_again(builder: RotatingCredentialBuilder, later: Duration) -> StatusCode {
    let world = World::new("first");
    let key = world.key_by(builder, millis(0)).await;
    rotated(&world, &key, "second").await;
    world.also_accept("second");
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    pass(later).await;
    world.accept("first");
    answer(&world, &key).await.status()
}

#[tokio::test(start_paused = true)]
async fn fallback_ends_with_overlap_after_proof() {
    for (later, status) in [
        (secs(4), StatusCode::OK),   // at once
        (secs(114), StatusCode::OK), // after `force_wait`
        (secs(116), StatusCode::UNAUTHORIZED),
        (secs(121), StatusCode::UNAUTHORIZED),
    ] {
        let builder = RotatingCredential::builder().overlap(minutes(2));
        assert_eq!(rejected_again(builder, later).await, status, "{later:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn unproven_key_never_takes_the_service_down() {
    let (sender, receiver) = mpsc::channel();
    let builder = RotatingCredential::builder().observer(move |event| {
        let _ = sender.send(event.kind.clone());
    });
    let world = World::new("first");
    let key = world.key_by(builder, millis(0)).await;
    rotated(&world, &key, "mistyped").await;
    for _ in 0..3600 {
        pass(secs(1)).await;
        assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    }
    drop(key);
    moment().await;
    let events: Vec<_> = receiver.iter().collect();
    let reported = events
        .iter()
        .filter(|kind| matches!(kind, EventKind::NeverAccepted { .. }));
    assert_eq!(reported.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn nodes_that_disagree_make_the_key_unproven_again() {
    let world = World::new("first");
    let key = world.key().await;
    rotated(&world, &key, "second").await;
    world.accept("second");
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    assert!(key.current().evidence().is_proven());
    world.accept("first");
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    assert!(!key.current().evidence().is_proven());
    let before = sent(&world).len();
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    assert_eq!(sent(&world)[before..], ["first"]);
}

#[tokio::test(start_paused = true)]
async fn third_send_survives_a_switch_between_two() {
    for (max_sends, status) in [(2, StatusCode::UNAUTHORIZED), (3, StatusCode::OK)] {
        let world = World::new("first");
        let key = world.key().await;
        rotated(&world, &key, "second").await;
        let client = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
        let client = client.max_sends(max_sends);
        let client = client.layer(takes(world.upstream(), |_| secs(1)));
        let canary = tokio::spawn(client.oneshot(post("canary")));
        pass(millis(500)).await;
        world.accept("second"); // the canary's answer is on its way
        let response = canary.await.unwrap().unwrap();
        assert_eq!(response.status(), status);
        let verdicts = attempts(&response);
        assert_eq!(
            verdicts[..2],
            [(2, AttemptResult::NotActive), (1, AttemptResult::Rejected)]
        );
        assert_eq!(verdicts.len(), usize::from(max_sends));
    }
}

#[tokio::test(start_paused = true)]
async fn cut_over_stops_a_fallback_that_waits() {
    let bearer = |key: &str| Credential::bearer(&Secret::from(key)).unwrap();
    for next in ["second", "third"] {
        let (key, mut publisher) = RotatingCredential::manual(bearer("first"));
        key.report_accepted(key.current().generation());
        publisher.publish(bearer("second"));
        let (upstream, mut handle) = mock::pair();
        let client = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
        let client = client.layer(upstream);
        handle.allow(1);
        let canary = tokio::spawn(client.oneshot(post("body")));
        let (request, respond) = handle.next_request().await.unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer second");
        respond.send_response(unauthorized());
        moment().await; // it falls back, and waits for the upstream to be ready
        publisher.cut_over(bearer(next));
        handle.allow(1);
        let (request, respond) = handle.next_request().await.unwrap();
        let sent = &request.headers()["authorization"];
        assert_eq!(sent, &format!("Bearer {next}"));
        respond.send_response(Response::new(String::new()));
        assert_eq!(canary.await.unwrap().unwrap().status(), StatusCode::OK);
    }
}

fn unauthorized() -> Response<String> {
    let response = Response::builder().status(StatusCode::UNAUTHORIZED);
    response.body(String::new()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn overlap_defaults_to_five_minutes() {
    for (later, status) in [
        (secs(294), StatusCode::OK),
        (secs(296), StatusCode::UNAUTHORIZED),
    ] {
        let builder = RotatingCredential::builder();
        assert_eq!(rejected_again(builder, later).await, status, "{later:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn expired_previous_key_is_no_fallback() {
    /// A source whose first key lives for a minute, and the second for an hour.
    struct Lives(u32);
    impl Source for Lives {
        type Value = Credential;
        async fn fetch(
            &mut self,
            _: Fetch<'_, Credential>,
        ) -> Result<Fetched<Credential>, SourceError> {
            let (name, lifetime) = match self.0 {
                0 => ("first", secs(60)),
                _ => ("second", minutes(60)),
            };
            self.0 += 1;
            let key = Credential::bearer(&Secret::from(name)).unwrap();
            Ok(Fetched::new(key).expires(Expiry::In(lifetime)))
        }
    }
    let world = World::new("first");
    let key = RotatingCredential::start(Lives(0)).await.unwrap();
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    pass(secs(55)).await; // the second was fetched at three quarters of the minute
    assert_eq!(key.current().generation().get(), 2);
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    pass(secs(5)).await;
    let response = answer(&world, &key).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(sent(&world), ["first", "second", "first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn manual_publish_overlaps_unless_cut_over() {
    let bearer = |key: &str| Credential::bearer(&Secret::from(key)).unwrap();
    let world = World::new("first");
    let (key, mut publisher) = RotatingCredential::manual(bearer("first"));
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);

    publisher.publish(bearer("second"));
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    publisher.publish(bearer("third"));
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    // The first key is compromised, and the third has been published already.
    assert_eq!(publisher.cut_over(bearer("third")).get(), 3);
    let response = answer(&world, &key).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);

    world.accept("third");
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    assert_eq!(publisher.cut_over(bearer("fourth")).get(), 4);
    let response = answer(&world, &key).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let attempts = [
        "first", "second", "first", "third", "first", "third", "third", "fourth",
    ];
    assert_eq!(sent(&world), attempts);
}

#[tokio::test(start_paused = true)]
async fn balancer_answer_does_not_prove_key() {
    for status in [
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::BAD_GATEWAY,
        StatusCode::TOO_MANY_REQUESTS,
    ] {
        let world = World::new("first");
        let key = world.key().await;
        rotated(&world, &key, "second").await;

        let balancer = service_fn(move |_: Request<String>| {
            let answer = Response::builder().status(status).body(String::new());
            ready(Ok::<_, Infallible>(answer.unwrap()))
        });
        let client = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
        let response = client.layer(balancer).oneshot(post("")).await.unwrap();
        assert_eq!(response.status(), status);

        // The key is not active yet. The previous one is.
        assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    }
}
