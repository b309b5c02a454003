//! The cost of rejections in fetches, at ten requests a second through the layer.

use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, sleep, sleep_until};
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::outbound::{InjectKeyLayer, RotatingCredential};
use tower_rotating_auth::rotating::RefreshErrorKind;

use super::{ORIGIN, World, post};
use crate::support::{millis, minutes, moment, pass, secs};

const TENTH: Duration = Duration::from_millis(100);

/// Sends ten requests a second for an hour, each in its own task. Returns how many were answered
/// 401.
async fn an_hour_of_requests(world: &World, before_each: impl Fn(u32)) -> usize {
    requests_for_an_hour(world, &world.key().await, before_each).await
}

async fn requests_for_an_hour(
    world: &World,
    key: &RotatingCredential,
    before_each: impl Fn(u32),
) -> usize {
    let inject = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    let client = inject.layer(world.upstream());
    let start = Instant::now();
    let mut requests = Vec::new();
    for n in 0..36_000 {
        sleep_until(start + TENTH * n).await;
        before_each(n);
        requests.push(tokio::spawn(client.clone().oneshot(post("body"))));
    }
    let mut rejected = 0;
    for request in requests {
        let response = request.await.unwrap().unwrap();
        rejected += usize::from(response.status() == StatusCode::UNAUTHORIZED);
    }
    rejected
}

#[tokio::test(start_paused = true)]
async fn rejected_key_costs_twenty_fetches_an_hour() {
    let world = World::new("dead");
    world.accept("another");
    let rejected = an_hour_of_requests(&world, |_| {}).await;
    let forced = world.fetches() - 1;
    println!(
        "{forced} forced fetches, {} requests sent",
        world.seen().len()
    );
    assert!((1..=20).contains(&forced), "{forced}");
    assert_eq!((rejected, world.seen().len()), (36_000, 36_000));
}

#[tokio::test(start_paused = true)]
async fn rejected_new_keys_cost_24_fetches_an_hour() {
    let world = World::new("dead");
    world.accept("another");
    let rejected = an_hour_of_requests(&world, |n| world.store(&format!("dead-{n}"))).await;
    let forced = world.fetches() - 1;
    println!(
        "{forced} forced fetches, {} requests sent",
        world.seen().len()
    );
    assert!((1..=24).contains(&forced), "{forced}");
    assert_eq!(rejected, 36_000);
    assert!(world.seen().len() <= 2 * 36_000);
}

#[tokio::test(start_paused = true)]
async fn unaccepted_new_key_fails_no_caller_in_overlap() {
    let world = World::new("good");
    let builder = RotatingCredential::builder().overlap(minutes(120));
    let key = world.key_by(builder, millis(20)).await;
    let client = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    client
        .layer(world.upstream())
        .oneshot(post("body"))
        .await
        .unwrap();
    world.store("bad");
    pass(millis(1000)).await;
    key.refresh().await.unwrap();

    let rejected = requests_for_an_hour(&world, &key, |_| {}).await;
    let forced = world.fetches() - 2;
    assert_eq!((rejected, forced), (0, 0), "the key is not active yet");
    let canaries = world.seen().len() - 1 - 36_000;
    println!("{canaries} requests were sent twice");
    assert!((300..=400).contains(&canaries), "{canaries}");
}

#[tokio::test(start_paused = true)]
async fn dead_previous_key_is_given_up() {
    let world = World::new("good");
    let key = world.key().await;
    let client = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    client
        .layer(world.upstream())
        .oneshot(post("body"))
        .await
        .unwrap();
    world.store("bad");
    pass(millis(1000)).await;
    key.refresh().await.unwrap();
    world.accept("another");

    let mint = |n| world.store(&format!("bad-{n}"));
    let rejected = requests_for_an_hour(&world, &key, mint).await;
    let forced = world.fetches() - 2;
    println!("{forced} forced fetches");
    assert!((1..=24).contains(&forced), "{forced}");
    assert_eq!(rejected, 36_000);
    let seen = world.seen();
    let last = seen.iter().rposition(|seen| seen.key() == "good").unwrap();
    println!("the {last}th of {} sends was the last with it", seen.len());
    assert!(last < 2 * 1300, "after two minutes at most");
}

