//! A source that asks a token endpoint.

use std::fmt;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use futures_util::future::{Either, select};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};

use super::answer::{NoToken, Repair, token};
use super::client_auth::{ClientAuth, HEADER};
use super::form::Form;
use crate::key;
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::fetch::{Fetch, Fetched};
use crate::source::http::{Endpoint, HttpClient, RequestBody};
use crate::source::secret_source::NestedSecret;
use crate::source::source_trait::Source;

/// A source of access tokens from an OAuth 2.0 token endpoint.
///
/// A token is refreshed ahead of its expiry. There are three grants: *client credentials* ([RFC
/// 6749 §4.4]), *token exchange* ([RFC 8693]) and *JWT bearer* ([RFC 7523 §2.1]). Redirects are not
/// followed, and an answer may have 64 KiB.
///
/// # Errors
///
/// A failed fetch keeps the last good token. The error contains the origin of the endpoint and the
/// error code of the RFCs, and nothing else of the answer:
///
/// | cause | [`SourceErrorKind`](crate::source::SourceErrorKind) |
/// |---|---|
/// | no connection; the answer breaks off; 5xx; `temporarily_unavailable`, `server_error` | `Transient` |
/// | 429, and 503 with `Retry-After` | `Throttled` |
/// | `invalid_client`, `invalid_grant`, `invalid_scope` and so on; 3xx, other 4xx | `Permanent` |
/// | no JSON, no `access_token`, another `token_type`, a lifetime that is none | `Invalid` |
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "file")] {
/// use tower_rotating_auth::source::{ClientAuth, FileSource, OAuth2Source, Source, SourceError};
///
/// let secret = FileSource::new("/run/secrets/client-secret"); // may rotate as well
/// let source = OAuth2Source::client_credentials(
///     "https://id.example.com/oauth2/token",
///     "batch",
///     ClientAuth::basic(secret),
/// )?
/// .scope("models:read")
/// .audience("https://api.example.com");
/// # let _ = source.refresh_interval();
/// # }
/// # Ok::<_, tower_rotating_auth::source::SourceError>(())
/// ```
///
/// [RFC 6749 §4.4]: https://www.rfc-editor.org/rfc/rfc6749#section-4.4
/// [RFC 8693]: https://www.rfc-editor.org/rfc/rfc8693
/// [RFC 7523 §2.1]: https://www.rfc-editor.org/rfc/rfc7523#section-2.1
#[must_use]
pub struct OAuth2Source {
    endpoint: Endpoint,
    client: HttpClient,
    client_id: String,
    auth: ClientAuth,
    grant: Grant,
    params: Vec<(String, String)>,
    assume_lifetime: Option<Duration>,
}

enum Grant {
    ClientCredentials,
    TokenExchange {
        subject: NestedSecret,
        subject_type: String,
    },
    JwtBearer {
        assertion: NestedSecret,
    },
}

impl Grant {
    /// Returns the token of another source that is presented for one of this endpoint.
    const fn presented(&mut self) -> Option<&mut NestedSecret> {
        match self {
            Self::ClientCredentials => None,
            Self::TokenExchange { subject, .. } => Some(subject),
            Self::JwtBearer { assertion } => Some(assertion),
        }
    }
}

impl OAuth2Source {
    /// Creates a source of tokens for the client itself.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SourceErrorKind::Invalid`] if this is no URL of `https`, nor of
    /// `http` to a loopback address. [`Endpoint::cleartext`] allows others.
    ///
    /// [`SourceErrorKind::Invalid`]: crate::source::SourceErrorKind::Invalid
    pub fn client_credentials<E>(
        endpoint: E,
        client_id: impl Into<String>,
        auth: ClientAuth,
    ) -> Result<Self, SourceError>
    where
        E: TryInto<Endpoint, Error: Into<SourceError>>,
    {
        Self::new(endpoint, client_id, auth, Grant::ClientCredentials)
    }

    /// Creates a source that exchanges the token of another source, such as the file of a
    /// Kubernetes service account.
    ///
    /// `subject_type` is the type of that token, such as
    /// `urn:ietf:params:oauth:token-type:jwt`.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`client_credentials`](Self::client_credentials).
    pub fn token_exchange<E>(
        endpoint: E,
        client_id: impl Into<String>,
        auth: ClientAuth,
        subject: impl Source<Value = Secret>,
        subject_type: impl Into<String>,
    ) -> Result<Self, SourceError>
    where
        E: TryInto<Endpoint, Error: Into<SourceError>>,
    {
        let grant = Grant::TokenExchange {
            subject: NestedSecret::new(subject),
            subject_type: subject_type.into(),
        };
        Self::new(endpoint, client_id, auth, grant)
    }

    /// Creates a source that presents the JWT of another source as an authorization grant, such as
    /// the one that a workload's identity provider writes to a file ([RFC 7523 §2.1]).
    ///
    /// Such a JWT is often proof enough: pass an empty `client_id` and [`ClientAuth::none`] then.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`client_credentials`](Self::client_credentials).
    ///
    /// [RFC 7523 §2.1]: https://www.rfc-editor.org/rfc/rfc7523#section-2.1
    pub fn jwt_bearer<E>(
        endpoint: E,
        client_id: impl Into<String>,
        auth: ClientAuth,
        assertion: impl Source<Value = Secret>,
    ) -> Result<Self, SourceError>
    where
        E: TryInto<Endpoint, Error: Into<SourceError>>,
    {
        let grant = Grant::JwtBearer {
            assertion: NestedSecret::new(assertion),
        };
        Self::new(endpoint, client_id, auth, grant)
    }

    fn new<E>(
        endpoint: E,
        client_id: impl Into<String>,
        auth: ClientAuth,
        grant: Grant,
    ) -> Result<Self, SourceError>
    where
        E: TryInto<Endpoint, Error: Into<SourceError>>,
    {
        Ok(Self {
            endpoint: endpoint.try_into().map_err(Into::into)?,
            client: HttpClient::default(),
            client_id: client_id.into(),
            auth,
            grant,
            params: Vec::new(),
            assume_lifetime: None,
        })
    }

    /// Sets the client. Defaults to [`HttpClient::default`].
    pub fn client(mut self, client: HttpClient) -> Self {
        self.client = client;
        self
    }

    /// Sets the scopes of the token, separated by spaces. Defaults to the server's own choice.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.param("scope", scope)
    }

    /// Adds an audience of the token, as Auth0, Keycloak and RFC 8693 have it. Defaults to none.
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.param("audience", audience)
    }

    /// Adds the URI of a resource that the token is for ([RFC 8707]). Defaults to none.
    ///
    /// [RFC 8707]: https://www.rfc-editor.org/rfc/rfc8707
    pub fn resource(self, resource: impl Into<String>) -> Self {
        self.param("resource", resource)
    }

    /// Adds any other parameter to the form, such as `requested_token_type`. It is no place for a
    /// secret.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.push((name.into(), value.into()));
        self
    }

    /// Sets the lifetime of a token if the server does not name it. Defaults to none: such a token
    /// is refreshed every 60 s.
    pub const fn assume_lifetime(mut self, lifetime: Duration) -> Self {
        self.assume_lifetime = Some(lifetime);
        self
    }

    async fn request(&mut self) -> Result<Request<RequestBody>, SourceError> {
        let mut form = Form::new();
        match &mut self.grant {
            Grant::ClientCredentials => form.push("grant_type", b"client_credentials"),
            Grant::TokenExchange {
                subject,
                subject_type,
            } => {
                form.push(
                    "grant_type",
                    b"urn:ietf:params:oauth:grant-type:token-exchange",
                );
                let subject = subject.secret().await?;
                form.push("subject_token", key::trim(subject.expose_secret()));
                form.push("subject_token_type", subject_type.as_bytes());
            }
            Grant::JwtBearer { assertion } => {
                form.push("grant_type", b"urn:ietf:params:oauth:grant-type:jwt-bearer");
                let assertion = assertion.secret().await?;
                form.push("assertion", key::trim(assertion.expose_secret()));
            }
        }
        for (name, value) in &self.params {
            form.push(name, value.as_bytes());
        }
        let audience = self.endpoint.uri().to_string();
        let proof = self.auth.prove(&self.client_id, &audience, &mut form);
        let proof = proof.await?;
        let mut request = Request::new(RequestBody::secret(form.into_bytes()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.uri().clone();
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form_type);
        if let Some(proof) = proof {
            headers.insert(HEADER, proof);
        }
        Ok(request)
    }

    /// Has the secret fetched again that the server did not accept.
    fn reject(&mut self, repair: Repair) {
        match (repair, self.grant.presented()) {
            (Repair::Client, _) => self.auth.reject(),
            (Repair::Subject, Some(presented)) => presented.reject(),
            (Repair::Subject | Repair::Operator | Repair::Time, _) => {}
        }
    }
}

impl Source for OAuth2Source {
    type Value = Secret;

    async fn fetch(&mut self, _: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        let request = self.request().await?;
        let answer = self.client.send(request).await?;
        let now = SystemTime::now();
        match token(&self.endpoint, &answer, self.assume_lifetime, now) {
            Ok(fetched) => Ok(fetched),
            Err(NoToken { error, repair }) => {
                self.reject(repair);
                Err(error)
            }
        }
    }

    async fn changed(&mut self) {
        match self.grant.presented() {
            None => self.auth.changed().await,
            Some(presented) => {
                match select(pin!(self.auth.changed()), pin!(presented.changed())).await {
                    Either::Left(((), _)) | Either::Right(((), _)) => {}
                }
            }
        }
    }
}

impl fmt::Debug for OAuth2Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2Source")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}
