//! A login that is renewed, and repeated when it ends.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::auth::{Method, VaultAuth};
use super::lease::Lease;
use super::server::Server;
use crate::secret::Secret;
use crate::source::error::SourceError;

/// How long a login that was denied from its start is kept. Another one costs a use of the secret
/// and a lease on the server, and has other rights only after somebody has changed the role.
const DENIED: Duration = Duration::from_secs(3600);

/// The login of a source.
pub(crate) struct Session {
    auth: VaultAuth,
    login: Option<Login>,
    /// Until when a denied request is no reason to log in: another login was denied as well.
    denied_until: Option<Instant>,
}

struct Login {
    token: Secret,
    /// What the login gave at first.
    lease: Lease,
    renew_at: Option<Instant>,
}

impl Session {
    pub(crate) const fn new(auth: VaultAuth) -> Self {
        Self {
            auth,
            login: None,
            denied_until: None,
        }
    }

    pub(crate) const fn auth(&self) -> &VaultAuth {
        &self.auth
    }

    /// Returns a token, and logs in or renews the login before if that is due.
    pub(crate) async fn token(&mut self, server: &mut Server) -> Result<&Secret, SourceError> {
        if matches!(self.auth.method, Method::Token) {
            return self.auth.secret.secret().await;
        }
        // A login stays until there is another: a caller that stops waiting must not lose it.
        match &self.login {
            None => self.login = Some(self.log_in(server).await?),
            Some(login) if login.renew_at.is_some_and(|at| at <= Instant::now()) => {
                self.prolong(server).await;
            }
            Some(_) => {}
        }
        let token = self.login.as_ref().map(|login| &login.token);
        token.ok_or_else(|| SourceError::transient("the login has ended; log in again"))
    }

    /// Ends the login, since Vault denied a request, so that the next token is another. Returns
    /// whether there is one to try: a policy denies the request to each login of the role.
    pub(crate) fn reject(&mut self, now: Instant) -> bool {
        if self.denied_until.is_some_and(|until| now < until) {
            return false;
        }
        self.login = None;
        self.auth.secret.reject();
        true
    }

    /// Notes that Vault denied a request with a token that [`reject`](Self::reject) asked for.
    pub(crate) fn note_denied(&mut self, now: Instant) {
        self.denied_until = Some(now + DENIED);
    }

    /// Lets the next denied request be a reason to log in.
    pub(crate) const fn forget_denial(&mut self) {
        self.denied_until = None;
    }

    /// Waits until the secret of the login may have changed.
    pub(crate) async fn changed(&mut self) {
        self.auth.secret.changed().await;
        self.login = None;
        self.forget_denial();
    }

    /// Renews the login, or replaces it by another. If neither works, the login may be good for a
    /// while: it is used on, until the server denies a request.
    async fn prolong(&mut self, server: &mut Server) {
        if let Some(login) = self.login.as_mut().filter(|login| login.lease.is_renewable) {
            if let Ok(Some(renewed)) = renew(login, server).await {
                login.renew_at = renewed.renew_at(Instant::now());
                return;
            }
        }
        if let Ok(login) = self.log_in(server).await {
            self.login = Some(login);
        }
    }

    async fn log_in(&mut self, server: &mut Server) -> Result<Login, SourceError> {
        // A token is no login, so there is a request.
        let request = self.auth.login_request().await?;
        let (path, body) = request.ok_or_else(|| SourceError::invalid("a token cannot log in"))?;
        let answer = server.write(&path, None, body).await?;
        if !answer.status.is_success() {
            if answer.status.is_client_error() {
                self.auth.secret.reject();
            }
            return Err(match answer.status.as_u16() {
                400 | 401 | 403 => SourceError::permanent(format!(
                    "{} refused the login ({}); check the role and its secret",
                    server.address,
                    answer.status.as_u16(),
                )),
                _ => server.failure(&answer),
            });
        }
        let json = server.document(&answer)?;
        let token = json.secret_at("/auth/client_token").ok_or_else(|| {
            SourceError::invalid(format!("{} answered a login with no token", server.address))
        })?;
        let lease = Lease::at(&json, "/auth");
        Ok(Login {
            token,
            lease,
            renew_at: lease.renew_at(Instant::now()),
        })
    }
}

/// Renews a login. Returns `None` if that is refused, or does not extend it any more.
async fn renew(login: &Login, server: &mut Server) -> Result<Option<Lease>, SourceError> {
    let path = "/v1/auth/token/renew-self";
    let answer = server.write(path, Some(&login.token), json!({})).await?;
    if !answer.status.is_success() {
        return Ok(None);
    }
    let renewed = Lease::at(&server.document(&answer)?, "/auth");
    Ok((!login.lease.ends_soon(renewed)).then_some(renewed))
}
