//! What turns a secret into a credential.

use http::HeaderName;

use super::auth_scheme::AuthScheme;
use super::credential::Credential;
use crate::key::InvalidKey;
use crate::secret::Secret;
use crate::source::{Source, SourceError, SourceErrorKind};

/// What turns a source of secrets into a source of credentials. Every source of [`Secret`]s has it.
///
/// A secret that is not a usable key is refused with an error that tells what is wrong with it, and never
/// a byte of it; the last good credential stays.
pub trait IntoCredential: Source<Value = Secret> + Sized {
    /// `Authorization: Bearer <key>`.
    fn bearer(self) -> impl Source<Value = Credential> {
        self.try_map(|key| Ok(Credential::bearer(&key)?))
    }

    /// `Authorization: <scheme> <key>`, as `Token` and `ApiKey` have it.
    fn scheme(self, scheme: AuthScheme) -> impl Source<Value = Credential> {
        self.try_map(move |key| Ok(Credential::scheme(&scheme, &key)?))
    }

    /// `x-api-key: <key>`.
    fn x_api_key(self) -> impl Source<Value = Credential> {
        self.try_map(|key| Ok(Credential::x_api_key(&key)?))
    }

    /// `api-key: <key>`.
    fn api_key(self) -> impl Source<Value = Credential> {
        self.try_map(|key| Ok(Credential::api_key(&key)?))
    }

    /// `x-goog-api-key: <key>`.
    fn x_goog_api_key(self) -> impl Source<Value = Credential> {
        self.try_map(|key| Ok(Credential::x_goog_api_key(&key)?))
    }

    /// `<name>: <key>`, for any other name; [`Credential`] lists those in common use.
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
