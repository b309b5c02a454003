//! A key ring against its model: random operations of two processes in random order at random
//! times.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tower_rotating_auth::{
    Secret,
    inbound::{AuthError, Scopes, verify_at},
    keyring::{
        ExternalKey, IdempotencyKey, Imported, IssuancePolicy, IssueRequest, KeyRing, KeyRingError,
        KeySelector, MaxAge, MemoryStore, NewKey, NotAllowed, RevokeRequest, RotateRequest,
    },
};

use super::model::{CLIENTS, Comes, Model, ModelRequest, NEVER, Rules, Which, client, moment};

#[derive(Clone, Copy, Debug)]
enum Step {
    Issue(ModelRequest),
    /// One of the tokens so far.
    Import(ModelRequest, usize),
    Rotate(Which, u64, Option<u8>),
    Compromised(Which, Option<u8>),
    Revoke(usize),
    RevokeToken(usize),
    RevokeClient(usize),
    Retire(usize),
    Enable(usize, bool),
    Purge,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    // Positions are taken modulo the number of keys.
    let key = || 0_usize..64;
    let who = || 0..CLIENTS;
    let which = || prop_oneof![key().prop_map(Which::Key), who().prop_map(Which::Client)];
    let again = || option::weighted(0.3, 0_u8..3);
    let request = || {
        let delay = prop_oneof![3 => Just(0_u64), 1 => 1_u64..30];
        (who(), delay, option::of(0_u64..150), again()).prop_map(
            |(client, delay, life, idempotency)| ModelRequest {
                client,
                delay,
                life,
                idempotency,
            },
        )
    };
    prop_oneof![
        6 => request().prop_map(Step::Issue),
        1 => (request(), key()).prop_map(|(request, key)| Step::Import(request, key)),
        6 => (which(), 0_u64..80, again()).prop_map(|(which, grace, again)| Step::Rotate(which, grace, again)),
        2 => (which(), again()).prop_map(|(which, again)| Step::Compromised(which, again)),
        2 => key().prop_map(Step::Revoke),
        1 => key().prop_map(Step::RevokeToken),
        1 => who().prop_map(Step::RevokeClient),
        3 => key().prop_map(Step::Retire),
        1 => (who(), any::<bool>()).prop_map(|(who, enabled)| Step::Enable(who, enabled)),
        1 => Just(Step::Purge),
        6 => (0_u64..60).prop_map(Step::Pass),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let age = option::of(50_u64..200);
    let lifetime = option::of(10_u64..250);
    (2_usize..5, 0_u64..70, age, lifetime, 0_u64..50).prop_map(
        |(max_live, max_grace, refused_age, lifetime, purge_after)| Rules {
            max_live,
            max_grace,
            refused_age,
            lifetime,
            purge_after,
        },
    )
}

fn policy(rules: Rules) -> IssuancePolicy {
    let secs = Duration::from_secs;
    let policy = IssuancePolicy::new()
        .max_live_keys(rules.max_live)
        .max_grace(secs(rules.max_grace))
        .purge_after(secs(rules.purge_after))
        .max_age(
            rules
                .refused_age
                .map_or_else(|| MaxAge::warn(secs(90)), |age| MaxAge::refuse(secs(age))),
        );
    match rules.lifetime {
        Some(lifetime) => policy.lifetime(secs(lifetime)),
        None => policy,
    }
}

/// Two rings on one store, as in two processes.
struct World {
    model: Model,
    clock: Arc<AtomicU64>,
    store: MemoryStore,
    rings: [KeyRing; 2],
    /// When each key was to end after the last step.
    ends: Vec<u64>,
}

impl World {
    async fn new(rules: Rules) -> Self {
        let model = Model::new(rules);
        let clock = Arc::new(AtomicU64::new(model.now));
        let store = MemoryStore::default();
        let ring = async || {
            let clock = Arc::clone(&clock);
            let builder = KeyRing::builder()
                .policy(policy(rules))
                .wall_clock(move || moment(clock.load(Ordering::SeqCst)));
            builder.start(store.clone()).await.unwrap()
        };
        let rings = [ring().await, ring().await];
        Self {
            model,
            clock,
            store,
            rings,
            ends: Vec::new(),
        }
    }

