//! Commands that change the key file.

use serde_json::json;
use tower_rotating_auth::ParseErrorKind;
use tower_rotating_auth::inbound::{ClientId, KeyDigest};
use tower_rotating_auth::keyring::{
    ClientState, ExternalKey, Imported, IssuancePolicy, IssueRequest, KeyRing, NotAllowed,
    ParsedToken,
};

use super::args::common::{KeyOptions, named};
use super::duration::{Grace, Life};
use super::format::{Moment, comma, ids, rfc3339};
use super::new_key::{Destination, fields, report};
use super::ring::{Audit, open, open_existing};
use super::{args, scopes, stdin};
use crate::duration::Length;
use crate::error::{Error, chain};

pub(crate) async fn issue(args: args::Issue, audit: Audit) -> Result<(), Error> {
    let out = Destination::open(args.out)?;
    let ring = open(
        &args.file.path,
        audit.observe(KeyRing::builder().prefix(args.prefix)),
    )
    .await?;
    let issued = ring.issue(request(&args.options)).await;
    let issued =
        issued.map_err(|error| scopes::of_key(&ring, &args.file.path, &args.options, error))?;
    if let Some(key) = issued.into_new() {
        report(&ring, args.style, "issued", key.id());
        out.deliver(&key, args.style, || fields(&ring, key.id()))?;
    }
    Ok(())
}

pub(crate) async fn rotate(args: args::Rotate, audit: Audit) -> Result<(), Error> {
    use tower_rotating_auth::keyring::{KeySelector, RotateRequest, Rotated};

    let policy = IssuancePolicy::new().max_grace(Grace::LONGEST);
    let ring = KeyRing::builder().policy(policy).prefix(args.prefix);
    let out = Destination::open(args.out)?;
    let ring = open_existing(&args.file.path, audit.observe(ring)).await?;
    let which = match (args.old.key, args.old.client) {
        (Some(id), _) => KeySelector::Named(id),
        (None, Some(client)) => KeySelector::Of(client),
        (None, None) => {
            return Err(Error::usage("no key given; pass --client or --key"));
        }
    };
    let mut rotate = match args.fate.grace {
        Some(Grace(grace)) => RotateRequest::with_grace(which, grace),
        None => RotateRequest::compromised(which),
    };
    if let Some(Length(life)) = args.expires {
        rotate = rotate.lifetime(life);
    }
    if let Rotated::Now { key, rotation } = ring.rotate(rotate).await? {
        report(&ring, args.style, "issued", key.id());
        let (old, over) = (&rotation.replaced, Moment(rotation.over_at));
        if args.fate.compromised {
            args.style.note(format_args!("revoked {old}"));
        } else {
            args.style.note(format_args!(
                "replaces {old}, which stays valid until {over} UTC"
            ));
        }
        if !rotation.ended.is_empty() {
            args.style
                .note(format_args!("also ended: {}", comma(&rotation.ended)));
        }
        out.deliver(&key, args.style, || {
            let mut fields = fields(&ring, key.id());
            fields.insert("replaced_ends_at".into(), rfc3339(rotation.over_at).into());
            fields.insert("ended".into(), ids(&rotation.ended));
            fields
        })?;
    }
    Ok(())
}

pub(crate) async fn revoke(args: args::Revoke, audit: Audit) -> Result<(), Error> {
    use tower_rotating_auth::keyring::RevokeRequest;

    let mut mistyped = None;
    let which = match (args.key, args.client) {
        (Some(id), _) => RevokeRequest::Key(id),
        (None, Some(client)) => RevokeRequest::Client(client),
        (None, None) => {
            let token = stdin::secret("the key")?;
            let token = token.expose_secret();
            let error = ParsedToken::parse(token).err();
            mistyped = error.filter(|error| error.kind() == ParseErrorKind::TokenChecksum);
            RevokeRequest::Digest(KeyDigest::of(token))
        }
    };
    let ring = open_existing(&args.file.path, audit.observe(KeyRing::builder())).await?;
    let revoked = match (ring.revoke(which).await, mistyped) {
        // Checked after the search, since an imported key may look like a mistyped one.
        (Err(error), Some(mistyped)) if error.not_allowed() == Some(&NotAllowed::UnknownKey) => {
            return Err(Error::no(mistyped.to_string()));
        }
        (revoked, _) => revoked?,
    };
    match &*revoked {
        [] => args
            .style
            .note(format_args!("nothing to revoke: already revoked")),
        ids => args.style.note(format_args!("revoked {}", comma(ids))),
    }
    args.style.object(|| json!({ "revoked": ids(&revoked) }))
}

