//! Commands that show the content of the key file.

use std::time::SystemTime;

use serde_json::{Value, json};
use tower_rotating_auth::ParseErrorKind;
use tower_rotating_auth::inbound::{KeyId, verify_at};
use tower_rotating_auth::keyring::{KeyRing, ParsedToken, UseFile};

use super::format::{Moment, day, object, scopes, state, table};
use super::ring::open_existing;
use super::{args, stdin};
use crate::error::{Error, chain};
use crate::output::{complain, print};

pub(crate) async fn list(args: &args::List) -> Result<(), Error> {
    let ring = open_existing(&args.file.path, KeyRing::builder()).await?;
    let keys = ring.list();
    // Without recorded uses, the keys are still worth listing.
    let uses = UseFile::beside(&args.file.path).read().await;
    let uses = uses.unwrap_or_else(|error| {
        complain(format_args!("last uses are unknown: {}", chain(&error)));
        None
    });
    let used = |id: &KeyId| uses.as_ref()?.last_used(id).and_then(day);
    if args.style.is_json() {
        let keys: Value = keys
            .iter()
            .map(|key| {
                let mut fields = object(key);
                drop(fields.insert("last_used".into(), used(&key.id).into()));
                Value::Object(fields)
            })
            .collect();
        return print(format_args!("{keys:#}"));
    }
    if keys.is_empty() {
        complain(format_args!("no keys in {:?}", args.file.path));
        return Ok(());
    }
    let time = |moment: Option<SystemTime>| {
        moment.map_or_else(|| "-".to_owned(), |moment| Moment(moment).to_string())
    };
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            [
                key.client.to_string(),
                key.id.to_string(),
                state(key),
                time(key.created_at),
                time(key.revoked_at.or(key.ends_at)),
                used(&key.id).unwrap_or_else(|| "-".to_owned()),
                key.scopes.to_string(),
            ]
        })
        .collect();
    let head = [
        "CLIENT",
        "KEY",
        "STATE",
        "CREATED (UTC)",
        "ENDS (UTC)",
        "LAST USED",
        "SCOPES",
    ];
    print(table(head, &rows))
}

pub(crate) async fn verify(args: &args::Verify) -> Result<(), Error> {
    let token = stdin::secret("the key")?;
    let token = token.expose_secret();
    // Opened after reading the key, since the writer of the pipe may be issuing it.
    let ring = open_existing(&args.file.path, KeyRing::builder()).await?;
    let keys = ring.keys().current();
    let record = match verify_at(&keys, token, SystemTime::now()) {
        Ok(record) => record,
        Err(error) => {
            let mistyped = ParsedToken::parse(token)
                .err()
                .filter(|error| error.kind() == ParseErrorKind::TokenChecksum);
            let (reason, why) = match mistyped {
                Some(mistyped) => ("mistyped", mistyped.to_string()),
                None => (error.reason(), error.reason().replace('_', " ")),
            };
            if args.style.is_json() {
                print(json!({"valid": false, "reason": reason}))?;
            }
            return Err(Error::no(format!("not valid: {why}")));
        }
    };
    let summaries = ring.list();
    let key = summaries.iter().find(|key| key.id == *record.id());
    let key = key.ok_or_else(|| Error::failed("the file changed in the meantime; try again"))?;
    if args.style.is_json() {
        let mut valid = object(key);
        drop(valid.insert("valid".into(), true.into()));
        return print(format_args!("{:#}", Value::Object(valid)));
    }
    let expiry = match key.ends_at {
        Some(end) => format!("expires {} UTC", Moment(end)),
        None => "never expires".to_owned(),
    };
    print(format_args!(
        "valid: {} of {} {}, {expiry}",
        key.id,
        key.client,
        scopes(&key.scopes)
    ))
}