    async fn take(&mut self, step: Step, ring: usize) {
        let ring = self.rings[ring].clone();
        let serial = ring.state().serial().max(self.store.state().serial());
        let before = self.store.state();
        let keys = self.model.keys.len();
        let key = |n: usize| n % keys.max(1);
        match step {
            Step::Pass(seconds) => {
                self.model.now += seconds;
                self.clock.store(self.model.now, Ordering::SeqCst);
            }
            Step::Issue(request) => {
                let expected = self.model.issue(request);
                let issued = ring.issue(self.request(request)).await;
                let issued = issued.map(|issued| (issued.id().clone(), issued.into_new()));
                self.made(expected, issued);
            }
            Step::Enable(n, enabled) => {
                let expected = self.model.set_enabled(n, enabled);
                let done = match enabled {
                    true => ring.enable(&client(n)).await,
                    false => ring.disable(&client(n)).await,
                };
                same(expected, done);
            }
            Step::RevokeClient(n) => {
                same(self.model.revoke_client(n), ring.revoke(&client(n)).await);
            }
            Step::Purge => {
                let purged: BTreeSet<_> = ring.purge().await.unwrap().into_iter().collect();
                assert_eq!(purged, self.model.purge().into_iter().collect());
            }
            Step::Rotate(Which::Client(_), ..) | Step::Compromised(Which::Client(_), _) => {
                self.rotate(step, &ring).await;
            }
            _ if keys == 0 => {}
            Step::Rotate(Which::Key(n), grace, again) => {
                let step = Step::Rotate(Which::Key(key(n)), grace, again);
                self.rotate(step, &ring).await;
            }
            Step::Compromised(Which::Key(n), again) => {
                self.rotate(Step::Compromised(Which::Key(key(n)), again), &ring)
                    .await;
            }
            Step::Import(request, n) => {
                let token = self.token(key(n));
                let expected = self.model.import(request, self.newest(key(n)));
                let foreign = ExternalKey::token(&token).unwrap();
                let imported = ring.import(self.request(request), foreign).await;
                let made = matches!(expected, Ok(Comes::New(_)));
                assert_eq!(
                    matches!(expected, Ok(Comes::Before(_))),
                    matches!(imported, Ok(Imported::Before(_)))
                );
                self.made(
                    expected,
                    imported.map(|imported| (imported.id().clone(), None)),
                );
                if made {
                    self.model.keys.last_mut().unwrap().token = token.expose_secret().to_vec();
                }
            }
            Step::Revoke(n) => {
                let id = self.model.keys[key(n)].id.clone();
                same(self.model.revoke(key(n)), ring.revoke(id).await);
            }
            Step::RevokeToken(n) => {
                let revoke = RevokeRequest::token(&self.token(key(n)));
                let newest = self.newest(key(n));
                same(self.model.revoke(newest), ring.revoke(revoke).await);
            }
            Step::Retire(n) => {
                let id = self.model.keys[key(n)].id.clone();
                same(self.model.retire(key(n)), ring.retire(&id).await);
            }
        }
        self.promises(&ring).await;
        let after = self.store.state();
        assert!(after.serial() >= serial, "it is monotonic");
        let moved = after.serial() != before.serial();
        let changed =
            !before.keys().eq(after.keys()) || before.clients().count() != after.clients().count();
        assert!(moved || !changed, "it moves when anything does");
    }

    async fn rotate(&mut self, step: Step, ring: &KeyRing) {
        let (expected, rotate, again, which) = match step {
            Step::Rotate(which, grace, again) => {
                let rotate =
                    RotateRequest::with_grace(self.which(which), Duration::from_secs(grace));
                (self.model.rotate(which, grace, again), rotate, again, which)
            }
            Step::Compromised(which, again) => {
                let rotate = RotateRequest::compromised(self.which(which));
                (self.model.compromised(which, again), rotate, again, which)
            }
            _ => return,
        };
        let rotate = match again {
            Some(again) => rotate.idempotency_key(idempotency_key(again)),
            None => rotate,
        };
        let rotated = ring.rotate(rotate).await;
        let rotated = rotated.map(|rotated| (rotated.id().clone(), rotated.into_new()));
        let is_new = matches!(expected, Ok(Comes::New(_)));
        self.made(expected, rotated);
        if is_new {
            let new = self.model.keys.len() - 1;
            let old = self.model.keys[new].replaces.unwrap();
            assert!(
                self.model.lives(new),
                "{which:?} leaves nobody without a key"
            );
            assert_eq!(self.model.keys[old].client, self.model.keys[new].client);
        }
    }

