//! The answer of a token endpoint: RFC 6749 §5.

use std::time::{Duration, SystemTime};

use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::expiry::Expiry;
use crate::source::fetch::Fetched;
use crate::source::http::{Answer, Endpoint, check_encoding, failure};
use crate::source::json::{self, Json};

/// The errors that a server may name, and who can repair them. The text of an answer is never
/// shown; these names are.
const ERRORS: [(&str, Repair); 11] = [
    ("invalid_request", Repair::Operator),
    ("invalid_client", Repair::Client),
    ("invalid_grant", Repair::Subject),
    ("unauthorized_client", Repair::Operator),
    ("unsupported_grant_type", Repair::Operator),
    ("invalid_scope", Repair::Operator),
    ("invalid_target", Repair::Operator),
    ("access_denied", Repair::Operator),
    ("server_error", Repair::Time),
    ("temporarily_unavailable", Repair::Time),
    ("slow_down", Repair::Time),
];

/// What may repair an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repair {
    Operator,
    /// Another secret of the client.
    Client,
    /// Another subject token.
    Subject,
    Time,
}

/// An answer without a token.
#[derive(Debug)]
pub(crate) struct NoToken {
    pub(crate) error: SourceError,
    pub(crate) repair: Repair,
}

impl From<SourceError> for NoToken {
    fn from(error: SourceError) -> Self {
        Self {
            error,
            repair: Repair::Time,
        }
    }
}

/// Finds the token in an answer. `assumed` is its lifetime if the server names none.
pub(crate) fn token(
    endpoint: &Endpoint,
    answer: &Answer,
    assumed: Option<Duration>,
    now: SystemTime,
) -> Result<Fetched<Secret>, NoToken> {
    check_encoding(answer)?;
    let json = Json::parse(&answer.body);
    let named = json.as_ref().and_then(|json| json.text_at("/error"));
    let status = answer.status;
    // A server that is overloaded or broken may name any error.
    if status.is_redirection() || status.is_server_error() || status.as_u16() == 429 {
        return Err(failure(endpoint, answer, now).into());
    }
    if let Some(named) = named {
        return Err(refused(endpoint, named));
    }
    if !status.is_success() {
        let repair = match status.as_u16() {
            401 | 403 => Repair::Client,
            _ => Repair::Operator,
        };
        let error = failure(endpoint, answer, now);
        return Err(NoToken { error, repair });
    }
    let json =
        json.ok_or_else(|| SourceError::invalid(format!("{endpoint} answered with no JSON")))?;
    Ok(found(endpoint, &json, assumed)?)
}

fn refused(endpoint: &Endpoint, named: &str) -> NoToken {
    let known = ERRORS.iter().find(|(name, _)| *name == named);
    let (name, repair) = known
        .copied()
        .unwrap_or(("an unknown error", Repair::Operator));
    let message = format!("{endpoint} refused a token: {name}");
    let error = match repair {
        Repair::Time => SourceError::transient(message),
        _ => SourceError::permanent(message),
    };
    NoToken { error, repair }
}

