//! Clients that use keys while another thread rotates them as fast as it can.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response};
use http_body_util::Full;
use tokio::runtime;
use tokio::task::yield_now;
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::{
    inbound::{RequireKeyLayer, verify_at},
    keyring::{IssuancePolicy, KeyRing, MemoryStore, NewKey, RotateRequest},
};

use super::model::moment;
use super::{client, issued};
use crate::support::secs;

const TASKS: usize = 64;
const ROTATIONS: u64 = 10_000;
/// The grace, in seconds of a clock that each rotation advances by one.
const GRACE: u64 = 8;
const LIFETIME: u64 = 40;

/// The state that the rotating thread and the clients share.
struct World {
    clock: Arc<AtomicU64>,
    /// The key that clients use, and its number.
    current: Mutex<(u64, Arc<NewKey>)>,
    over: AtomicBool,
}

impl World {
    fn now(&self) -> SystemTime {
        moment(self.clock.load(Ordering::SeqCst))
    }

    fn current(&self) -> (u64, Arc<NewKey>) {
        let current = self.current.lock().unwrap();
        (current.0, Arc::clone(&current.1))
    }

    /// Returns whether the grace of this key is over.
    fn is_over(&self, number: u64) -> bool {
        self.clock.load(Ordering::SeqCst) >= number + 1 + GRACE
    }
}

async fn hello<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::default())
}

/// Uses the current key in a loop, and returns how often it was accepted.
async fn client_of(world: Arc<World>, ring: KeyRing, task: usize) -> u64 {
    let service = RequireKeyLayer::new(ring.keys()).layer(service_fn(hello));
    let mut let_in = 0;
    for n in 0_u64.. {
        if world.over.load(Ordering::SeqCst) {
            return let_in;
        }
        let (number, key) = world.current();
        let token = key.token().expose_secret();
        let is_let_in = if task % 2 == 0 {
            verify_at(&ring.keys().current(), token, world.now()).is_ok()
        } else {
            let bearer = [b"Bearer ", token].concat();
            let request = Request::get("/")
                .header("authorization", bearer)
                .body(())
                .unwrap();
            service.clone().oneshot(request).await.unwrap().status() == 200
        };
        if is_let_in {
            let_in += 1;
        } else {
            assert!(
                world.is_over(number),
                "key {number} is current or in its grace"
            );
        }
        if n % 16 == 0 {
            one_is_current_and_all_others_retire(&ring);
        }
        yield_now().await;
    }
    let_in
}

/// Checks that every loaded set is one that a rotation published.
fn one_is_current_and_all_others_retire(ring: &KeyRing) {
    let keys = ring.keys().current();
    let mut ends: Vec<_> = keys
        .records()
        .map(|record| record.not_after().unwrap())
        .collect();
    ends.sort_unstable();
    let last = ends.pop().unwrap();
    if let Some(before) = ends.pop() {
        // The clock had advanced when the successor was made and the grace began.
        assert_eq!(last.duration_since(before).unwrap(), secs(LIFETIME - GRACE));
    }
}

async fn rotate_without_end(world: &World, ring: &KeyRing) {
    for number in 1..=ROTATIONS {
        world.clock.fetch_add(1, Ordering::SeqCst);
        let rotated = ring
            .rotate(RotateRequest::with_grace(client(), secs(GRACE)))
            .await;
        let key = Arc::new(rotated.unwrap().into_new().unwrap());
        *world.current.lock().unwrap() = (number, key);
        if number % 10 == 0 {
            ring.purge().await.unwrap();
        }
    }
}

#[test]
fn current_and_grace_keys_are_never_refused() {
    let clock = Arc::new(AtomicU64::new(0));
    let policy = IssuancePolicy::new()
        .max_live_keys(64)
        .max_grace(secs(GRACE))
        .lifetime(secs(LIFETIME))
        .purge_after(secs(0));
    let read = Arc::clone(&clock);
    let builder = KeyRing::builder()
        .policy(policy)
        .wall_clock(move || moment(read.load(Ordering::SeqCst)));

    let writer = runtime::Builder::new_current_thread().enable_time().build();
    let readers = runtime::Builder::new_multi_thread()
        // The writer has a thread of its own.
        .worker_threads(1)
        .build();
    let (writer, readers) = (writer.unwrap(), readers.unwrap());
    writer.block_on(async {
        let ring = builder.start(MemoryStore::default()).await.unwrap();
        let key = Arc::new(issued(&ring).await);
        let world = Arc::new(World {
            clock,
            current: Mutex::new((0, key)),
            over: AtomicBool::new(false),
        });
        let clients = (0..TASKS).map(|task| {
            let (world, ring) = (Arc::clone(&world), ring.clone());
            readers.spawn(client_of(world, ring, task))
        });
        let clients: Vec<_> = clients.collect();
        rotate_without_end(&world, &ring).await;
        world.over.store(true, Ordering::SeqCst);
        let let_in = join_all(clients).await;
        assert!(let_in.into_iter().all(|let_in| let_in.unwrap() > 0));
    });
    readers.shutdown_background();
}
