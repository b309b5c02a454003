//! Commands that change the key file.

use tower_rotating_auth::{
    ParseErrorKind,
    inbound::{ClientId, KeyDigest, KeyId},
    keyring::{
        ExternalKey, Imported, IssuancePolicy, IssueRequest, KeyRing, NewKey, NotAllowed,
        ParsedToken,
    },
};

use super::args::{self, Terms, named};
use super::duration::{Grace, Length, Life};
use super::format::{Moment, comma, scopes};
use super::{
    ring::{open, open_existing},
    stdin,
};
use crate::error::{Error, chain};
use crate::output::{complain, print};

pub(crate) async fn issue(args: args::Issue) -> Result<(), Error> {
    let ring = open(&args.file.path, KeyRing::builder().prefix(args.prefix)).await?;
    let issued = ring.issue(request(args.terms)).await?;
    if let Some(key) = issued.into_new() {
        report(&ring, "issued", key.id());
        print_key(&key)?;
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
        report(&ring, "issued", key.id());
        let (old, over) = (&rotation.replaced, Moment(rotation.over_at));
        if args.fate.compromised {
            complain(format_args!("revoked {old}"));
        } else {
            complain(format_args!(
                "replaces {old}, which stays valid until {over} UTC"
            ));
        }
        if !rotation.ended.is_empty() {
            complain(format_args!("also ended: {}", comma(&rotation.ended)));
        }
        print_key(&key)?;
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
            mistyped = error.filter(|error| error.kind() == ParseErrorKind::TokenChecksum);
            RevokeRequest::Digest(KeyDigest::of(token))
        }
    };
    let ring = open_existing(&args.file.path, KeyRing::builder()).await?;
    let revoked = match (ring.revoke(which).await, mistyped) {
        // Checked after the search, since an imported key may look like a mistyped one.
        (Err(error), Some(mistyped)) if error.not_allowed() == Some(&NotAllowed::UnknownKey) => {
            return Err(Error::no(mistyped.to_string()));
        }
        (revoked, _) => revoked?,
    };
    match &*revoked {
        [] => complain(format_args!("nothing to revoke: already revoked")),
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
    match ring.import(request(args.terms), key).await? {
        Imported::Now(id) => report(&ring, "imported", &id),
        before => report(&ring, "already imported", before.id()),
    }
    if args.digest {
        complain(format_args!(
            "a digest does not show how strong the key is; rotate it soon"
        ));
    }
    Ok(())
}

pub(crate) async fn client(args: args::Client) -> Result<(), Error> {
    let ring = open_existing(&args.file.path, KeyRing::builder()).await?;
    require_client(&ring, &args.client)?;
    if let Some(scopes) = named(args.scope) {
        ring.set_scopes(&args.client, scopes.clone()).await?;
        complain(format_args!("{} now has scopes: {scopes}", args.client));
    }
    if args.disable {
        ring.disable(&args.client).await?;
        complain(format_args!(
            "{} is disabled; its keys are refused",
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
            "nothing to purge: keys stay until --after has passed since the expiry that they were \
             issued with (--expires)"
        )),
        ids => complain(format_args!("purged {}", comma(ids))),
    }
    Ok(())
}

/// Fails if there is no such client, since a mistyped name must not create one.
fn require_client(ring: &KeyRing, client: &ClientId) -> Result<(), Error> {
    match ring.state().client(client) {
        Some(_) => Ok(()),
        None => Err(Error::no(format!("no client {client}; check the name"))),
    }
}

fn request(terms: Terms) -> IssueRequest {
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

/// Reports what happened to a key.
fn report(ring: &KeyRing, what: &str, id: &KeyId) {
    let keys = ring.list();
    let Some(key) = keys.iter().find(|key| key.id == *id) else {
        return;
    };
    let scopes = scopes(&key.scopes);
    let expiry = match key.ends_at {
        Some(end) => format!("expires {} UTC", Moment(end)),
        None => "never expires".to_owned(),
    };
    complain(format_args!(
        "{what} {id} for {} {scopes}, {expiry}",
        key.client
    ));
}

/// Prints the key, alone on standard output.
fn print_key(key: &NewKey) -> Result<(), Error> {
    let token = String::from_utf8_lossy(key.token().expose_secret());
    print(token).map_err(|failure| {
        Error::failed(format!(
            "{failure}; key {} is in the file but could not be printed; revoke it and issue another",
            key.id()
        ))
    })
}