fn found(
    endpoint: &Endpoint,
    json: &Json,
    assumed: Option<Duration>,
) -> Result<Fetched<Secret>, SourceError> {
    let token = json.secret_at("/access_token").ok_or_else(|| {
        SourceError::invalid(format!("{endpoint} answered without `access_token`"))
    })?;
    // A token exchange may answer with N_A for a token of another kind.
    let is_usable =
        |kind: &str| kind.eq_ignore_ascii_case("bearer") || kind.eq_ignore_ascii_case("n_a");
    if json
        .at("/token_type")
        .is_some_and(|kind| !kind.as_str().is_some_and(is_usable))
    {
        return Err(SourceError::invalid(format!(
            "{endpoint} answered with a `token_type` other than Bearer"
        )));
    }
    let expiry = match json.at("/expires_in") {
        Some(seconds) => Some(json::lifetime(seconds)?),
        None => assumed.map(Expiry::In),
    };
    let fetched = Fetched::new(token);
    Ok(match expiry {
        Some(expiry) => fetched.expires(expiry),
        None => fetched,
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use zeroize::Zeroizing;

    use super::*;
    use crate::source::SourceErrorKind;

    fn parsed(status: u16, body: &str) -> Result<Fetched<Secret>, NoToken> {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Zeroizing::new(body.as_bytes().to_vec()),
        };
        let endpoint = "https://id.example.com/token".parse().unwrap();
        token(
            &endpoint,
            &answer,
            Some(Duration::from_secs(60)),
            SystemTime::UNIX_EPOCH,
        )
    }

    #[test]
    fn lifetime_may_be_a_number_text_or_absent() {
        for (expires_in, seconds) in [
            (r#","expires_in":3600"#, 3600.0),
            (r#","expires_in":3599.5"#, 3599.5),
            (r#","expires_in":"3600""#, 3600.0),
            (r#","expires_in":null"#, 60.0),
            ("", 60.0),
            (r#","expires_in":18446744073709551615"#, 315_360_000.0),
        ] {
            let body = format!(r#"{{"access_token":"t","token_type":"bearer"{expires_in}}}"#);
            match parsed(200, &body) {
                Ok(Fetched::Value { expires_at, .. }) => {
                    let lifetime = Duration::from_secs_f64(seconds);
                    assert_eq!(expires_at, Some(Expiry::In(lifetime)), "{expires_in}");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn malformed_answers_have_their_kinds() {
        use SourceErrorKind::{Invalid, Permanent, Throttled, Transient};
        for (status, body, kind) in [
            (200, "", Invalid),
            (200, "<html>", Invalid),
            (200, r#"{"access_token":"sk-1"#, Invalid),
            (200, "[]", Invalid),
            (200, "{}", Invalid),
            (200, r#"{"access_token":""}"#, Invalid),
            (200, r#"{"access_token":null}"#, Invalid),
            (200, r#"{"access_token":7}"#, Invalid),
            (
                200,
                r#"{"access_token":"sk-1","token_type":"mac"}"#,
                Invalid,
            ),
            (200, r#"{"access_token":"sk-1","token_type":7}"#, Invalid),
            (200, r#"{"access_token":"sk-1","expires_in":0}"#, Invalid),
            (200, r#"{"access_token":"sk-1","expires_in":-1}"#, Invalid),
            (
                200,
                r#"{"access_token":"sk-1","expires_in":"NaN"}"#,
                Invalid,
            ),
            (200, r#"{"access_token":"sk-1","expires_in":true}"#, Invalid),
            (
                200,
                r#"{"access_token":"sk-1","error":"invalid_grant"}"#,
                Permanent,
            ),
            (200, r#"{"error":"temporarily_unavailable"}"#, Transient),
            (400, r#"{"error":"invalid_scope"}"#, Permanent),
            (400, r#"{"error":"sk-sentinel"}"#, Permanent),
            (401, r#"{"error":"invalid_client"}"#, Permanent),
            (401, "", Permanent),
            (302, "", Permanent),
            (429, r#"{"error":"slow_down"}"#, Throttled),
            (500, r#"{"error":"invalid_client"}"#, Transient),
            (503, "<html>", Transient),
        ] {
            let error = parsed(status, body).unwrap_err().error;
            assert_eq!(error.kind(), kind, "{status} {body}: {error}");
            assert!(!error.to_string().contains("sk-"), "{error}");
        }
    }

    #[test]
    fn error_names_what_may_repair_it() {
        for (status, body, repair) in [
            (400, r#"{"error":"invalid_client"}"#, Repair::Client),
            (401, "", Repair::Client),
            (400, r#"{"error":"invalid_grant"}"#, Repair::Subject),
            (400, r#"{"error":"invalid_scope"}"#, Repair::Operator),
            (500, "", Repair::Time),
        ] {
            assert_eq!(parsed(status, body).unwrap_err().repair, repair, "{body}");
        }
    }
}
