//! What is put on a request: a header's name and its value, built once.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::auth_scheme::AuthScheme;
use crate::key;
use crate::key::{InvalidKey, InvalidKeyKind};
use crate::secret::Secret;

/// Copies of the value, so that threads do not contend for one reference count.
const COPIES: usize = 16;

/// A header's name and its value, prebuilt and always sensitive.
///
/// | header | where | made by |
/// |---|---|---|
/// | `Authorization: Bearer …` | OpenAI, Mistral, Groq, GitHub, most OAuth2 | [`bearer`](Self::bearer) |
/// | `Authorization: Token …` | InfluxDB, Deepgram, Django REST framework | [`scheme`](Self::scheme) |
/// | `Authorization: ApiKey …` | Elasticsearch | [`scheme`](Self::scheme) |
/// | `x-api-key` | Anthropic, Amazon API Gateway | [`x_api_key`](Self::x_api_key) |
/// | `api-key` | Azure OpenAI, Qdrant | [`api_key`](Self::api_key) |
/// | `x-goog-api-key` | Gemini and other APIs of Google | [`x_goog_api_key`](Self::x_goog_api_key) |
/// | `private-token` (GitLab), `x-vault-token` (Vault, OpenBao), `xi-api-key` (ElevenLabs) … | | [`header`](Self::header) |
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
    values: Box<[Padded; COPIES]>,
}

/// A cache line pair of its own for each copy.
#[repr(align(128))]
struct Padded(HeaderValue);

impl Credential {
    /// `Authorization: Bearer <key>` ([RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
    ///
    /// # Errors
    ///
    /// When it is not a usable key.
    pub fn bearer(key: &Secret) -> Result<Self, InvalidKey> {
        Self::scheme(&AuthScheme::BEARER, key)
    }

    /// `Authorization: <scheme> <key>`.
    ///
    /// # Errors
    ///
    /// When it is not a usable key.
    pub fn scheme(scheme: &AuthScheme, key: &Secret) -> Result<Self, InvalidKey> {
        Self::with_prefix(AUTHORIZATION, &format!("{} ", scheme.as_str()), key)
    }

    /// `x-api-key: <key>`, as Anthropic and Amazon API Gateway have it.
    ///
    /// # Errors
    ///
    /// When it is not a usable key.
    pub fn x_api_key(key: &Secret) -> Result<Self, InvalidKey> {
        Self::header(HeaderName::from_static("x-api-key"), key)
    }

    /// `api-key: <key>`, as Azure OpenAI and Qdrant have it.
    ///
    /// # Errors
    ///
    /// When it is not a usable key.
    pub fn api_key(key: &Secret) -> Result<Self, InvalidKey> {
        Self::header(HeaderName::from_static("api-key"), key)
    }

    /// `x-goog-api-key: <key>`, as Gemini and other APIs of Google have it.
    ///
    /// # Errors
    ///
    /// When it is not a usable key.
    pub fn x_goog_api_key(key: &Secret) -> Result<Self, InvalidKey> {
        Self::header(HeaderName::from_static("x-goog-api-key"), key)
    }

    /// `<name>: <key>`, for any other name.
    ///
    /// # Errors
    ///
    /// When it is not a usable key.
    pub fn header(name: HeaderName, key: &Secret) -> Result<Self, InvalidKey> {
        Self::with_prefix(name, "", key)
    }

    fn with_prefix(name: HeaderName, prefix: &str, key: &Secret) -> Result<Self, InvalidKey> {
        let key = key::parse(key)?;
        let copies = [(); COPIES].map(|()| {
            let mut text = Zeroizing::new(Vec::with_capacity(prefix.len() + key.len()));
            text.extend_from_slice(prefix.as_bytes());
            text.extend_from_slice(key);
            let value = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
            value.map(|mut value| {
                value.set_sensitive(true);
                Padded(value)
            })
        });
        let values: Result<Vec<_>, _> = copies.into_iter().collect();
        let values = values.map_err(|_| InvalidKey::new(InvalidKeyKind::NotVisibleAscii))?;
        let values = values
            .try_into()
            .map_err(|_| InvalidKey::new(InvalidKeyKind::NotVisibleAscii))?;
        Ok(Self { name, values })
    }

    /// The header's name.
    #[must_use]
    pub const fn name(&self) -> &HeaderName {
        &self.name
    }

    /// The header's value, marked sensitive.
    #[must_use]
    pub fn value(&self) -> HeaderValue {
        self.values[copy_of_this_thread()].0.clone()
    }

    /// Puts the header on, in place of any of that name: for hosts that take an interceptor and no layer.
    ///
    /// A header map does not tell where it goes: here the origin is the caller's affair, and so is a rejection
    /// ([`Rotating::refresh_newer_than`](crate::Rotating::refresh_newer_than)).
    ///
    /// ```
    /// use tonic::{Request, Status};
    /// use tower_rotating_auth::{Rotating, Secret, outbound::Credential};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (key, mut publisher) = Rotating::manual(Credential::bearer(&Secret::from("sk-1"))?);
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
        headers.insert(&self.name, self.value());
    }
}

/// Threads take the copies in turn.
fn copy_of_this_thread() -> usize {
    const NOT_YET: usize = usize::MAX;
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static COPY: Cell<usize> = const { Cell::new(NOT_YET) };
    }
    let copy = COPY.get();
    if copy != NOT_YET {
        return copy;
    }
    let copy = THREADS.fetch_add(1, Ordering::Relaxed) % COPIES;
    COPY.set(copy);
    copy
}

impl PartialEq for Credential {
    fn eq(&self, other: &Self) -> bool {
        let [ours, theirs] = [self, other].map(|credential| credential.values[0].0.as_bytes());
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
