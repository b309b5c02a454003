//! The key ring, the key of the app, and the rotation of all keys.

use std::time::Duration;

use http::Method;
use tokio::time::interval;
use tower::BoxError;
use tower_rotating_auth::Secret;
use tower_rotating_auth::inbound::policy::RoutePolicy;
use tower_rotating_auth::inbound::{
    ClientId, DangerouslyOpen, KeyDigest, RequireKeyLayer, Requirement, Scopes,
};
use tower_rotating_auth::keyring::{
    ExternalKey, FileSink, FileStore, IssuancePolicy, IssueRequest, KeyRing, MaxAge, MemoryStore,
    RevokeRequest, Rotator,
};

use crate::args::{Args, Client, Mode};
use crate::log;

/// The environment variable with the key of the app. Environment variables are for this user's
/// eyes alone; command lines are for everybody's.
const KEY: &str = "MODEL_SERVER_KEY";
const EVERYTHING: &str = "chat:write keys:manage models:manage models:read";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The app's first key, and two of a rotation.
const LIVE_KEYS: usize = 3;
const WARN_EVERY: Duration = Duration::from_secs(60 * 60);

/// The check of clients, and its layer.
pub(crate) struct Access {
    pub(crate) ring: KeyRing,
    pub(crate) require: RequireKeyLayer,
}

/// Opens the ring, takes in the app's key, and starts the rotations. Fails without a usable key,
/// except in development.
pub(crate) async fn open(args: &Args) -> Result<Access, BoxError> {
    if args.mode == Mode::Development {
        let open = DangerouslyOpen::on_loopback(args.listen)?;
        return Ok(Access {
            ring: KeyRing::start(MemoryStore::default()).await?,
            require: RequireKeyLayer::dangerously_open(open),
        });
    }
    let key = app_key()?;
    let policy = IssuancePolicy::new()
        .max_live_keys(LIVE_KEYS)
        .max_age(MaxAge::warn(90 * DAY));
    let ring = KeyRing::builder().policy(policy);
    let ring = ring
        .start(FileStore::new(args.runtime.join("ring.toml")))
        .await?;
    take_in(&ring, &args.owner, &key).await?;

    let owner = Client {
        id: args.owner.clone(),
        scopes: EVERYTHING.parse()?,
    };
    for client in args.client.iter().chain([&owner]) {
        let path = args.runtime.join(format!("{}.key", client.id));
        let request = IssueRequest::new(client.id.clone()).or_new_client(client.scopes.clone());
        let mut rotator = Rotator::new(ring.clone(), request, FileSink::new(path))
            .period(args.rotate_every)
            .overlap(args.overlap);
        rotator.catch_up().await?;
        tokio::spawn(rotator.run());
    }
    tokio::spawn(warn(ring.clone()));
    let require = RequireKeyLayer::new(ring.keys())
        .realm("model-server")?
        .policy(route_policy(args.mode)?)
        .observer(log::refused);
    Ok(Access { ring, require })
}

fn app_key() -> Result<Secret, BoxError> {
    let key = std::env::var(KEY).unwrap_or_default();
    if key.is_empty() {
        let text = format!("{KEY} is not set; pass the app's key in it, or use --mode development");
        return Err(text.into());
    }
    Ok(Secret::from(key))
}

/// Adds the app's key, and ends those of its earlier starts.
async fn take_in(ring: &KeyRing, owner: &ClientId, key: &Secret) -> Result<(), BoxError> {
    let external = ExternalKey::token(key)?;
    let state = ring.state();
    let digest = KeyDigest::of(key.expose_secret());
    for old in state.keys_of(owner).filter(|old| *old.digest() != digest) {
        ring.revoke(RevokeRequest::from(old.id().clone())).await?;
    }
    let request = IssueRequest::new(owner.clone())
        .or_new_client(EVERYTHING.parse::<Scopes>()?)
        .lifetime(90 * DAY);
    ring.import(request, external).await?;
    Ok(())
}

fn route_policy(mode: Mode) -> Result<RoutePolicy, BoxError> {
    let policy = RoutePolicy::deny_unlisted()
        .required(Method::POST, "/v1/chat/completions", "chat:write".parse()?)?
        .required_template(
            Method::POST,
            "/v1/models/{model}/load",
            "models:manage".parse()?,
        )?
        .required_template(
            Method::POST,
            "/admin/clients/{client}/revoke",
            "keys:manage".parse()?,
        )?;
    Ok(match mode {
        Mode::Mixed => policy
            .public(Method::GET, "/healthz")?
            .public(Method::GET, "/v1/models")?,
        Mode::Production | Mode::Development => policy
            .required(Method::GET, "/healthz", Requirement::new())?
            .required(Method::GET, "/v1/models", "models:read".parse()?)?,
    })
}

/// Reports keys that are too old, or soon will be.
async fn warn(ring: KeyRing) {
    let mut hours = interval(WARN_EVERY);
    loop {
        hours.tick().await;
        for warning in ring.warnings() {
            log::key_warning(&warning);
        }
    }
}
