//! A secret of Vault in a configuration.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use super::SourceConfig;
use super::http::{client, endpoint};
use crate::secret::Secret;
use crate::source::environment::EnvOrFile;
use crate::source::error::SourceError;
use crate::source::source_trait::{BoxSource, Source};
use crate::source::vault::{VaultAuth, VaultSource};

/// A secret of Vault or OpenBao, as [`VaultSource`] reads it.
///
/// What is left out comes from the variables that Vault's own client reads: `VAULT_ADDR`,
/// `VAULT_NAMESPACE`, `VAULT_CACERT` and `VAULT_TOKEN`, or their names with `BAO_` instead. The
/// token may also be in a file that `VAULT_TOKEN_FILE` names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct VaultConfig {
    /// The URL of the server.
    #[cfg_attr(feature = "serde", serde(default))]
    pub address: Option<String>,
    /// The mount of a store of KV version 2. Without one, `path` is read as it is.
    #[cfg_attr(feature = "serde", serde(default))]
    pub mount: Option<String>,
    /// The path of the secret.
    pub path: String,
    /// Sets [`VaultSource::field`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub field: Option<String>,
    /// Sets [`VaultSource::version`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub version: Option<u64>,
    /// Sets [`VaultSource::namespace`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub namespace: Option<String>,
    /// How to log in.
    #[cfg_attr(feature = "serde", serde(default))]
    pub auth: Option<VaultAuthConfig>,
    /// The certificates to trust instead of the system's, a PEM file.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ca_file: Option<PathBuf>,
    /// Whether the address may be `http` to any host. Defaults to `false`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub cleartext: bool,
    /// Sets [`VaultSource::poll`].
    #[cfg_attr(
        feature = "serde",
        serde(default, deserialize_with = "super::duration::deserialize")
    )]
    pub poll_interval: Option<Duration>,
}

/// A login to Vault, as [`VaultAuth`] performs it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(tag = "method", rename_all = "kebab-case", deny_unknown_fields)
)]
#[non_exhaustive]
pub enum VaultAuthConfig {
    /// [`VaultAuth::token`].
    Token {
        /// Where the token comes from.
        token: Box<SourceConfig>,
    },
    /// [`VaultAuth::app_role`].
    #[cfg_attr(feature = "serde", serde(rename = "approle"))]
    AppRole {
        /// The id of the role.
        role_id: String,
        /// Where the secret id comes from.
        secret_id: Box<SourceConfig>,
        /// Sets [`VaultAuth::mount`].
        #[cfg_attr(feature = "serde", serde(default))]
        mount: Option<String>,
    },
    /// [`VaultAuth::kubernetes`].
    Kubernetes {
        /// The role.
        role: String,
        /// Where the JWT of the service account comes from.
        jwt: Box<SourceConfig>,
        /// Sets [`VaultAuth::mount`].
        #[cfg_attr(feature = "serde", serde(default))]
        mount: Option<String>,
    },
}

impl VaultAuthConfig {
    fn auth(self) -> VaultAuth {
        let (auth, mount) = match self {
            Self::Token { token } => (VaultAuth::token(token.into_source()), None),
            Self::AppRole {
                role_id,
                secret_id,
                mount,
            } => (VaultAuth::app_role(role_id, secret_id.into_source()), mount),
            Self::Kubernetes { role, jwt, mount } => {
                (VaultAuth::kubernetes(role, jwt.into_source()), mount)
            }
        };
        match mount {
            Some(mount) => auth.mount(mount),
            None => auth,
        }
    }
}

impl VaultConfig {
    /// Creates the configuration of a field of a secret in a store of KV version 2.
    pub fn kv2(
        mount: impl Into<String>,
        path: impl Into<String>,
        field: impl Into<String>,
    ) -> Self {
        Self {
            mount: Some(mount.into()),
            path: path.into(),
            field: Some(field.into()),
            ..Self::default()
        }
    }

    pub(crate) fn source(self) -> Result<impl Source<Value = Secret> + use<>, SourceError> {
        let address = self.address.or_else(|| variable("ADDR")).ok_or_else(|| {
            SourceError::invalid("no address of Vault; set VAULT_ADDR, or `address`")
        })?;
        let address = endpoint(&address, self.cleartext)?;
        let auth = match self.auth {
            Some(auth) => auth.auth(),
            None => VaultAuth::token(token()?),
        };
        let mut source = match self.mount {
            Some(mount) => VaultSource::kv2(address, &mount, &self.path, auth)?,
            None => VaultSource::read(address, &self.path, auth)?,
        };
        let ca_file = self
            .ca_file
            .or_else(|| variable("CACERT").map(PathBuf::from));
        source = source.client(client(ca_file)?);
        if let Some(namespace) = self.namespace.or_else(|| variable("NAMESPACE")) {
            source = source.namespace(&namespace)?;
        }
        if let Some(field) = self.field {
            source = source.field(field);
        }
        if let Some(version) = self.version {
            source = source.version(version);
        }
        if let Some(poll) = self.poll_interval {
            source = source.poll(poll);
        }
        Ok(source)
    }
}

/// Returns a variable of Vault's own client that is not a secret.
fn variable(name: &str) -> Option<String> {
    let found = ["VAULT_", "BAO_"].map(|prefix| env::var(format!("{prefix}{name}")).ok());
    found.into_iter().flatten().find(|value| !value.is_empty())
}

fn token() -> Result<BoxSource<Secret>, SourceError> {
    for name in ["VAULT_TOKEN", "BAO_TOKEN"] {
        if let Some(source) = EnvOrFile::find(name)? {
            return Ok(source.boxed());
        }
    }
    Err(SourceError::invalid(
        "no login for Vault; set VAULT_TOKEN or VAULT_TOKEN_FILE, or `auth`",
    ))
}
