//! What changes the file.

use tower_rotating_auth::{
    inbound::{ClientId, KeyDigest, KeyId},
    keyring::{
        ExternalKey, Imported, IssuancePolicy, IssueRequest, KeyRing, NewKey, NotAllowed,
        ParsedToken, TokenErrorKind,
    },
};

use super::args::{self, Terms, named};
use super::duration::{Grace, Length, Life};
use super::format::{Moment, comma, may};
use super::{
    ring::{open, open_existing},
    stdin,
};
use crate::error::{Error, chain};
use crate::output::{complain, print};

pub(crate) async fn issue(args: args::Issue) -> Result<(), Error> {
    let ring = open(&args.file.path, KeyRing::builder().prefix(args.prefix)).await?;
    let issued = ring.issue(terms(args.terms)).await?;
    if let Some(key) = issued.into_new() {
        told(&ring, "issued", key.id());
        hand_over(&key)?;
    }
    Ok(())
}

pub(crate) async fn rotate(args: args::Rotate) -> Result<(), Error> {
    use tower_rotating_auth::keyring::{KeySelector, RotateRequest, Rotated};

    let policy = IssuancePolicy::new().max_grace(Grace::LONGEST);
    let ring = KeyRing::builder().policy(policy).prefix(args.prefix);
    let ring = open_existing(&args.file.path, ring).await?;
    let which = match (args.old.key, args.old.client) {
        (Some(id), _) => KeySelector::Named(id),
        (None, Some(client)) => KeySelector::Of(client),
        (None, None) => {
            return Err(Error::usage("which key is meant? --client or --key"));
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
            complain(format_args!("revoked {old}"));
        } else {
            complain(format_args!(
                "it replaces {old}, which is valid until {over} UTC"
            ));
        }
        if !rotation.ended.is_empty() {
            complain(format_args!("ended with it: {}", comma(&rotation.ended)));
        }
        hand_over(&key)?;
    }
    Ok(())
}

pub(crate) async fn revoke(args: args::Revoke) -> Result<(), Error> {
    use tower_rotating_auth::keyring::RevokeRequest;

    let mut mistyped = None;
    let which = match (args.key, args.client) {
        (Some(id), _) => RevokeRequest::Key(id),
        (None, Some(client)) => RevokeRequest::Client(client),
        (None, None) => {
            let token = stdin::secret("the key")?;
            let token = token.expose_secret();
            let error = ParsedToken::parse(token).err();
            mistyped = error.filter(|error| error.kind() == TokenErrorKind::Mistyped);
            RevokeRequest::Digest(KeyDigest::of(token))
        }
    };
    let ring = open_existing(&args.file.path, KeyRing::builder()).await?;
    let revoked = match (ring.revoke(which).await, mistyped) {
        // Not before it was looked for: a key that was imported may only look so.
        (Err(error), Some(mistyped)) if error.not_allowed() == Some(&NotAllowed::UnknownKey) => {
            return Err(Error::no(mistyped.to_string()));
        }
        (revoked, _) => revoked?,
    };
    match &*revoked {
        [] => complain(format_args!("nothing to revoke: it was revoked before")),
        ids => complain(format_args!("revoked {}", comma(ids))),
    }
    Ok(())
}

pub(crate) async fn import(args: args::Import) -> Result<(), Error> {
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
    let ring = open(&args.file.path, KeyRing::builder()).await?;
    match ring.import(terms(args.terms), key).await? {
        Imported::Now(id) => told(&ring, "imported", &id),
        before => told(&ring, "already there:", before.id()),
    }
    if args.digest {
        complain(format_args!(
            "how strong it is cannot be told from a digest: rotate it soon"
        ));
    }
    Ok(())
}

pub(crate) async fn client(args: args::Client) -> Result<(), Error> {
    let ring = open_existing(&args.file.path, KeyRing::builder()).await?;
    known(&ring, &args.client)?;
    if let Some(scopes) = named(args.scope) {
        ring.set_scopes(&args.client, scopes.clone()).await?;
        complain(format_args!("{} may do from now on: {scopes}", args.client));
    }
    if args.disable {
        ring.disable(&args.client).await?;
        complain(format_args!(
            "{} is disabled: its keys are refused",
            args.client
        ));
    }
    if args.enable {
        ring.enable(&args.client).await?;
        complain(format_args!("{} is enabled", args.client));
    }
    Ok(())
}

pub(crate) async fn purge(args: args::Purge) -> Result<(), Error> {
    let Length(after) = args.after;
    let policy = IssuancePolicy::new().purge_after(after);
    let ring = KeyRing::builder().policy(policy);
    let ring = open_existing(&args.file.path, ring).await?;
    match &*ring.purge().await? {
        [] => complain(format_args!(
            "nothing to purge: a key goes so long after the end that it was made with (--expires), however early it ended"
        )),
        ids => complain(format_args!("purged {}", comma(ids))),
    }
    Ok(())
}

/// A name that was mistyped makes no client.
fn known(ring: &KeyRing, client: &ClientId) -> Result<(), Error> {
    match ring.state().client(client) {
        Some(_) => Ok(()),
        None => Err(Error::no(format!(
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
    complain(format_args!(
        "{what} {id} for {}, {may}, {until}",
        key.client
    ));
}

/// The key itself, alone on standard output, once.
fn hand_over(key: &NewKey) -> Result<(), Error> {
    let token = String::from_utf8_lossy(key.token().expose_secret());
    print(token).map_err(|failure| {
        Error::failed(format!(
            "{failure}; the key {} is in the file and lost to you: revoke it, and issue another",
            key.id()
        ))
    })
}
