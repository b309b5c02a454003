//! How a client logs in.

use std::fmt;

use serde_json::{Value, json};

use super::path::checked;
use crate::key;
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::secret_source::NestedSecret;
use crate::source::source_trait::Source;

/// How a source logs in to Vault or OpenBao.
///
/// Its secret comes from another source, which is asked again for each login. A login is renewed
/// after two thirds of its life, and repeated once it cannot be renewed, or once Vault denies a
/// request. If Vault denies the request to the new login as well, the policies of the role do not
/// allow it. Then the source keeps that login until a request is allowed. It logs in again after an
/// hour, and when [`Rotating::refresh`](crate::Rotating::refresh) is called, since somebody may
/// have changed the role.
#[must_use]
pub struct VaultAuth {
    pub(crate) secret: NestedSecret,
    pub(crate) method: Method,
}

pub(crate) enum Method {
    /// The secret is the token itself.
    Token,
    /// The secret is part of a login.
    Login {
        mount: String,
        role: String,
        names: Names,
    },
}

/// The names of the two parameters of a login.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    role: &'static str,
    secret: &'static str,
}

impl VaultAuth {
    /// Uses the token that another source delivers, such as the file of an agent. The source does
    /// not renew it.
    pub fn token(token: impl Source<Value = Secret>) -> Self {
        Self {
            secret: NestedSecret::new(token),
            method: Method::Token,
        }
    }

    /// Logs in by [AppRole]. The mount defaults to `approle`.
    ///
    /// [AppRole]: https://openbao.org/docs/auth/approle/
    pub fn app_role(role_id: impl Into<String>, secret_id: impl Source<Value = Secret>) -> Self {
        let names = Names {
            role: "role_id",
            secret: "secret_id",
        };
        Self::login("approle", role_id.into(), names, secret_id)
    }

    /// Logs in with the JWT of a [Kubernetes] service account, which is read again for each login.
    /// The mount defaults to `kubernetes`.
    ///
    /// `jwt` is usually a file: `/var/run/secrets/kubernetes.io/serviceaccount/token`.
    ///
    /// [Kubernetes]: https://openbao.org/docs/auth/kubernetes/
    pub fn kubernetes(role: impl Into<String>, jwt: impl Source<Value = Secret>) -> Self {
        let names = Names {
            role: "role",
            secret: "jwt",
        };
        Self::login("kubernetes", role.into(), names, jwt)
    }

    fn login(mount: &str, role: String, names: Names, secret: impl Source<Value = Secret>) -> Self {
        Self {
            secret: NestedSecret::new(secret),
            method: Method::Login {
                mount: mount.to_owned(),
                role,
                names,
            },
        }
    }

    /// Sets where the method is mounted. It has no effect on a [`token`](Self::token).
    pub fn mount(mut self, path: impl Into<String>) -> Self {
        if let Method::Login { mount, .. } = &mut self.method {
            *mount = path.into();
        }
        self
    }

    /// Returns the path and the body of a login, or `None` if the secret is the token.
    pub(crate) async fn login_request(&mut self) -> Result<Option<(String, Value)>, SourceError> {
        let Method::Login { mount, role, names } = &self.method else {
            return Ok(None);
        };
        let path = format!("/v1/auth/{}/login", checked(mount)?);
        let secret = key::trim(self.secret.secret().await?.expose_secret());
        let secret = std::str::from_utf8(secret)
            .map_err(|_| SourceError::invalid("the secret of the login is no text"))?;
        Ok(Some((
            path,
            json!({ names.role: role, names.secret: secret }),
        )))
    }
}

impl fmt::Debug for VaultAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mount = match &self.method {
            Method::Token => "token",
            Method::Login { mount, .. } => mount,
        };
        f.debug_struct("VaultAuth")
            .field("mount", &mount)
            .finish_non_exhaustive()
    }
}
