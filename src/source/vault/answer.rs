//! Secrets in the answers of Vault.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::lease::Lease;
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::json::{self, Json};

/// Finds the key in the answer of KV version 2.
pub(crate) fn kv2(json: &Json, field: Option<&str>) -> Result<Secret, SourceError> {
    if json.at("/data/metadata").is_none() {
        return Err(SourceError::invalid(
            "the store is not KV version 2, although its path says so; use `VaultSource::read`, or upgrade the \
             mount",
        ));
    }
    select(json, "/data/data", field)
}

/// Returns the error of a secret that KV version 2 does not have (404).
pub(crate) fn kv2_missing(status: StatusCode, json: Option<&Json>) -> Option<SourceError> {
    if status != StatusCode::NOT_FOUND {
        return None;
    }
    let at = |pointer| json.and_then(|json| json.at(pointer));
    let message = match (at("/data/metadata/destroyed"), at("/data/metadata")) {
        (Some(Value::Bool(true)), _) => "this version of the secret was destroyed; write a new one",
        (_, Some(_)) => "the secret was deleted; undelete it, or write a new version",
        _ => "there is no secret at this path; check the mount, the path and the namespace",
    };
    Some(SourceError::permanent(message))
}

/// A secret at any other path.
pub(crate) struct Lent {
    pub(crate) key: Secret,
    /// The id of the lease, if the secret has one.
    pub(crate) id: Option<Secret>,
    pub(crate) lease: Lease,
    /// When Vault itself replaces the secret, if it does.
    pub(crate) rotates_in: Option<Duration>,
}

/// Finds the key in the answer of any other path.
pub(crate) fn lent(json: &Json, field: Option<&str>) -> Result<Lent, SourceError> {
    let key = select(json, "/data", field)?;
    let id = json.secret_at("/lease_id");
    let lease = Lease::at(json, "");
    // The password of a static role, which Vault itself rotates.
    let is_rotated = json.at("/data/rotation_period").is_some();
    let ttl = json.at("/data/ttl").and_then(Value::as_u64);
    match ttl.filter(|_| id.is_none() && is_rotated) {
        Some(0) => Err(SourceError::transient("the secret is about to be rotated")),
        ttl => Ok(Lent {
            key,
            id,
            lease,
            rotates_in: ttl.map(Duration::from_secs),
        }),
    }
}

/// Returns the text of a field, or the whole object as JSON.
fn select(json: &Json, object: &str, field: Option<&str>) -> Result<Secret, SourceError> {
    match field {
        Some(field) => json.secret_at(&json::member(object, field)).ok_or_else(|| {
            SourceError::invalid(format!("the secret has no text in the field {field:?}"))
        }),
        None => json
            .object_at(object)
            .ok_or_else(|| SourceError::invalid("the answer has no secret")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceErrorKind;

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn kv2_field_is_found_below_data() {
        let answer = json(r#"{"data":{"data":{"a/b~c":"sk-1","n":7},"metadata":{"version":1}}}"#);
        assert_eq!(kv2(&answer, Some("a/b~c")).unwrap(), Secret::from("sk-1"));
        let whole = kv2(&answer, None).unwrap();
        assert_eq!(whole, Secret::from(r#"{"a/b~c":"sk-1","n":7}"#));
        for field in ["n", "none"] {
            let error = kv2(&answer, Some(field)).unwrap_err();
            assert_eq!(error.kind(), SourceErrorKind::Invalid);
        }
    }

    #[test]
    fn kv1_behind_a_kv2_path_is_named() {
        for answer in [
            r#"{"data":{"key":"sk-1"}}"#,
            r#"{"data":{"data":{"key":"sk-1"}}}"#,
        ] {
            let error = kv2(&json(answer), Some("key")).unwrap_err();
            assert!(error.to_string().contains("not KV version 2"), "{error}");
        }
    }

    #[test]
    fn deleted_destroyed_and_missing_secrets_differ() {
        let missing = |body: &str| {
            let json = Json::parse(body.as_bytes());
            kv2_missing(StatusCode::NOT_FOUND, json.as_ref())
                .unwrap()
                .to_string()
        };
        let deleted =
            missing(r#"{"data":{"data":null,"metadata":{"deletion_time":"x","destroyed":false}}}"#);
        let destroyed = missing(r#"{"data":{"data":null,"metadata":{"destroyed":true}}}"#);
        assert!(deleted.contains("deleted") && destroyed.contains("destroyed"));
        assert!(missing(r#"{"errors":[]}"#).contains("no secret"));
        assert!(kv2_missing(StatusCode::OK, None).is_none());
    }

    #[test]
    fn static_role_that_is_being_rotated_is_asked_again() {
        let answer = |ttl| {
            json(&format!(
                r#"{{"lease_id":"","data":{{"password":"sk-1","ttl":{ttl},"rotation_period":60}}}}"#
            ))
        };
        let found = lent(&answer(7), Some("password")).ok().unwrap();
        assert_eq!(found.rotates_in, Some(Duration::from_secs(7)));
        let error = lent(&answer(0), Some("password")).err().unwrap();
        assert_eq!(error.kind(), SourceErrorKind::Transient);
    }
}
