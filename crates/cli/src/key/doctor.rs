//! The `doctor` command, which reports what needs an operator.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tower_rotating_auth::{
    inbound::{KeyStatus, Provenance},
    keyring::{
        ClientState, FileFinding, FileStore, KeyRing, KeySummary, StoreError, UseFile, Uses,
    },
};

use super::args;
use super::format::{Moment, rfc3339};
use super::ring::open_existing;
use crate::duration::Length;
use crate::error::{Error, chain};
use crate::output::{complain, print};

/// How long a live key may be unused from the start before that is a finding.
const MAX_UNUSED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Something that an operator should look at.
struct Finding {
    client: Option<String>,
    key: Option<String>,
    what: String,
    at: Option<SystemTime>,
}

pub(crate) async fn doctor(args: &args::Doctor) -> Result<(), Error> {
    let ring = open_existing(&args.file.path, KeyRing::builder()).await?;
    let uses = UseFile::beside(&args.file.path).read().await;
    let file = FileStore::new(&args.file.path).findings().await;
    let file = file.map_err(|error| Error::failed(chain(&error)))?;
    let Length(unused_for) = args.unused_for;
    let findings = examine(&ring, &file, &uses, unused_for, SystemTime::now());
    if matches!(uses, Ok(None)) {
        complain(format_args!(
            "cannot find unused keys: no service records uses (see rotating-auth gateway --note-use)"
        ));
    }
    if args.style.is_json() {
        let findings: Value = findings.iter().map(Finding::json).collect();
        print(format_args!("{findings:#}"))?;
    } else {
        for finding in &findings {
            print(finding.line())?;
        }
    }
    match findings.len() {
        0 => {
            complain(format_args!("no findings"));
            Ok(())
        }
        1 => Err(Error::no("1 finding")),
        n => Err(Error::no(format!("{n} findings"))),
    }
}

fn examine(
    ring: &KeyRing,
    file: &[FileFinding],
    uses: &Result<Option<Uses>, StoreError>,
    unused_for: Duration,
    now: SystemTime,
) -> Vec<Finding> {
    let keys = ring.list();
    let ageing = ring.warnings().into_iter().map(|warning| Finding {
        client: Some(warning.client.to_string()),
        key: Some(warning.key.to_string()),
        what: warning.what.to_string(),
        at: warning.at,
    });
    let unchecked = keys
        .iter()
        .filter(|key| is_live(key) && key.provenance == Provenance::Unchecked)
        .map(|key| Finding {
            client: Some(key.client.to_string()),
            key: Some(key.id.to_string()),
            what: "imported as a digest, so it may be weak; rotate it".into(),
            at: None,
        });
    let state = ring.state();
    let mut clients: Vec<_> = state.clients().collect();
    clients.sort_by_key(|client| client.id());
    let keyless = clients
        .into_iter()
        .filter(|client| client.state() == ClientState::Enabled)
        .filter(|client| {
            !keys
                .iter()
                .any(|key| is_live(key) && key.client == *client.id())
        })
        .map(|client| Finding {
            client: Some(client.id().to_string()),
            key: None,
            what: "no live key; issue one".into(),
            at: None,
        });
    let file = file.iter().map(|finding| Finding {
        client: None,
        key: None,
        what: finding.to_string(),
        at: None,
    });
    let unreadable = uses.as_ref().err().map(|error| Finding {
        client: None,
        key: None,
        what: chain(error),
        at: None,
    });
    let known = uses.as_ref().ok().and_then(Option::as_ref);
    let unused = keys.iter().filter_map(|key| {
        let (what, since) = unused(key, known?, unused_for, now)?;
        Some(Finding {
            client: Some(key.client.to_string()),
            key: Some(key.id.to_string()),
            what: format!("{what}; revoke it if its client does not need it"),
            at: Some(since),
        })
    });
    let mut findings: Vec<_> = ageing.collect();
    findings.sort_by(|one, other| (&one.client, &one.key).cmp(&(&other.client, &other.key)));
    let of_keys = unchecked.chain(unused).chain(keyless);
    findings.extend(of_keys.chain(file).chain(unreadable));
    findings
}

pub(super) fn is_live(key: &KeySummary) -> bool {
    !matches!(key.status, KeyStatus::Expired | KeyStatus::Revoked)
}

/// Returns what to report about a live key that has not been used for long, and since when.
fn unused(
    key: &KeySummary,
    uses: &Uses,
    unused_for: Duration,
    now: SystemTime,
) -> Option<(&'static str, SystemTime)> {
    let (noted, valid) = (uses.noted_since(), key.not_before.max(key.created_at));
    let (what, since, allowed) = match (uses.last_used(&key.id), valid) {
        (Some(used), valid) => {
            let since = valid.map_or(used, |valid| valid.max(used));
            ("not used since this day", since, unused_for)
        }
        (None, Some(valid)) if noted <= valid => {
            ("never used since it was issued", valid, MAX_UNUSED)
        }
        (None, _) => ("not used since recording began", noted, MAX_UNUSED),
    };
    let is_long = now.duration_since(since).is_ok_and(|span| span >= allowed);
    (is_long && is_live(key)).then_some((what, since))
}

impl Finding {
    fn line(&self) -> String {
        let whose = [&self.client, &self.key].into_iter().flatten();
        let whose: Vec<_> = whose.map(String::as_str).collect();
        let at = self.at.map(|at| format!(" ({} UTC)", Moment(at)));
        let subject = if whose.is_empty() {
            String::new()
        } else {
            format!("{}: ", whose.join(" "))
        };
        format!("{subject}{}{}", self.what, at.unwrap_or_default())
    }

    fn json(&self) -> Value {
        json!({
            "client": self.client,
            "key": self.key,
            "what": self.what,
            "at": self.at.and_then(rfc3339),
        })
    }
}