    /// Checks that the ring made what the model expects, and stores the id and the token in the
    /// model.
    fn made(
        &mut self,
        expected: Result<Comes, NotAllowed>,
        made: Result<(tower_rotating_auth::inbound::KeyId, Option<NewKey>), KeyRingError>,
    ) {
        match (expected, made) {
            (Ok(Comes::New(n)), Ok((id, new))) => {
                self.model.keys[n].id = id;
                if let Some(new) = new {
                    self.model.keys[n].token = new.token().expose_secret().to_vec();
                }
            }
            (Ok(Comes::Before(n)), Ok((id, new))) => {
                assert_eq!(
                    id, self.model.keys[n].id,
                    "the same operation, the same key"
                );
                assert!(new.is_none(), "and its token is not shown again");
            }
            (Err(expected), made) => same(Err(expected), made.map(|_| ())),
            (Ok(_), Err(error)) => panic!("{error:?}"),
        }
    }

    /// Returns the key with the same token: a purged one may have been imported again.
    fn newest(&self, n: usize) -> usize {
        let token = &self.model.keys[n].token;
        let newest = self.model.keys.iter().rposition(|key| key.token == *token);
        newest.unwrap()
    }

    fn token(&self, n: usize) -> Secret {
        Secret::new(self.model.keys[n].token.clone())
    }

    fn which(&self, which: Which) -> KeySelector {
        match which {
            Which::Key(n) => self.model.keys[n].id.clone().into(),
            Which::Client(n) => client(n).into(),
        }
    }

    fn request(&self, request: ModelRequest) -> IssueRequest {
        let mut made = IssueRequest::new(client(request.client)).or_new_client(Scopes::default());
        if request.delay > 0 {
            made = made.not_before(moment(self.model.now + request.delay));
        }
        if let Some(life) = request.life {
            made = made.lifetime(Duration::from_secs(life));
        }
        if let Some(again) = request.idempotency {
            made = made.idempotency_key(idempotency_key(again));
        }
        made
    }

    /// Checks the invariants after a step: in its ring at once, in the other one after a reload.
    async fn promises(&mut self, ring: &KeyRing) {
        self.in_force(ring);
        for ring in &self.rings {
            ring.reload().await.unwrap();
            self.in_force(ring);
            assert!(
                ring.state() == self.store.state(),
                "the stored state is published"
            );
        }
        for n in 0..CLIENTS {
            assert!(self.model.living(n).len() <= self.model.rules.max_live);
        }
        let ends: Vec<_> = self
            .model
            .keys
            .iter()
            .map(|key| self.model.end(key))
            .collect();
        let longer = ends
            .iter()
            .zip(&self.ends)
            .find(|(end, before)| end > before);
        assert_eq!(longer, None, "no life gets longer");
        self.ends = ends;
    }

    fn in_force(&self, ring: &KeyRing) {
        let model = &self.model;
        let now = moment(model.now);
        let keys = ring.keys().current();
        for (n, key) in model.keys.iter().enumerate() {
            let is_newest = model.keys[n + 1..]
                .iter()
                .all(|other| other.token != key.token);
            if is_newest {
                let verdict = verify_at(&keys, &key.token, now).map(drop);
                let verdict = verdict.map_err(|error| error.kind());
                let expected = model
                    .verdict(n)
                    .map_err(|status| AuthError::from(status).kind());
                assert_eq!(verdict, expected, "key {n}");
            }
        }
        let listed = ring.list();
        let known = model.keys.iter().enumerate().filter(|(_, key)| !key.purged);
        assert_eq!(listed.len(), known.clone().count());
        for (n, key) in known {
            let summary = listed.iter().find(|listed| listed.id == key.id).unwrap();
            assert_eq!(summary.status, model.state(n));
            assert_eq!(summary.client, client(key.client));
            let end = model.end(key);
            assert_eq!(summary.ends_at, (end < NEVER).then(|| moment(end)));
            assert_eq!(
                summary.replaces,
                key.replaces.map(|n| model.keys[n].id.clone())
            );
        }
    }
}

fn idempotency_key(n: u8) -> IdempotencyKey {
    format!("operation-{n}").parse().unwrap()
}

fn same<T: std::fmt::Debug + PartialEq>(
    expected: Result<T, NotAllowed>,
    done: Result<T, KeyRingError>,
) {
    match (expected, done) {
        (Ok(expected), Ok(done)) => assert_eq!(done, expected),
        (Err(expected), Err(error)) => {
            assert_eq!(error.not_allowed(), Some(&expected), "{error:?}");
        }
        (expected, done) => panic!("{done:?}, not {expected:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn ring_matches_model(rules in rules(), steps in vec((step(), 0_usize..2), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new(rules).await;
            for (step, ring) in steps {
                world.take(step, ring).await;
            }
        });
    }
}
