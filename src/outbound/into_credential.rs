//! Sources of credentials, made from sources of secrets.

use http::HeaderName;

use super::credential::{AuthScheme, Credential};
use crate::key::InvalidKey;
use crate::secret::Secret;
use crate::source::{Source, SourceError, SourceErrorKind};

/// Methods that turn a source of secrets into a source of credentials.
///
/// Every source of [`Secret`]s has them. The new source fails with
/// [`SourceErrorKind::Invalid`] if the secret is not a usable key, and the last good credential
/// stays. The error says what is wrong, and shows no byte of the secret.
pub trait IntoCredential: Source<Value = Secret> + Sized {
    /// Returns a source of `Authorization: Bearer <key>`.
    fn bearer(self) -> impl Source<Value = Credential> {
        self.try_map(|key| Ok(Credential::bearer(&key)?))
    }

    /// Returns a source of `Authorization: <scheme> <key>`, for schemes such as `Token` and
    /// `ApiKey`.
    fn scheme(self, scheme: AuthScheme) -> impl Source<Value = Credential> {
        self.try_map(move |key| Ok(Credential::scheme(&scheme, &key)?))
    }

    /// Returns a source of `x-api-key: <key>`.
    fn x_api_key(self) -> impl Source<Value = Credential> {
        self.try_map(|key| Ok(Credential::x_api_key(&key)?))
    }

    /// Returns a source of `api-key: <key>`.
    fn api_key(self) -> impl Source<Value = Credential> {
        self.try_map(|key| Ok(Credential::api_key(&key)?))
    }

    /// Returns a source of `x-goog-api-key: <key>`.
    fn x_goog_api_key(self) -> impl Source<Value = Credential> {
        self.try_map(|key| Ok(Credential::x_goog_api_key(&key)?))
    }

    /// Returns a source of `<name>: <key>`, for any other header. [`Credential`] lists common ones.
    fn header(self, name: HeaderName) -> impl Source<Value = Credential> {
        self.try_map(move |key| Ok(Credential::header(name.clone(), &key)?))
    }
}

impl<S: Source<Value = Secret>> IntoCredential for S {}

impl From<InvalidKey> for SourceError {
    fn from(invalid: InvalidKey) -> Self {
        Self::new(SourceErrorKind::Invalid, invalid.to_string())
    }
}
