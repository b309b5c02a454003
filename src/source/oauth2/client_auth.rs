//! How a client proves itself to a token endpoint.

use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use super::assertion::{Claims, SigningKey};
use super::form::Form;
use crate::key;
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::http::header_value;
use crate::source::secret_source::NestedSecret;
use crate::source::source_trait::Source;

/// How a client authenticates at a token endpoint.
///
/// Its secret comes from another source, which is asked before each request, or ahead of the
/// secret's expiry if it has one. So the client's own secret may rotate, too.
#[must_use]
pub struct ClientAuth {
    method: Method,
    key_id: Option<String>,
    audience: Option<String>,
}

enum Method {
    None,
    Basic(NestedSecret),
    Body(NestedSecret),
    PrivateKeyJwt(NestedSecret),
}

impl ClientAuth {
    /// Sends the client's id and secret in `Authorization: Basic`, which every server takes ([RFC
    /// 6749 §2.3.1]).
    ///
    /// [RFC 6749 §2.3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
    pub fn basic(secret: impl Source<Value = Secret>) -> Self {
        Self::new(Method::Basic(NestedSecret::new(secret)))
    }

    /// Sends the client's id and secret in the body, for servers that do not take `Basic`.
    pub fn body(secret: impl Source<Value = Secret>) -> Self {
        Self::new(Method::Body(NestedSecret::new(secret)))
    }

    /// Sends a JWT that the client signs with its private key ([RFC 7523 §2.2]).
    ///
    /// `key` delivers a private key in PEM: RSA (which signs with RS256), or P-256, P-384 or
    /// Ed25519 in PKCS #8 (ES256, ES384, EdDSA).
    ///
    /// [RFC 7523 §2.2]: https://www.rfc-editor.org/rfc/rfc7523#section-2.2
    pub fn private_key_jwt(key: impl Source<Value = Secret>) -> Self {
        Self::new(Method::PrivateKeyJwt(NestedSecret::new(key)))
    }

    /// Sends the client's id alone, for public clients, and for a token exchange whose subject
    /// token is proof enough.
    pub fn none() -> Self {
        Self::new(Method::None)
    }

    const fn new(method: Method) -> Self {
        Self {
            method,
            key_id: None,
            audience: None,
        }
    }

    /// Sets the `kid` of a [`private_key_jwt`](Self::private_key_jwt). Defaults to none.
    pub fn key_id(mut self, key_id: impl Into<String>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// Sets the `aud` of a [`private_key_jwt`](Self::private_key_jwt). Defaults to the URL of the
    /// token endpoint.
    pub fn assertion_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Adds the proof to a request: to its form, or as the header that is returned.
    pub(crate) async fn prove(
        &mut self,
        client_id: &str,
        endpoint: &str,
        form: &mut Form,
    ) -> Result<Option<HeaderValue>, SourceError> {
        match &mut self.method {
            Method::None => {
                if !client_id.is_empty() {
                    form.push("client_id", client_id.as_bytes());
                }
                Ok(None)
            }
            Method::Basic(secret) => basic(client_id, secret.secret().await?).map(Some),
            Method::Body(secret) => {
                let secret = secret.secret().await?;
                form.push("client_id", client_id.as_bytes());
                form.push("client_secret", key::trim(secret.expose_secret()));
                Ok(None)
            }
            Method::PrivateKeyJwt(key) => {
                let key = SigningKey::parse(key.secret().await?)?;
                let claims = Claims {
                    client_id,
                    audience: self.audience.as_deref().unwrap_or(endpoint),
                    key_id: self.key_id.as_deref(),
                    id: random()?,
                    now: SystemTime::now(),
                };
                form.push("client_id", client_id.as_bytes());
                form.push(
                    "client_assertion_type",
                    b"urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                );
                let assertion = key.assertion(&claims)?;
                form.push("client_assertion", assertion.expose_secret());
                Ok(None)
            }
        }
    }

    /// Notes that the server did not accept the proof.
    pub(crate) fn reject(&mut self) {
        match &mut self.method {
            Method::None => {}
            Method::Basic(secret) | Method::Body(secret) | Method::PrivateKeyJwt(secret) => {
                secret.reject();
            }
        }
    }

    /// Waits until the secret may have changed.
    pub(crate) async fn changed(&mut self) {
        match &mut self.method {
            Method::None => std::future::pending().await,
            Method::Basic(secret) | Method::Body(secret) | Method::PrivateKeyJwt(secret) => {
                secret.changed().await;
            }
        }
    }
}

/// Returns the header of RFC 6749 §2.3.1: id and secret are escaped as in a form.
fn basic(client_id: &str, secret: &Secret) -> Result<HeaderValue, SourceError> {
    let mut pair = Form::new();
    pair.append_escaped(client_id.as_bytes());
    pair.append(b":");
    pair.append_escaped(key::trim(secret.expose_secret()));
    let encoded = Zeroizing::new(STANDARD.encode(&*pair.into_bytes()));
    header_value(b"Basic ", &Secret::from(encoded.as_str()))
}

fn random() -> Result<u128, SourceError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| SourceError::transient("the system has no randomness"))?;
    Ok(u128::from_be_bytes(bytes))
}

/// The name of the header that [`ClientAuth::prove`] returns.
pub(crate) const HEADER: http::HeaderName = AUTHORIZATION;

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match &self.method {
            Method::None => "none",
            Method::Basic(_) => "client_secret_basic",
            Method::Body(_) => "client_secret_post",
            Method::PrivateKeyJwt(_) => "private_key_jwt",
        };
        f.debug_struct("ClientAuth")
            .field("method", &method)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_escapes_id_and_secret_first() {
        let value = basic("a:b", &Secret::from("s/c\n")).unwrap();
        assert!(value.is_sensitive());
        let encoded = value.as_bytes().strip_prefix(b"Basic ").unwrap();
        assert_eq!(STANDARD.decode(encoded).unwrap(), b"a%3Ab:s%2Fc");
    }
}
