//! Reports of secret scanners: JSON arrays, or a JSON object on each line.

use ring::digest::{SHA256, digest};
use serde_json::{Deserializer, Map, Value};
use tower_rotating_auth::Secret;
use tower_rotating_auth::inbound::KeyDigest;

/// The fields in which scanners put the token: GitHub, gitleaks, trufflehog.
const TOKEN: [&str; 3] = ["token", "Secret", "Raw"];
/// Their name for the kind of token.
const KIND: [&str; 3] = ["type", "RuleID", "DetectorName"];
/// The fields in which they name the place of the token.
const PLACE: [&str; 2] = ["url", "File"];

/// A token that somebody has found.
pub(super) struct Finding {
    token: Secret,
    pub(super) kind: Option<String>,
    pub(super) url: Option<String>,
}

impl Finding {
    pub(super) fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.token.expose_secret())
    }

    pub(super) fn sha256(&self) -> Vec<u8> {
        let hash = digest(&SHA256, self.token.expose_secret());
        hash.as_ref().to_vec()
    }
}

/// Parses a report. Errors repeat nothing of it.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Finding>, String> {
    const WHAT: &str = "standard input: must be JSON as secret scanners write it: an array of \
                        objects with a token, or one on each line";
    let mut findings = Vec::new();
    for value in Deserializer::from_slice(body).into_iter() {
        let entries = match value.map_err(|_| WHAT)? {
            Value::Array(entries) => entries,
            entry => vec![entry],
        };
        for entry in entries {
            let number = findings.len() + 1;
            let finding = entry.as_object().and_then(finding);
            findings.push(finding.ok_or_else(|| {
                format!(
                    "standard input: entry {number} has no token ({})",
                    TOKEN.join(", ")
                )
            })?);
        }
    }
    Ok(findings)
}

fn finding(entry: &Map<String, Value>) -> Option<Finding> {
    let text = |names: &[&str]| {
        let mut values = names.iter().filter_map(|name| entry.get(*name)?.as_str());
        values.next()
    };
    let token = text(&TOKEN)?.trim();
    (!token.is_empty()).then(|| Finding {
        token: Secret::from(token),
        kind: text(&KIND).map(str::to_owned),
        url: text(&PLACE).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(body: &str) -> Result<Vec<String>, String> {
        let token =
            |finding: &Finding| String::from_utf8_lossy(finding.token.expose_secret()).into_owned();
        parse(body.as_bytes()).map(|findings| findings.iter().map(token).collect())
    }

    #[test]
    fn reports_of_three_scanners_are_read() {
        for (body, wanted) in [
            (
                r#"[{"token":"a","type":"t","url":"u","source":"content"}]"#,
                &["a"][..],
            ),
            (
                r#"[{"RuleID":"r","Secret":"a","File":"f"},{"Secret":"b"}]"#,
                &["a", "b"],
            ),
            ("{\"Raw\":\"a\"}\n{\"Raw\":\" b \"}\n", &["a", "b"]),
            ("[]", &[]),
        ] {
            assert_eq!(tokens(body).unwrap(), wanted, "{body}");
        }
    }

    #[test]
    fn invalid_report_is_not_repeated() {
        for body in [
            "sk-secret",
            r#"[{"token":"ok"},{"key":"sk-secret"}]"#,
            r#"["sk-secret"]"#,
        ] {
            let error = tokens(body).unwrap_err();
            assert!(!error.contains("sk-secret"), "{error}");
        }
    }
}
