//! The `doctor` command, which reports what needs an operator.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tower_rotating_auth::{
    inbound::{KeyStatus, Provenance},
    keyring::{ClientState, KeyRing, KeySummary, StoreError, UseFile, Uses},
};

use super::args;
use super::format::{Moment, rfc3339};
use super::ring::open_existing;
use crate::error::{Error, chain};
use crate::output::{complain, print};

/// How long a live key may be unused before that is a finding.
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
    let findings = examine(&ring, &args.file.path, &uses, SystemTime::now());
    if matches!(uses, Ok(None)) {
        complain(format_args!(
            "cannot find unused keys: no service records uses (see rotating-auth gateway --note-use)"
        ));
    }
    if args.json {
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
    path: &Path,
    uses: &Result<Option<Uses>, StoreError>,
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
    let ledger = ring.state();
    let mut clients: Vec<_> = ledger.clients().collect();
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
    let exposed = exposure(path).map(|mode| Finding {
        client: None,
        key: None,
        what: format!("everybody may read the file (mode {mode:04o}); run chmod o-r on it"),
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
        let (what, since) = unused(key, known?, now)?;
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
    findings.extend(of_keys.chain(exposed).chain(unreadable));
    findings
}

fn is_live(key: &KeySummary) -> bool {
    !matches!(key.status, KeyStatus::Expired | KeyStatus::Revoked)
}

/// Returns what to report about a live key that has not been used for long, and since when.
fn unused(key: &KeySummary, uses: &Uses, now: SystemTime) -> Option<(&'static str, SystemTime)> {
    let (noted, valid) = (uses.noted_since(), key.not_before.max(key.created_at));
    let (what, since) = match valid {
        Some(valid) if noted <= valid => ("never used since it was issued", valid),
        _ => ("not used since recording began", noted),
    };
    let is_long = now
        .duration_since(since)
        .is_ok_and(|span| span >= MAX_UNUSED);
    let is_unused = is_live(key) && uses.last_used(&key.id).is_none();
    (is_long && is_unused).then_some((what, since))
}

#[cfg(unix)]
fn exposure(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;

    let mode = std::fs::metadata(path).ok()?.mode() & 0o777;
    (mode & 0o004 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn exposure(_: &Path) -> Option<u32> {
    None
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