#[tokio::test(start_paused = true)]
async fn frequent_rotations_are_never_throttled() {
    let world = World::new("key-0");
    let client = world.inject().await.layer(world.upstream());
    for n in 1..=200 {
        world.rotate(&format!("key-{n}"));
        let response = client.clone().oneshot(post("body")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "rotation {n}");
        sleep(Duration::from_secs(10)).await;
    }
    assert_eq!(world.fetches(), 201);
}

#[tokio::test(start_paused = true)]
async fn late_accepted_keys_hold_no_refresh_back() {
    let world = World::new("key-0");
    let key = world.key_with(millis(0)).await;
    for n in 1..=10 {
        pass(minutes(1)).await;
        world.store(&format!("key-{n}"));
        key.refresh().await.unwrap();
        pass(millis(2000)).await;
        // The key is not active yet. It is later.
        let used = key.current().generation();
        let outcome = key.refresh_newer_than(used).await;
        assert!(
            matches!(&outcome, Err(error) if error.kind() == RefreshErrorKind::Unchanged),
            "{outcome:?}"
        );
        key.report_accepted(used);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_accepted_once_cost_24_fetches_an_hour() {
    let world = World::new("key-0");
    let key = world.key().await;
    let inject = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    // The upstream takes each key once and then never again; the store has a new one each time.
    let (used, upstream) = (world.clone(), world.upstream());
    let client = inject.layer(service_fn(move |request| {
        let (used, answer) = (used.clone(), upstream.clone().oneshot(request));
        async move {
            let answer = answer.await;
            let fetched = used.fetches();
            used.rotate(&format!("key-{fetched}"));
            answer
        }
    }));
    for _ in 0..3600 {
        drop(client.clone().oneshot(post("body")).await.unwrap());
        pass(secs(1)).await;
    }
    let forced = world.fetches() - 1;
    println!("{forced} forced fetches");
    assert!((1..=24).contains(&forced), "{forced}");
}

#[tokio::test(start_paused = true)]
async fn false_alarm_asks_the_source_once() {
    let world = World::new("key");
    let key = world.key().await;
    let inject = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    let client = inject.layer(world.upstream());
    for _ in 0..600 {
        world.accept("another");
        let provoked = tokio::spawn(client.clone().oneshot(post("provoked")));
        moment().await;
        world.accept("key");
        pass(millis(100)).await;
        let response = client.clone().oneshot(post("honest")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        pass(millis(900)).await;
        if provoked.is_finished() {
            let response = provoked.await.unwrap().unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        }
    }
    let forced = world.fetches() - 1;
    println!("{forced} forced fetches");
    assert!((1..=5).contains(&forced), "{forced}");
    // A real rotation among the false alarms is not held back.
    world.rotate("new");
    let asked = Instant::now();
    let response = client.oneshot(post("honest")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(asked.elapsed() <= secs(2), "{:?}", asked.elapsed());
}

#[tokio::test(start_paused = true)]
async fn throttled_request_gets_a_key_that_arrives_by_itself() {
    let world = World::new("key-0");
    let key = world.key().await;
    let inject = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    let client = inject.layer(world.upstream());
    for _ in 0..3 {
        pass(secs(1)).await;
        key.refresh().await.unwrap(); // empties the bucket
    }
    world.accept("key-1");
    let waiting = tokio::spawn(client.clone().oneshot(post("body")));
    pass(secs(4)).await;
    assert!(!waiting.is_finished());
    let late = tokio::spawn(client.oneshot(post("body")));
    world.store("key-1");
    pass(secs(4)).await; // the bucket has a token again 10 s after the first was taken
    key.refresh().await.unwrap();
    let response = late.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let response = waiting.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "after 5 s");
}
