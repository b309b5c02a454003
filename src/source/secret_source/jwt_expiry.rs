//! The expiry of a key that is a JSON Web Token.

use std::future::Future;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::key;
use crate::secret::Secret;
use crate::source::error::{SourceError, SourceErrorKind};
use crate::source::expiry::Expiry;
use crate::source::fetch::{Fetch, Fetched};
use crate::source::json::{Json, since_epoch};
use crate::source::refresh_interval::RefreshInterval;
use crate::source::source_trait::Source;

/// A source whose keys expire at their own `exp`, created by
/// [`SecretSource::jwt_expiry`](crate::source::SecretSource::jwt_expiry).
///
/// It is for files and commands that deliver JSON Web Tokens without saying how long they are good
/// for. The engine then asks the source ahead of that time. A token that has expired is an error of
/// kind [`SourceErrorKind::Expired`]: whatever should replace it has stopped. `exp` is read without
/// verifying the signature, since the upstream does that. An expiry that the source itself gives
/// counts instead, and a key that is no such token has none.
#[derive(Debug)]
pub struct JwtExpiry<S> {
    source: S,
}

impl<S> JwtExpiry<S> {
    pub(crate) const fn new(source: S) -> Self {
        Self { source }
    }
}

impl<S: Source<Value = Secret>> Source for JwtExpiry<S> {
    type Value = Secret;

    async fn fetch(&mut self, request: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        let fetched = self.source.fetch(request).await?;
        let Fetched::Value {
            value,
            expires_at: None,
            ..
        } = &fetched
        else {
            return Ok(fetched);
        };
        match exp(value) {
            Some(at) if at <= SystemTime::now() => Err(SourceError::new(
                SourceErrorKind::Expired,
                "the token has expired; whatever should replace it in its source has stopped",
            )),
            Some(at) => Ok(fetched.expires(Expiry::At(at))),
            None => Ok(fetched),
        }
    }

    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        self.source.changed()
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.source.refresh_interval()
    }
}

/// Returns the `exp` of a JSON Web Token, if it is one and has it.
fn exp(token: &Secret) -> Option<SystemTime> {
    let token = key::trim(token.expose_secret());
    let mut parts = token.split(|byte| *byte == b'.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).ok()?);
    let json = Json::parse(&payload)?;
    since_epoch(json.at("/exp")?.as_f64()?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn token(payload: &str) -> Secret {
        let payload = URL_SAFE_NO_PAD.encode(payload);
        Secret::from(format!("eyJhbGciOiJub25lIn0.{payload}.sig\n"))
    }

    #[test]
    fn exp_is_read_from_the_payload() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(exp(&token(r#"{"exp":1795824000}"#)), at(1_795_824_000));
        for none in [
            "{}",
            r#"{"exp":"soon"}"#,
            r#"{"exp":-1}"#,
            r#"{"exp":1e300}"#,
            "[]",
            "x",
        ] {
            assert_eq!(exp(&token(none)), None, "{none}");
        }
        for opaque in ["", "sk-1", "a.b", "a.b.c", "..", "sk.!!.x"] {
            assert_eq!(exp(&Secret::from(opaque)), None, "{opaque}");
        }
    }
}
