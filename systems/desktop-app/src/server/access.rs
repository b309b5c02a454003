//! Who may call: the key ring, the key of the app, and the rotation of all keys.

use std::time::Duration;

use desktop_app::KEY_VARIABLE;
use tower_rotating_auth::Secret;
use tower_rotating_auth::audit::AuditLog;
use tower_rotating_auth::inbound::{
    CertificateDigest, ClientId, DangerouslyOpen, KeyDigest, RequireKeyLayer,
};
use tower_rotating_auth::keyring::{
    ExternalKey, FileSink, FileStore, IssuancePolicy, IssueRequest, KeyRing, MaxAge, MemoryStore,
    RevokeRequest, Rotator,
};

use crate::args::{Args, Mode};
use crate::error::ServerError;
use crate::policy::{self, RoleScopes};
use crate::trace;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_AGE: Duration = DAY.saturating_mul(90);
/// The app's first key, and two of a rotation.
const LIVE_KEYS: usize = 3;

/// The keys, and the layer that requires them.
pub(crate) struct Access {
    pub(crate) ring: KeyRing,
    pub(crate) layer: RequireKeyLayer,
}

/// Opens the ring, adds the app's key to it, and starts the rotations. The app's keys are bound to
/// its certificate.
///
/// Fails without a usable key, except in development.
pub(crate) async fn open(
    args: &Args,
    certificate: Option<CertificateDigest>,
    audit: &AuditLog,
) -> Result<Access, ServerError> {
    if args.mode == Mode::Development {
        let open = DangerouslyOpen::on_loopback(args.listen)?;
        return Ok(Access {
            ring: KeyRing::start(MemoryStore::default()).await?,
            layer: RequireKeyLayer::dangerously_open(open),
        });
    }
    let key = app_key()?;
    let external = ExternalKey::token(&key).map_err(ServerError::UnusableKey)?;
    let issuance = IssuancePolicy::new()
        .max_live_keys(LIVE_KEYS)
        .max_age(MaxAge::warn(MAX_AGE));
    let builder = KeyRing::builder()
        .policy(issuance)
        .observer(audit.observer());
    let store = FileStore::new(args.runtime.join("ring.toml"));
    let ring = builder.start(store).await?;

    let mut owner = IssueRequest::new(args.owner.clone());
    if let Some(certificate) = certificate {
        owner = owner.certificate(certificate);
    }
    grant_roles(&ring, &args.owner, certificate).await?;
    revoke_others(&ring, &args.owner, &key).await?;
    ring.import(owner.clone().lifetime(MAX_AGE), external)
        .await?;
    rotate(&ring, args, &args.owner, owner).await?;
    for client in &args.client {
        let request = IssueRequest::new(client.id.clone()).or_new_client(client.scopes.clone());
        rotate(&ring, args, &client.id, request).await?;
    }
    let layer = RequireKeyLayer::new(ring.keys())
        .realm("model-server")?
        .policy(policy::routes(args.mode)?)
        .observer(audit.observer())
        .on_principal(trace::record_caller);
    Ok(Access { ring, layer })
}

fn app_key() -> Result<Secret, ServerError> {
    let key = std::env::var(KEY_VARIABLE).unwrap_or_default();
    if key.is_empty() {
        return Err(ServerError::NoKey);
    }
    Ok(Secret::from(key))
}

/// Gives the app its roles. It manages keys only if its own are bound to a certificate.
async fn grant_roles(
    ring: &KeyRing,
    owner: &ClientId,
    certificate: Option<CertificateDigest>,
) -> Result<(), ServerError> {
    let operator = certificate.map(|_| RoleScopes::operator()).transpose()?;
    let mut roles = Vec::new();
    for RoleScopes { role, scopes } in [RoleScopes::user()?].into_iter().chain(operator) {
        ring.set_role_scopes(&role, scopes).await?;
        roles.push(role);
    }
    ring.set_roles(owner, roles).await?;
    Ok(())
}

/// Revokes the keys of the app's earlier starts.
async fn revoke_others(ring: &KeyRing, owner: &ClientId, key: &Secret) -> Result<(), ServerError> {
    let state = ring.state();
    let digest = KeyDigest::of(key.expose_secret());
    for old in state.keys_of(owner).filter(|old| *old.digest() != digest) {
        ring.revoke(RevokeRequest::from(old.id().clone())).await?;
    }
    Ok(())
}

/// Delivers a key to the client's file, and replaces it on the schedule.
async fn rotate(
    ring: &KeyRing,
    args: &Args,
    client: &ClientId,
    request: IssueRequest,
) -> Result<(), ServerError> {
    let sink = FileSink::new(args.runtime.join(format!("{client}.key")));
    let mut rotator = Rotator::new(ring.clone(), request, sink)
        .period(args.rotate_every)
        .overlap(args.overlap);
    rotator.catch_up().await?;
    tokio::spawn(rotator.run());
    Ok(())
}
