//! The header that is injected: its name and its value, built once.

mod auth_scheme;

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use zeroize::Zeroizing;

pub use self::auth_scheme::AuthScheme;
use crate::key;
use crate::key::{InvalidKey, InvalidKeyKind};
use crate::outbound::header;
use crate::outbound::per_thread::PerThread;
use crate::secret::Secret;

/// A header's name and its value, built once and always marked sensitive.
///
/// | header | used by | made by |
/// |---|---|---|
/// | `Authorization: Bearer …` | OpenAI, Mistral, Groq, GitHub, most of OAuth2 | [`bearer`](Self::bearer) |
/// | `Authorization: Token …` | InfluxDB, Deepgram, Django REST framework | [`scheme`](Self::scheme) |
/// | `Authorization: ApiKey …` | Elasticsearch | [`scheme`](Self::scheme) |
/// | `x-api-key` | Anthropic, Amazon API Gateway | [`x_api_key`](Self::x_api_key) |
/// | `api-key` | Azure OpenAI, Qdrant | [`api_key`](Self::api_key) |
/// | `x-goog-api-key` | Gemini and other Google APIs | [`x_goog_api_key`](Self::x_goog_api_key) |
/// | `private-token` (GitLab), `x-vault-token` (Vault, OpenBao), `xi-api-key` (ElevenLabs) … | | [`header`](Self::header) |
///
/// # Examples
///
/// ```
/// use http::HeaderName;
/// use tower_rotating_auth::{Secret, outbound::Credential};
///
/// let key = Secret::from("sk-1f0c\n");
/// let bearer = Credential::bearer(&key)?;
/// assert_eq!(bearer.value(), "Bearer sk-1f0c");
/// assert!(bearer.value().is_sensitive());
///
/// let bare = Credential::header(HeaderName::from_static("private-token"), &key)?;
/// assert_eq!(bare.value(), "sk-1f0c");
/// # Ok::<_, tower_rotating_auth::InvalidKey>(())
/// ```
pub struct Credential {
    name: HeaderName,
    scheme: Option<AuthScheme>,
    /// Cloned for each request, so each thread has its own.
    values: PerThread<HeaderValue>,
}

impl Credential {
    /// Creates `Authorization: Bearer <key>`
    /// ([RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
    ///
    /// # Errors
    ///
    /// Returns an [`InvalidKey`] that says what is wrong with `key`.
    pub fn bearer(key: &Secret) -> Result<Self, InvalidKey> {
        Self::scheme(&AuthScheme::BEARER, key)
    }

    /// Creates `Authorization: <scheme> <key>`.
    ///
    /// # Errors
    ///
    /// Returns an [`InvalidKey`] that says what is wrong with `key`.
    pub fn scheme(scheme: &AuthScheme, key: &Secret) -> Result<Self, InvalidKey> {
        Self::new(AUTHORIZATION, Some(scheme), key)
    }

    /// Creates `x-api-key: <key>`, used by Anthropic and Amazon API Gateway.
    ///
    /// # Errors
    ///
    /// Returns an [`InvalidKey`] that says what is wrong with `key`.
    pub fn x_api_key(key: &Secret) -> Result<Self, InvalidKey> {
        Self::header(HeaderName::from_static("x-api-key"), key)
    }

    /// Creates `api-key: <key>`, used by Azure OpenAI and Qdrant.
    ///
    /// # Errors
    ///
    /// Returns an [`InvalidKey`] that says what is wrong with `key`.
    pub fn api_key(key: &Secret) -> Result<Self, InvalidKey> {
        Self::header(HeaderName::from_static("api-key"), key)
    }

    /// Creates `x-goog-api-key: <key>`, used by Gemini and other Google APIs.
    ///
    /// # Errors
    ///
    /// Returns an [`InvalidKey`] that says what is wrong with `key`.
    pub fn x_goog_api_key(key: &Secret) -> Result<Self, InvalidKey> {
        Self::header(HeaderName::from_static("x-goog-api-key"), key)
    }

    /// Creates `<name>: <key>`, for any other header.
    ///
    /// # Errors
    ///
    /// Returns an [`InvalidKey`] that says what is wrong with `key`.
    pub fn header(name: HeaderName, key: &Secret) -> Result<Self, InvalidKey> {
        Self::new(name, None, key)
    }

    fn new(
        name: HeaderName,
        scheme: Option<&AuthScheme>,
        key: &Secret,
    ) -> Result<Self, InvalidKey> {
        let key = key::parse(key)?;
        let prefix = scheme.map_or_else(String::new, |scheme| format!("{} ", scheme.as_str()));
        let values = PerThread::try_new(|| {
            let mut text = Zeroizing::new(Vec::with_capacity(prefix.len() + key.len()));
            text.extend_from_slice(prefix.as_bytes());
            text.extend_from_slice(key);
            let value = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
            let mut value = value.map_err(|_| InvalidKey::new(InvalidKeyKind::NotVisibleAscii))?;
            value.set_sensitive(true);
            Ok(value)
        })?;
        Ok(Self {
            name,
            scheme: scheme.cloned(),
            values,
        })
    }

    /// Returns the header's name.
    #[must_use]
    pub const fn name(&self) -> &HeaderName {
        &self.name
    }

    /// Returns the scheme before the key in `Authorization`, or `None` for a key that stands alone,
    /// as in `x-api-key`.
    #[must_use]
    pub const fn auth_scheme(&self) -> Option<&AuthScheme> {
        self.scheme.as_ref()
    }

    /// Returns the header's value, marked sensitive.
    #[must_use]
    pub fn value(&self) -> HeaderValue {
        self.values.get().clone()
    }

    /// Sets the header in `headers`, in place of any of that name.
    ///
    /// Also removes its name from `Connection`, so that the next hop does not drop it
    /// ([RFC 9110 §7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1)).
    ///
    /// Use this where a host takes an interceptor and no layer. A header map does not say where it
    /// is sent, so the caller must check the origin. The caller also handles a rejection, with
    /// [`Rotating::refresh_newer_than`](crate::Rotating::refresh_newer_than).
    ///
    /// # Examples
    ///
    /// ```
    /// use tonic::{Request, Status};
    /// use tower_rotating_auth::{Secret, outbound::{Credential, RotatingCredential}};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (key, mut publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
    /// let mut interceptor = move |mut call: Request<()>| -> Result<Request<()>, Status> {
    ///     key.current().apply_to(call.metadata_mut().as_mut());
    ///     Ok(call)
    /// };
    /// let call = interceptor(Request::new(()))?;
    /// assert_eq!(call.metadata().get("authorization").unwrap(), "Bearer sk-1");
    ///
    /// publisher.publish(Credential::bearer(&Secret::from("sk-2"))?);
    /// let call = interceptor(call)?;
    /// assert_eq!(call.metadata().get("authorization").unwrap(), "Bearer sk-2");
    /// # Ok(())
    /// # }
    /// ```
    pub fn apply_to(&self, headers: &mut HeaderMap) {
        header::set(headers, &self.name, self.value());
    }
}

impl PartialEq for Credential {
    fn eq(&self, other: &Self) -> bool {
        let [ours, theirs] = [self, other].map(|credential| credential.values.get().as_bytes());
        self.name == other.name && constant_time_eq::constant_time_eq(ours, theirs)
    }
}

impl Eq for Credential {}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
