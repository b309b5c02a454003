//! The `leaked` command, which revokes what secret scanners report.

mod report;
mod signature;

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower_rotating_auth::inbound::KeyId;
use tower_rotating_auth::keyring::{KeyRing, NotAllowed, RevokeRequest};

use self::report::Finding;
use super::args::common::File;
use super::format::{Style, comma};
use super::ring::{Audit, AuditArgs, open_existing};
use super::stdin;
use crate::error::Error;
use crate::output::print;

/// Limit of a report, in bytes.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Revoke the keys in a report of a secret scanner, from standard input.
///
/// Reads the JSON of GitHub's secret scanning, of `gitleaks --report-format json`, or of
/// `trufflehog --json`. Each token is looked up by its digest. A token that is not in the file
/// changes nothing.
///
/// A report that came over a network needs its signature checked: pass --signature, --key-id and
/// --keys. Then nothing is revoked unless GitHub signed exactly these bytes.
///
/// `--json` prints what GitHub takes as the response: a label for the SHA-256 of each token.
#[derive(Debug, clap::Args)]
#[group(id = "signed", multiple = true, args = ["signature", "key_id", "keys"])]
pub(crate) struct Leaked {
    #[command(flatten)]
    pub(crate) file: File,

    /// Signature of the report: the header `Github-Public-Key-Signature`.
    #[arg(long, value_name = "BASE64", requires_all = ["key_id", "keys"])]
    signature: Option<String>,

    /// Key of the signature: the header `Github-Public-Key-Identifier`.
    #[arg(long, value_name = "ID", requires_all = ["signature", "keys"])]
    key_id: Option<String>,

    /// File with GitHub's public keys, from
    /// <https://api.github.com/meta/public_keys/secret_scanning>
    #[arg(long, value_name = "PATH", requires_all = ["signature", "key_id"])]
    keys: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) audit: AuditArgs,

    #[command(flatten)]
    pub(crate) style: Style,
}

/// The outcome for a token.
enum Outcome {
    Revoked(Vec<KeyId>),
    /// It had been revoked before.
    AlreadyRevoked,
    /// It is not in the file.
    Unknown,
}

pub(crate) async fn leaked(args: Leaked, audit: Audit) -> Result<(), Error> {
    let body = stdin::bytes("the report", LONGEST)?;
    if let (Some(signature), Some(id), Some(keys)) = (&args.signature, &args.key_id, &args.keys) {
        let keys = fs::read(keys).map_err(|error| {
            Error::failed(format!(
                "cannot read {keys:?}: {error}; save GitHub's public keys there"
            ))
        })?;
        signature::verify(&body, signature, id, &keys)?;
    }
    let findings = report::parse(&body).map_err(Error::usage)?;
    // Opened after reading, since whoever writes the report may take a while.
    let ring = open_existing(&args.file.path, audit.observe(KeyRing::builder())).await?;
    let mut results: Vec<Value> = Vec::new();
    for finding in &findings {
        let outcome = revoke(&ring, finding).await?;
        if args.style.is_json() {
            results.push(json(finding, &outcome));
        } else {
            print(line(finding, &outcome))?;
        }
    }
    args.style.object(|| results.into())?;
    let is_unknown = |finding: &&Finding| ring.state().key_of(&finding.digest()).is_none();
    let unknown = findings.iter().filter(is_unknown).count();
    args.style.note(format_args!(
        "{} reported, {} of them in {:?}",
        findings.len(),
        findings.len() - unknown,
        args.file.path
    ));
    Ok(())
}

async fn revoke(ring: &KeyRing, finding: &Finding) -> Result<Outcome, Error> {
    match ring.revoke(RevokeRequest::Digest(finding.digest())).await {
        Ok(ids) if ids.is_empty() => Ok(Outcome::AlreadyRevoked),
        Ok(ids) => Ok(Outcome::Revoked(ids)),
        Err(error) if error.not_allowed() == Some(&NotAllowed::UnknownKey) => Ok(Outcome::Unknown),
        Err(error) => Err(error.into()),
    }
}

/// Names the token by its digest, since it may still open something else.
fn line(finding: &Finding, outcome: &Outcome) -> String {
    let digest = finding.digest().to_text();
    let place = finding.url.as_deref().unwrap_or("no address");
    let place: String = place.chars().flat_map(char::escape_debug).collect();
    match outcome {
        Outcome::Revoked(ids) => format!("revoked {} ({place})", comma(ids)),
        Outcome::AlreadyRevoked => format!("already revoked: {digest} ({place})"),
        Outcome::Unknown => format!("unknown: {digest} ({place})"),
    }
}

fn json(finding: &Finding, outcome: &Outcome) -> Value {
    let (label, outcome) = match outcome {
        Outcome::Revoked(_) => ("true_positive", "revoked"),
        Outcome::AlreadyRevoked => ("true_positive", "already_revoked"),
        Outcome::Unknown => ("false_positive", "unknown"),
    };
    json!({
        "token_hash": STANDARD.encode(finding.sha256()),
        "token_type": finding.kind,
        "label": label,
        "outcome": outcome,
    })
}
