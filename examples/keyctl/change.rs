//! What changes the file.

use tower_rotating_auth::{
    inbound::{ClientId, KeyDigest, KeyId},
    keyring::{
        ExternalKey, Imported, IssuancePolicy, IssueRequest, KeyRing, KeyRingError, NewKey,
        NotAllowed, ParsedToken, UnparsedToken,
    },
};

use crate::args::{self, Terms, named};
use crate::failure::Failure;
use crate::line::chain;
use crate::span::{Grace, Length, Life};
use crate::text::{Moment, comma, may};
use crate::{input, open, open_existing, print, tell};

pub(crate) async fn issue(args: args::Issue) -> Result<(), Failure> {
    let ring = open(&args.file.path, KeyRing::builder().prefix(args.prefix)).await?;
    let issued = ring.issue(terms(args.terms)).await?;
    if let Some(key) = issued.into_new() {
        told(&ring, "issued", key.id());
        hand_over(&key)?;
    }
    Ok(())
}

pub(crate) async fn rotate(args: args::Rotate) -> Result<(), Failure> {
    use tower_rotating_auth::keyring::{KeySelector, RotateRequest, Rotated};

    let policy = IssuancePolicy::new().max_grace(Grace::LONGEST);
    let ring = KeyRing::builder().policy(policy).prefix(args.prefix);
    let ring = open_existing(&args.file.path, ring).await?;
    let which = match (args.old.key, args.old.client) {
        (Some(id), _) => KeySelector::Named(id),
        (None, Some(client)) => KeySelector::Of(client),
        (None, None) => {
            return Err(Failure::Usage(
                "which key is meant? --client or --key".into(),
            ));
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
        told(&ring, "issued", key.id());
        let (old, over) = (&rotation.replaced, Moment(rotation.over_at));
        if args.fate.compromised {
            tell(format_args!("revoked {old}"));
        } else {
            tell(format_args!(
                "it replaces {old}, which is valid until {over} UTC"
            ));
        }
        if !rotation.ended.is_empty() {
            tell(format_args!("ended with it: {}", comma(&rotation.ended)));
        }
        hand_over(&key)?;
    }
    Ok(())
}

pub(crate) async fn revoke(args: args::Revoke) -> Result<(), Failure> {
    use tower_rotating_auth::keyring::RevokeRequest;

    let mut is_mistyped = false;
    let which = match (args.key, args.client) {
        (Some(id), _) => RevokeRequest::Key(id),
        (None, Some(client)) => RevokeRequest::Client(client),
        (None, None) => {
            let token = input::secret("the key")?;
            let token = token.expose_secret();
            is_mistyped = ParsedToken::parse(token) == Err(UnparsedToken::Mistyped);
            RevokeRequest::Digest(KeyDigest::of(token))
        }
    };
    let ring = open_existing(&args.file.path, KeyRing::builder()).await?;
    let revoked = match ring.revoke(which).await {
        // Not before it was looked for: a key that was imported may only look so.
        Err(KeyRingError::NotAllowed(NotAllowed::UnknownKey)) if is_mistyped => {
            return Err(Failure::No(UnparsedToken::Mistyped.to_string()));
        }
        revoked => revoked?,
    };
    match &*revoked {
        [] => tell(format_args!("nothing to revoke: it was revoked before")),
        ids => tell(format_args!("revoked {}", comma(ids))),
    }
    Ok(())
}

pub(crate) async fn import(args: args::Import) -> Result<(), Failure> {
    let refused = |why: &dyn std::fmt::Display| Failure::No(why.to_string());
    let mut key = if args.digest {
        let digest = input::secret("the digest of the key")?;
        let digest = std::str::from_utf8(digest.expose_secret()).unwrap_or_default();
        let digest: KeyDigest = digest
            .parse()
            .map_err(|error| Failure::Usage(format!("standard input: {error}")))?;
        ExternalKey::digest(digest)
    } else {
        ExternalKey::token(&input::secret("the key")?).map_err(|error| refused(&chain(&error)))?
    };
    if let Some(id) = args.id {
        key = key.named(id);
    }
    let ring = open(&args.file.path, KeyRing::builder()).await?;
    match ring.import(terms(args.terms), key).await? {
        Imported::Now(id) => told(&ring, "imported", &id),
        before => told(&ring, "already there:", before.id()),
    }
    if args.digest {
        tell(format_args!(
            "how strong it is cannot be told from a digest: rotate it soon"
        ));
    }
    Ok(())
}

pub(crate) async fn client(args: args::Client) -> Result<(), Failure> {
    let ring = open_existing(&args.file.path, KeyRing::builder()).await?;
    known(&ring, &args.client)?;
    if let Some(scopes) = named(args.scope) {
        ring.set_scopes(&args.client, scopes.clone()).await?;
        tell(format_args!("{} may do from now on: {scopes}", args.client));
    }
    if args.disable {
        ring.disable(&args.client).await?;
        tell(format_args!(
            "{} is disabled: its keys are refused",
            args.client
        ));
    }
    if args.enable {
        ring.enable(&args.client).await?;
        tell(format_args!("{} is enabled", args.client));
    }
    Ok(())
}

pub(crate) async fn purge(args: args::Purge) -> Result<(), Failure> {
    let Length(after) = args.after;
    let policy = IssuancePolicy::new().purge_after(after);
    let ring = KeyRing::builder().policy(policy);
    let ring = open_existing(&args.file.path, ring).await?;
    match &*ring.purge().await? {
        [] => tell(format_args!(
            "nothing to purge: a key goes so long after the end that it was made with (--expires), however early it ended"
        )),
        ids => tell(format_args!("purged {}", comma(ids))),
    }
    Ok(())
}

/// A name that was mistyped makes no client.
fn known(ring: &KeyRing, client: &ClientId) -> Result<(), Failure> {
    match ring.ledger().client(client) {
        Some(_) => Ok(()),
        None => Err(Failure::No(format!(
            "there is no client {client}; is its name right?"
        ))),
    }
}

fn terms(terms: Terms) -> IssueRequest {
    let scopes = named(terms.scope);
    let asked = IssueRequest::new(terms.client).or_new_client(scopes.clone().unwrap_or_default());
    let asked = match scopes {
        Some(scopes) => asked.scopes(scopes),
        None => asked,
    };
    match terms.expires {
        Life::For(life) => asked.lifetime(life),
        Life::ForEver => asked.for_ever(),
    }
}

/// What became of a key.
fn told(ring: &KeyRing, what: &str, id: &KeyId) {
    let keys = ring.list();
    let Some(key) = keys.iter().find(|key| key.id == *id) else {
        return;
    };
    let may = may("which may ", &key.scopes);
    let until = match key.ends_at {
        Some(end) => format!("until {} UTC", Moment(end)),
        None => "for ever".to_owned(),
    };
    tell(format_args!(
        "{what} {id} for {}, {may}, {until}",
        key.client
    ));
}

/// The key itself, alone on standard output, once.
fn hand_over(key: &NewKey) -> Result<(), Failure> {
    let token = String::from_utf8_lossy(key.token().expose_secret());
    print(token).map_err(|failure| {
        Failure::Failed(format!(
            "{failure}; the key {} is in the file and lost to you: revoke it, and issue another",
            key.id()
        ))
    })
}
