//! A token endpoint in a configuration.

use std::path::PathBuf;
use std::time::Duration;

use super::SourceConfig;
use super::http::{client, endpoint};
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::oauth2::{ClientAuth, OAuth2Source};
use crate::source::source_trait::Source;

/// A token endpoint, as [`OAuth2Source`] asks it.
///
/// With a `subject_token` it exchanges that token. With an `assertion` it presents that JWT as a
/// grant. With neither it asks for the client's own token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct OAuth2Config {
    /// The URL of the token endpoint.
    pub token_url: String,
    /// The id of the client.
    #[cfg_attr(feature = "serde", serde(default))]
    pub client_id: String,
    /// How the client authenticates. Defaults to `basic` if there is a `client_secret`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub client_auth: ClientAuthName,
    /// Where the client's secret comes from, or its private key for `private-key-jwt`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub client_secret: Option<Box<SourceConfig>>,
    /// Sets [`ClientAuth::key_id`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub key_id: Option<String>,
    /// Sets [`OAuth2Source::scope`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub scope: Option<String>,
    /// Sets [`OAuth2Source::audience`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub audience: Option<String>,
    /// Sets [`OAuth2Source::resource`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub resource: Option<String>,
    /// Where the token comes from that is exchanged.
    #[cfg_attr(feature = "serde", serde(default))]
    pub subject_token: Option<Box<SourceConfig>>,
    /// The type of that token. Defaults to `urn:ietf:params:oauth:token-type:jwt`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub subject_token_type: Option<String>,
    /// The source of the JWT that is presented as a grant, as
    /// [`OAuth2Source::jwt_bearer`] does.
    #[cfg_attr(feature = "serde", serde(default))]
    pub assertion: Option<Box<SourceConfig>>,
    /// Sets [`OAuth2Source::assume_lifetime`].
    #[cfg_attr(
        feature = "serde",
        serde(default, deserialize_with = "super::duration::deserialize")
    )]
    pub assume_lifetime: Option<Duration>,
    /// The certificates to trust instead of the system's, a PEM file.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ca_file: Option<PathBuf>,
    /// Whether the URL may be `http` to any host. Defaults to `false`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub cleartext: bool,
}

/// The name of a [`ClientAuth`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum ClientAuthName {
    /// [`ClientAuth::basic`].
    #[default]
    Basic,
    /// [`ClientAuth::body`].
    Body,
    /// [`ClientAuth::private_key_jwt`].
    PrivateKeyJwt,
    /// [`ClientAuth::none`].
    None,
}

impl OAuth2Config {
    pub(crate) fn source(self) -> Result<impl Source<Value = Secret> + use<>, SourceError> {
        let endpoint = endpoint(&self.token_url, self.cleartext)?;
        let secret = self.client_secret.map(|secret| secret.into_source());
        let mut auth = match (self.client_auth, secret) {
            (ClientAuthName::Basic, Some(secret)) => ClientAuth::basic(secret),
            (ClientAuthName::Body, Some(secret)) => ClientAuth::body(secret),
            (ClientAuthName::PrivateKeyJwt, Some(key)) => ClientAuth::private_key_jwt(key),
            (ClientAuthName::None, None) => ClientAuth::none(),
            (ClientAuthName::None, Some(_)) => {
                return Err(SourceError::invalid(
                    "`client_auth = \"none\"` takes no `client_secret`",
                ));
            }
            (_, None) => {
                return Err(SourceError::invalid(
                    "no `client_secret`; name its source, or set `client_auth = \"none\"`",
                ));
            }
        };
        if let Some(key_id) = self.key_id {
            auth = auth.key_id(key_id);
        }
        let mut source = match (self.subject_token, self.assertion) {
            (None, None) => OAuth2Source::client_credentials(endpoint, self.client_id, auth)?,
            (Some(_), Some(_)) => {
                return Err(SourceError::invalid(
                    "`subject_token` and `assertion` are two grants; set one of them",
                ));
            }
            (None, Some(assertion)) => {
                OAuth2Source::jwt_bearer(endpoint, self.client_id, auth, assertion.into_source())?
            }
            (Some(subject), None) => {
                let kind = self.subject_token_type;
                let kind = kind.unwrap_or_else(|| JWT.to_owned());
                let subject = subject.into_source();
                OAuth2Source::token_exchange(endpoint, self.client_id, auth, subject, kind)?
            }
        };
        source = source.client(client(self.ca_file)?);
        for (name, value) in [
            ("scope", self.scope),
            ("audience", self.audience),
            ("resource", self.resource),
        ] {
            if let Some(value) = value {
                source = source.param(name, value);
            }
        }
        if let Some(lifetime) = self.assume_lifetime {
            source = source.assume_lifetime(lifetime);
        }
        Ok(source)
    }
}

const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
