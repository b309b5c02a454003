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
    Rotating, Secret,
    outbound::{Credential, InjectKeyLayer, NotReplayed, Outcome},
    rotating::EventKind,
    source::{Expiry, Fetch, Fetched, Source, SourceError},
};

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
async fn answered_late(world: &World, key: &Rotating<Credential>) -> JoinHandle<Answered> {
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
async fn rotated(world: &World, key: &Rotating<Credential>, second: &str) {
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

async fn answer(world: &World, key: &Rotating<Credential>) -> Response<String> {
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
    pass(millis(100)).await; // the last rejections are on their way
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
    let per_request = f64::from(sends[..1000].iter().sum::<u32>()) / 1000.0;
    println!("{per_request} upstream requests for each, while the key is not active");
    assert!(late - rotated_at > 1900, "each tries the new key first");
    // Once the new key is active, each request is sent once, with it.
    assert!(seen[settled..].iter().all(|seen| seen.key() == "second"));
    assert!(sends[1010..].iter().all(|sends| *sends == 1));
    let forced = world.fetches() - fetched;
    println!("{forced} forced fetches");
    assert!((1..=6).contains(&forced), "{forced}");
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
    let builder = Rotating::builder().poll(minutes(10));
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
    assert_eq!(minted, 4, "it settles");
}

#[tokio::test(start_paused = true)]
async fn fallback_is_in_outcome_and_event() {
    let world = World::new("first");
    let (tell, told) = mpsc::channel();
    let builder = Rotating::builder().observer(move |event| {
        let _ = tell.send(event.kind.clone());
    });
    let key = world.key_by(builder, millis(20)).await;
    rotated(&world, &key, "second").await;
    let response = answer(&world, &key).await;
    assert_eq!(response.body(), "body");
    let Some(Outcome::FellBack {
        rejected,
        generation,
    }) = response.extensions().get()
    else {
        panic!("{:?}", response.extensions().get::<Outcome>())
    };
    assert_eq!((rejected.get(), generation.get()), (2, 1));
    let (rejected, generation) = (*rejected, *generation);
    let fell_back = EventKind::FellBack {
        rejected,
        generation,
    };
    drop(key);
    moment().await;
    let told: Vec<_> = told.iter().collect();
    assert_eq!(told.last(), Some(&fell_back), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn background_refresh_result_is_used() {
    let world = World::new("first");
    let key = world.key_with(secs(1)).await;
    rotated(&world, &key, "second").await;
    world.store("third");
    world.also_accept("third");
    let asked = Instant::now();
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    assert_eq!(asked.elapsed(), secs(0), "nobody waits for it");
    pass(secs(3)).await;
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    assert_eq!(sent(&world), ["first", "second", "first", "third"]);
}

#[tokio::test(start_paused = true)]
async fn rejected_previous_key_is_not_retried() {
    let world = World::new("first");
    let key = world.key().await;
    rotated(&world, &key, "second").await;
    world.accept("neither");

    let response = answer(&world, &key).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.body(), "the upstream's own words");
    assert!(matches!(
        response.extensions().get(),
        Some(Outcome::FellBack { .. })
    ));
    for _ in 0..3 {
        let response = answer(&world, &key).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(matches!(
            response.extensions().get(),
            Some(Outcome::Rejected {
                reason: NotReplayed::RefreshFailed(_),
                ..
            })
        ));
    }
    assert_eq!(
        sent(&world),
        ["first", "second", "first", "second", "second", "second"]
    );
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
async fn key_rejected_before_rotation_is_no_fallback() {
    let world = World::new("first");
    let key = world.key().await;
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    world.store("second");
    world.accept("third");
    for _ in 0..2 {
        let response = answer(&world, &key).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(sent(&world), ["first", "first", "second", "second"]);
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

    // The previous key was rejected, so no request falls back to it.
    world.accept("third");
    let response = answer(&world, &key).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(sent(&world), ["first", "first", "second", "second"]);
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
    let builder = Rotating::builder().overlap(Duration::ZERO);
    let key = world.key_by(builder, millis(20)).await;
    rotated(&world, &key, "second").await;
    let response = answer(&world, &key).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(sent(&world), ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn fallback_ends_with_overlap() {
    let world = World::new("first");
    let builder = Rotating::builder().overlap(minutes(2));
    let key = world.key_by(builder, millis(0)).await;
    rotated(&world, &key, "second").await;
    pass(secs(119)).await;
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    pass(secs(1)).await;
    let response = answer(&world, &key).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn overlap_defaults_to_five_minutes() {
    let world = World::new("first");
    let key = world.key_with(millis(0)).await;
    rotated(&world, &key, "second").await;
    pass(secs(200)).await;
    world.store("third");
    key.refresh().await.unwrap();
    assert_eq!(key.current().generation().get(), 3);
    pass(secs(99)).await;
    assert_eq!(answer(&world, &key).await.status(), StatusCode::OK);
    pass(secs(1)).await;
    let response = answer(&world, &key).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
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
    let key = Rotating::start(Lives(0)).await.unwrap();
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
    let (key, mut publisher) = Rotating::manual(bearer("first"));
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