pub(crate) async fn import(args: args::Import, audit: Audit) -> Result<(), Error> {
    let refused = |why: &dyn std::fmt::Display| Error::no(why.to_string());
    let mut key = if args.digest {
        let digest = stdin::secret("the digest of the key")?;
        let digest = std::str::from_utf8(digest.expose_secret()).unwrap_or_default();
        let digest: KeyDigest = digest
            .parse()
            .map_err(|error| Error::usage(format!("standard input: {error}")))?;
        ExternalKey::digest(digest)
    } else {
        ExternalKey::token(&stdin::secret("the key")?).map_err(|error| refused(&chain(&error)))?
    };
    if let Some(id) = args.id {
        key = key.named(id);
    }
    let ring = open(&args.file.path, audit.observe(KeyRing::builder())).await?;
    let imported = ring.import(request(&args.options), key).await;
    let imported =
        imported.map_err(|error| scopes::of_key(&ring, &args.file.path, &args.options, error))?;
    let what = match imported {
        Imported::Now(_) => "imported",
        _ => "already imported",
    };
    report(&ring, args.style, what, imported.id());
    if args.digest {
        args.style.note(format_args!(
            "a digest does not show how strong the key is; rotate it soon"
        ));
    }
    args.style.object(|| fields(&ring, imported.id()).into())
}

pub(crate) async fn client(args: args::Client, audit: Audit) -> Result<(), Error> {
    let ring = open_existing(&args.file.path, audit.observe(KeyRing::builder())).await?;
    require_client(&ring, &args.client)?;
    if let Some(wanted) = named(&args.scope) {
        let set = ring.set_scopes(&args.client, wanted.clone()).await;
        set.map_err(|error| {
            scopes::of_client(&ring, &args.file.path, &args.client, &wanted, error)
        })?;
        args.style
            .note(format_args!("{} now has scopes: {wanted}", args.client));
    }
    if args.disable {
        ring.disable(&args.client).await?;
        args.style.note(format_args!(
            "{} is disabled; its keys are refused",
            args.client
        ));
    }
    if args.enable {
        ring.enable(&args.client).await?;
        args.style.note(format_args!("{} is enabled", args.client));
    }
    args.style.object(|| {
        let state = ring.state();
        let client = state.client(&args.client);
        let scopes = client.map(|client| client.scopes().iter().map(ToString::to_string));
        json!({
            "client": args.client.as_str(),
            "enabled": client.is_some_and(|client| client.state() == ClientState::Enabled),
            "scopes": scopes.into_iter().flatten().collect::<Vec<_>>(),
        })
    })
}

pub(crate) async fn purge(args: args::Purge, audit: Audit) -> Result<(), Error> {
    let Length(after) = args.after;
    let policy = IssuancePolicy::new().purge_after(after);
    let ring = KeyRing::builder().policy(policy);
    let ring = open_existing(&args.file.path, audit.observe(ring)).await?;
    let purged = ring.purge().await?;
    match &*purged {
        [] => args.style.note(format_args!(
            "nothing to purge: keys stay until --after has passed since the expiry that they were \
             issued with (--expires)"
        )),
        ids => args.style.note(format_args!("purged {}", comma(ids))),
    }
    args.style.object(|| json!({ "purged": ids(&purged) }))
}

/// Fails if there is no such client, since a mistyped name must not create one.
fn require_client(ring: &KeyRing, client: &ClientId) -> Result<(), Error> {
    match ring.state().client(client) {
        Some(_) => Ok(()),
        None => Err(NotAllowed::UnknownClient(client.clone()).into()),
    }
}

fn request(options: &KeyOptions) -> IssueRequest {
    let scopes = named(&options.scope);
    let asked =
        IssueRequest::new(options.client.clone()).or_new_client(scopes.clone().unwrap_or_default());
    let asked = match scopes {
        Some(scopes) => asked.scopes(scopes),
        None => asked,
    };
    let asked = match &*options.role {
        [] => asked,
        roles => asked.roles(roles.iter().cloned()),
    };
    let networks = options.network.iter().cloned();
    let asked = match networks.reduce(|all, more| all.union(&more)) {
        Some(networks) => asked.networks(networks),
        None => asked,
    };
    let asked = match options.certificate {
        Some(certificate) => asked.certificate(certificate),
        None => asked,
    };
    match options.expires {
        Life::For(life) => asked.lifetime(life),
        Life::ForEver => asked.for_ever(),
    }
}
