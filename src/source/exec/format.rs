//! What a command prints, and how the key is found in it.

use crate::key;
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::fetch::Fetched;
use crate::source::json::{self, Json};

const API_VERSIONS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

/// The format of a command's output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExecFormat {
    /// The output is the key, without ASCII white space and byte order marks at both ends.
    #[default]
    Text,
    /// An [`ExecCredential`] of Kubernetes: the key is `status.token`, and its expiry is
    /// `status.expirationTimestamp`. Without that, the key is good until it is rejected.
    ///
    /// The command gets `KUBERNETES_EXEC_INFO`, as `kubectl` sets it.
    ///
    /// [`ExecCredential`]: https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
    ExecCredential,
    /// The JSON of a [`credential_process`] of AWS, whose expiry is `Expiration`.
    ///
    /// [`credential_process`]: https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
    #[non_exhaustive]
    CredentialProcess {
        /// A JSON pointer to the value that is the key, such as `/SecretAccessKey`.
        key: String,
    },
}

impl ExecFormat {
    /// Creates the format of a `credential_process`. `key` is a JSON pointer ([RFC 6901]) to the
    /// value that is the key, such as `/SecretAccessKey` or `/SessionToken`.
    ///
    /// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
    pub fn credential_process(key: impl Into<String>) -> Self {
        Self::CredentialProcess { key: key.into() }
    }

    /// Finds the key in the output of a command.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SourceErrorKind::Invalid`] if there is none. The error contains
    /// nothing of the output.
    ///
    /// [`SourceErrorKind::Invalid`]: crate::source::SourceErrorKind::Invalid
    pub fn parse(&self, output: &[u8]) -> Result<Fetched<Secret>, SourceError> {
        match self {
            Self::Text => match key::trim(output) {
                b"" => Err(SourceError::invalid("the command printed nothing")),
                key => Ok(Fetched::new(Secret::from(key))),
            },
            Self::ExecCredential => exec_credential(&json(output)?),
            Self::CredentialProcess { key } => credential_process(&json(output)?, key),
        }
    }
}

fn json(output: &[u8]) -> Result<Json, SourceError> {
    Json::parse(output).ok_or_else(|| SourceError::invalid("the command printed no JSON"))
}

fn exec_credential(answer: &Json) -> Result<Fetched<Secret>, SourceError> {
    let version = answer.text_at("/apiVersion");
    if answer.text_at("/kind") != Some("ExecCredential")
        || !version.is_some_and(|version| API_VERSIONS.contains(&version))
    {
        return Err(SourceError::invalid(
            "the command printed no ExecCredential of client.authentication.k8s.io/v1 or v1beta1",
        ));
    }
    let token = answer.secret_at("/status/token");
    let token = token.ok_or_else(|| {
        SourceError::invalid("the ExecCredential has no `status.token`; certificates are no keys")
    })?;
    with_expiry(token, answer, "/status/expirationTimestamp")
}

fn credential_process(answer: &Json, pointer: &str) -> Result<Fetched<Secret>, SourceError> {
    if answer.at("/Version").is_some_and(|version| version != 1) {
        return Err(SourceError::invalid(
            "the command printed credentials of another `Version` than 1",
        ));
    }
    let key = answer.secret_at(pointer).ok_or_else(|| {
        SourceError::invalid(format!("the command's JSON has no text at {pointer:?}"))
    })?;
    with_expiry(key, answer, "/Expiration")
}

fn with_expiry(key: Secret, answer: &Json, pointer: &str) -> Result<Fetched<Secret>, SourceError> {
    let fetched = Fetched::new(key);
    match answer.at(pointer) {
        None => Ok(fetched),
        Some(expiry) => Ok(fetched.expires(json::moment(expiry)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Expiry, SourceErrorKind};

    fn parsed(format: &ExecFormat, output: &str) -> (Vec<u8>, Option<Expiry>) {
        match format.parse(output.as_bytes()) {
            Ok(Fetched::Value {
                value, expires_at, ..
            }) => (value.expose_secret().to_vec(), expires_at),
            other => panic!("{other:?}"),
        }
    }

    fn refused(format: &ExecFormat, output: &[u8]) {
        match format.parse(output) {
            Err(error) if error.kind() == SourceErrorKind::Invalid => {
                assert!(!error.to_string().contains("sk-"), "{error}");
            }
            other => panic!("{other:?}: {}", String::from_utf8_lossy(output)),
        }
    }

    #[test]
    fn text_is_trimmed_and_not_empty() {
        assert_eq!(parsed(&ExecFormat::Text, "\u{feff}sk-1\r\n").0, b"sk-1");
        refused(&ExecFormat::Text, b"");
        refused(&ExecFormat::Text, b" \n");
    }

    #[test]
    fn exec_credential_has_a_token_and_an_expiry() {
        let output = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
            "status":{"token":"sk-1","expirationTimestamp":"2026-11-28T00:00:00Z"}}"#;
        let (token, expires_at) = parsed(&ExecFormat::ExecCredential, output);
        assert_eq!(token, b"sk-1");
        assert!(matches!(expires_at, Some(Expiry::At(_))), "{expires_at:?}");
        let output = r#"{"apiVersion":"client.authentication.k8s.io/v1beta1",
            "kind":"ExecCredential","status":{"token":"sk-1"}}"#;
        assert_eq!(parsed(&ExecFormat::ExecCredential, output).1, None);
    }

    #[test]
    fn malformed_exec_credential_is_invalid() {
        for output in [
            "sk-1",
            "{",
            "[]",
            r#"{"status":{"token":"sk-1"}}"#,
            r#"{"apiVersion":"client.authentication.k8s.io/v1alpha1","kind":"ExecCredential","status":{"token":"sk-1"}}"#,
            r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"Secret","status":{"token":"sk-1"}}"#,
            r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{}}"#,
            r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":""}}"#,
            r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":7}}"#,
            r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"sk-1","expirationTimestamp":"soon"}}"#,
        ] {
            refused(&ExecFormat::ExecCredential, output.as_bytes());
        }
        refused(&ExecFormat::ExecCredential, b"\xff\xfe");
    }

    #[test]
    fn credential_process_takes_the_value_of_the_pointer() {
        let output = r#"{"Version":1,"AccessKeyId":"AKIA","SecretAccessKey":"sk-1",
            "SessionToken":"sk-2","Expiration":"2026-11-28T00:00:00Z"}"#;
        for (pointer, key) in [("/SecretAccessKey", "sk-1"), ("/SessionToken", "sk-2")] {
            let (value, expires_at) = parsed(&ExecFormat::credential_process(pointer), output);
            assert_eq!(value, key.as_bytes());
            assert!(expires_at.is_some());
        }
        let format = ExecFormat::credential_process("/SecretAccessKey");
        refused(&format, br#"{"Version":2,"SecretAccessKey":"sk-1"}"#);
        refused(&format, br#"{"Version":1,"SessionToken":"sk-1"}"#);
    }
}
