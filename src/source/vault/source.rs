//! A source of secrets in Vault.

use std::fmt;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use serde_json::json;
use tokio::time::Instant;

use super::answer::{kv2, kv2_missing, lent};
use super::auth::VaultAuth;
use super::lease::Lease;
use super::path::checked;
use super::server::Server;
use super::session::Session;
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::expiry::Expiry;
use crate::source::fetch::{Fetch, FetchReason, Fetched, Revision};
use crate::source::http::{Answer, Endpoint, HttpClient};
use crate::source::json::Json;
use crate::source::refresh_interval::RefreshInterval;
use crate::source::source_trait::Source;

/// How often a secret without a lease is read.
const POLL: Duration = Duration::from_secs(300);

/// A source of secrets in HashiCorp Vault or OpenBao.
///
/// A secret of the store [KV version 2](Self::kv2) is read every 5 minutes. A [dynamic
/// secret](Self::read) is renewed ahead of the end of its lease. Once Vault does not extend that
/// any more, or the upstream rejects the secret, another one is read. The old one ends with its
/// lease.
///
/// # Errors
///
/// A failed fetch keeps the last good value. The error contains the origin of the server, and
/// nothing of an answer:
///
/// | cause | [`SourceErrorKind`](crate::source::SourceErrorKind) |
/// |---|---|
/// | no connection; a sealed server (503); 5xx; a standby | `Transient` |
/// | a quota (429) | `Throttled` |
/// | a refused login; a request that is denied (403) although the login was repeated; a missing, deleted or destroyed secret | `Permanent` |
/// | no such field, or a store that is not KV version 2 | `Invalid` |
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "file")] {
/// use tower_rotating_auth::source::{FileSource, Source, SourceError, VaultAuth, VaultSource};
///
/// let secret_id = FileSource::new("/run/secrets/secret-id");
/// let auth = VaultAuth::app_role("0c2fd1c4-gateway", secret_id);
/// let source = VaultSource::kv2("https://vault.example.com:8200", "secret", "openai", auth)?
///     .field("api_key");
/// # let _ = source.refresh_interval();
/// # }
/// # Ok::<_, tower_rotating_auth::source::SourceError>(())
/// ```
#[must_use]
pub struct VaultSource {
    server: Server,
    session: Session,
    place: Place,
    field: Option<String>,
    poll: Option<Duration>,
    /// The lease of the last secret that was read, which the engine may have accepted.
    lent: Option<(Secret, Lease)>,
}

#[derive(Debug)]
enum Place {
    Kv2 {
        mount: String,
        path: String,
        version: Option<u64>,
    },
    Other {
        path: String,
    },
}

impl Place {
    fn url(&self) -> String {
        match self {
            Self::Kv2 {
                mount,
                path,
                version: None,
            } => format!("/v1/{mount}/data/{path}"),
            Self::Kv2 {
                mount,
                path,
                version: Some(version),
            } => format!("/v1/{mount}/data/{path}?version={version}"),
            Self::Other { path } => format!("/v1/{path}"),
        }
    }
}

impl VaultSource {
    /// Creates a source of a secret in a KV store of version 2, such as `secret` at its mount.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SourceErrorKind::Invalid`] if the address is no URL of `https`,
    /// nor of `http` to a loopback address, and if the mount or the path is not one.
    /// [`Endpoint::cleartext`] allows other addresses.
    ///
    /// [`SourceErrorKind::Invalid`]: crate::source::SourceErrorKind::Invalid
    pub fn kv2<E>(address: E, mount: &str, path: &str, auth: VaultAuth) -> Result<Self, SourceError>
    where
        E: TryInto<Endpoint, Error: Into<SourceError>>,
    {
        let place = Place::Kv2 {
            mount: checked(mount)?.to_owned(),
            path: checked(path)?.to_owned(),
            version: None,
        };
        Self::new(address, place, auth)
    }

    /// Creates a source of whatever `vault read` finds at this path, such as `database/creds/app`,
    /// or a secret in a KV store of version 1.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`kv2`](Self::kv2).
    pub fn read<E>(address: E, path: &str, auth: VaultAuth) -> Result<Self, SourceError>
    where
        E: TryInto<Endpoint, Error: Into<SourceError>>,
    {
        let path = checked(path)?.to_owned();
        Self::new(address, Place::Other { path }, auth)
    }

    fn new<E>(address: E, place: Place, auth: VaultAuth) -> Result<Self, SourceError>
    where
        E: TryInto<Endpoint, Error: Into<SourceError>>,
    {
        Ok(Self {
            server: Server {
                address: address.try_into().map_err(Into::into)?,
                namespace: None,
                client: HttpClient::default(),
            },
            session: Session::new(auth),
            place,
            field: None,
            poll: None,
            lent: None,
        })
    }

    /// Sets the field that is the key. Defaults to the whole secret as a JSON object, for keys of
    /// two parts: `map` takes them out.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Sets the version of a secret in [KV version 2](Self::kv2). Defaults to the newest.
    pub const fn version(mut self, number: u64) -> Self {
        if let Place::Kv2 { version, .. } = &mut self.place {
            *version = Some(number);
        }
        self
    }

    /// Sets the namespace, which goes into a header. Defaults to none.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SourceErrorKind::Invalid`] if it is not one.
    ///
    /// [`SourceErrorKind::Invalid`]: crate::source::SourceErrorKind::Invalid
    pub fn namespace(mut self, namespace: &str) -> Result<Self, SourceError> {
        let value = HeaderValue::from_str(checked(namespace)?);
        let value = value.map_err(|_| SourceError::invalid("not a namespace of Vault"))?;
        self.server.namespace = Some(value);
        Ok(self)
    }

    /// Sets the client. Defaults to [`HttpClient::default`].
    pub fn client(mut self, client: HttpClient) -> Self {
        self.server.client = client;
        self
    }

    /// Sets how often the secret is read at least. Defaults to 5 minutes, and for a secret with a
    /// lease to ahead of the lease's end.
    pub const fn poll(mut self, poll: Duration) -> Self {
        self.poll = Some(poll);
        self
    }

    /// Reads the secret. If Vault denies that, it logs in again and reads once more, unless such a
    /// login was denied as well and nobody has called for a refresh since.
    async fn read_secret(&mut self, reason: FetchReason) -> Result<Fetched<Secret>, SourceError> {
        if reason == FetchReason::Requested {
            self.session.forget_denial();
        }
        let url = self.place.url();
        let token = self.session.token(&mut self.server).await?;
        let mut answer = self.server.read(&url, token).await?;
        if answer.status == StatusCode::FORBIDDEN {
            if !self.session.reject(Instant::now()) {
                return Err(self.server.failure(&answer));
            }
            let token = self.session.token(&mut self.server).await?;
            answer = self.server.read(&url, token).await?;
        }
        match answer.status {
            StatusCode::FORBIDDEN => self.session.note_denied(Instant::now()),
            _ => self.session.forget_denial(),
        }
        self.found(&answer)
    }

    fn found(&mut self, answer: &Answer) -> Result<Fetched<Secret>, SourceError> {
        let field = self.field.as_deref();
        if let Place::Kv2 { .. } = self.place {
            let document = Json::parse(&answer.body);
            if let Some(missing) = kv2_missing(answer.status, document.as_ref()) {
                return Err(missing);
            }
        }
        if !answer.status.is_success() {
            return Err(self.server.failure(answer));
        }
        let json = self.server.document(answer)?;
        if let Place::Kv2 { .. } = self.place {
            return kv2(&json, field).map(Fetched::new);
        }
        let lent = lent(&json, field)?;
        let fetched = Fetched::new(lent.key);
        let Some(id) = lent.id else {
            return Ok(match lent.rotates_in {
                Some(rest) => fetched.expires(Expiry::In(rest)),
                None => fetched,
            });
        };
        let fetched = fetched.revision(Revision::new(id.expose_secret()));
        let lease = lent.lease;
        self.lent = Some((id, lease));
        Ok(match lease.duration.is_zero() {
            true => fetched,
            false => fetched.expires(Expiry::In(lease.duration)),
        })
    }

    /// Renews the lease of the current secret. Returns `None` if another secret has to be read.
    async fn renewed(
        &mut self,
        request: &Fetch<'_, Secret>,
    ) -> Result<Option<Fetched<Secret>>, SourceError> {
        let Some((id, lease)) = &self.lent else {
            return Ok(None);
        };
        let is_current = request
            .revision
            .is_some_and(|revision| revision.as_bytes() == id.expose_secret());
        let may_renew = matches!(
            request.reason,
            FetchReason::Scheduled | FetchReason::Changed
        );
        if !may_renew || !is_current || !lease.is_renewable {
            return Ok(None);
        }
        // A lease id is text of Vault's own.
        let body = json!({ "lease_id": String::from_utf8_lossy(id.expose_secret()) });
        let token = self.session.token(&mut self.server).await?;
        let answer = self
            .server
            .write("/v1/sys/leases/renew", Some(token), body)
            .await?;
        if answer.status.is_server_error() || answer.status.as_u16() == 429 {
            return Err(self.server.failure(&answer));
        }
        if !answer.status.is_success() {
            // It was revoked, or has reached its longest life.
            return Ok(None);
        }
        let renewed = Lease::at(&self.server.document(&answer)?, "");
        if lease.ends_soon(renewed) || renewed.duration.is_zero() {
            return Ok(None);
        }
        Ok(Some(
            Fetched::unchanged().expires(Expiry::In(renewed.duration)),
        ))
    }
}

impl Source for VaultSource {
    type Value = Secret;

    async fn fetch(&mut self, request: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        if let Some(renewed) = self.renewed(&request).await? {
            return Ok(renewed);
        }
        self.read_secret(request.reason).await
    }

    async fn changed(&mut self) {
        self.session.changed().await;
    }

    fn refresh_interval(&self) -> RefreshInterval {
        let poll = match self.place {
            Place::Kv2 { .. } => Some(POLL),
            Place::Other { .. } => None,
        };
        RefreshInterval {
            poll: self.poll.or(poll),
            ..RefreshInterval::default()
        }
    }
}

impl fmt::Debug for VaultSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultSource")
            .field("address", &self.server.address)
            .field("place", &self.place)
            .field("field", &self.field)
            .field("auth", self.session.auth())
            .finish_non_exhaustive()
    }
}
