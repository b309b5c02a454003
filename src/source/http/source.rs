//! A source that asks an HTTP endpoint.

use std::fmt;
use std::future::{Future, pending};
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use futures_util::future::select_all;
use http::header::{AUTHORIZATION, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use zeroize::Zeroizing;

use super::body::RequestBody;
use super::client::{Answer, HttpClient};
use super::endpoint::Endpoint;
use super::status::{check_encoding, failure, is_rejection};
use crate::key;
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::fetch::{Fetch, Fetched, Revision};
use crate::source::json::{self, Json};
use crate::source::key_check::KeyCheck;
use crate::source::refresh_interval::RefreshInterval;
use crate::source::secret_source::NestedSecret;
use crate::source::source_trait::Source;

/// A source of the key that an HTTP endpoint answers with, as text or in JSON.
///
/// The answer may have 64 KiB. If it has a strong `ETag`, the next request has it in
/// `If-None-Match`. Redirects are not followed.
///
/// # Errors
///
/// A failed fetch keeps the last good value. The error contains the origin of the endpoint, and
/// nothing of its path or its answer:
///
/// | cause | [`SourceErrorKind`](crate::source::SourceErrorKind) |
/// |---|---|
/// | no connection; the answer breaks off; 408, 5xx | `Transient` |
/// | 429, and 503 with `Retry-After` | `Throttled` |
/// | 3xx, other 4xx | `Permanent` |
/// | the answer is too long, compressed, or has no key where it should be, but `null` or JSON | `Invalid` |
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::source::{HttpSource, Source, SourceError};
/// # #[cfg(feature = "file")] {
/// use tower_rotating_auth::source::FileSource;
///
/// // {"data": {"key": "sk-1f0c"}, "expires_in": 3600}
/// let source = HttpSource::new("https://keys.example.com/v1/key")?
///     .pointer("/data/key")
///     .expires_in("/expires_in")
///     .bearer(FileSource::new("/run/secrets/token")); // read again for each request
/// # let _ = source.refresh_interval();
/// # }
/// # Ok::<_, SourceError>(())
/// ```
#[must_use]
pub struct HttpSource {
    endpoint: Endpoint,
    client: HttpClient,
    fixed: HeaderMap,
    nested: Vec<NestedHeader>,
    shape: Shape,
    poll: Option<Duration>,
    check: KeyCheck,
}

/// Where the key and its expiry are in an answer.
#[derive(Debug, Default)]
struct Shape {
    /// A JSON pointer. Without one, the whole answer is the key.
    key: Option<String>,
    expiry: Option<ExpiryAt>,
}

/// A JSON pointer to the expiry.
#[derive(Debug)]
enum ExpiryAt {
    Lifetime(String),
    Moment(String),
}

struct NestedHeader {
    name: HeaderName,
    prefix: &'static [u8],
    secret: NestedSecret,
}

impl HttpSource {
    /// Creates a source that asks this endpoint with GET.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SourceErrorKind::Invalid`] if this is no URL of `https`, nor of
    /// `http` to a loopback address. [`Endpoint::cleartext`] allows others.
    ///
    /// [`SourceErrorKind::Invalid`]: crate::source::SourceErrorKind::Invalid
    pub fn new<E>(endpoint: E) -> Result<Self, SourceError>
    where
        E: TryInto<Endpoint, Error: Into<SourceError>>,
    {
        Ok(Self {
            endpoint: endpoint.try_into().map_err(Into::into)?,
            client: HttpClient::default(),
            fixed: HeaderMap::new(),
            nested: Vec::new(),
            shape: Shape::default(),
            poll: None,
            check: KeyCheck::On,
        })
    }

    /// Sets the client. Defaults to [`HttpClient::default`].
    pub fn client(mut self, client: HttpClient) -> Self {
        self.client = client;
        self
    }

    /// Sets where the key is in a JSON answer: a JSON pointer ([RFC 6901]) to text. Defaults to the
    /// whole answer, without ASCII white space and byte order marks at both ends.
    ///
    /// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
    pub fn pointer(mut self, pointer: impl Into<String>) -> Self {
        self.shape.key = Some(pointer.into());
        self
    }

    /// Sets where the key's lifetime is in a JSON answer: a JSON pointer to a number of seconds.
    /// Defaults to none.
    ///
    /// An answer without it has a key without an expiry.
    pub fn expires_in(mut self, pointer: impl Into<String>) -> Self {
        self.shape.expiry = Some(ExpiryAt::Lifetime(pointer.into()));
        self
    }

    /// Sets where the time of the key's expiry is in a JSON answer: a JSON pointer to a time in
    /// RFC 3339, or to seconds since 1970. Defaults to none.
    ///
    /// An answer without it has a key without an expiry.
    pub fn expires_at(mut self, pointer: impl Into<String>) -> Self {
        self.shape.expiry = Some(ExpiryAt::Moment(pointer.into()));
        self
    }

    /// Adds a header to each request. The value counts as a secret.
    pub fn header(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        self.fixed.append(name, value);
        self
    }

    /// Adds a header whose value comes from another source.
    ///
    /// That source is asked before each request, or ahead of the value's expiry if it has one. It
    /// is asked again after the endpoint answered 401 or 403. While it fails, its last good value
    /// stays in use.
    pub fn header_from(self, name: HeaderName, source: impl Source<Value = Secret>) -> Self {
        self.nested(name, b"", source)
    }

    /// Adds `Authorization: Bearer <secret>`, whose secret comes from another source, as
    /// [`header_from`](Self::header_from) does.
    pub fn bearer(self, source: impl Source<Value = Secret>) -> Self {
        self.nested(AUTHORIZATION, b"Bearer ", source)
    }

    fn nested(
        mut self,
        name: HeaderName,
        prefix: &'static [u8],
        source: impl Source<Value = Secret>,
    ) -> Self {
        self.nested.push(NestedHeader {
            name,
            prefix,
            secret: NestedSecret::new(source),
        });
        self
    }

    /// Accepts any value, such as JSON that `map` takes apart. Defaults to refusing what programs
    /// leave in place of a key: words such as `null`, a key in quotes, JSON, and `NAME=value`. A
    /// key set is never checked this way.
    pub const fn allow_any_content(mut self) -> Self {
        self.check = KeyCheck::Off;
        self
    }

    /// Sets how often the endpoint is asked at least. Defaults to ahead of the key's expiry, or
    /// every 60 s if it has none.
    pub const fn poll(mut self, poll: Duration) -> Self {
        self.poll = Some(poll);
        self
    }

    async fn request(
        &mut self,
        revision: Option<&Revision>,
    ) -> Result<Request<RequestBody>, SourceError> {
        let mut request = Request::new(RequestBody::default());
        *request.uri_mut() = self.endpoint.uri().clone();
        let headers = request.headers_mut();
        headers.clone_from(&self.fixed);
        for NestedHeader {
            name,
            prefix,
            secret,
        } in &mut self.nested
        {
            let value = header_value(prefix, secret.secret().await?)?;
            headers.insert(&*name, value);
        }
        let etag = revision.and_then(|revision| HeaderValue::from_bytes(revision.as_bytes()).ok());
        if let Some(etag) = etag {
            headers.insert(IF_NONE_MATCH, etag);
        }
        Ok(request)
    }
}

/// Returns the value of a header that holds a secret.
pub(crate) fn header_value(prefix: &[u8], secret: &Secret) -> Result<HeaderValue, SourceError> {
    let secret = key::parse(secret).map_err(|invalid| {
        SourceError::invalid(format!(
            "the secret for the endpoint is not usable: {invalid}"
        ))
    })?;
    let value = Zeroizing::new([prefix, secret].concat());
    let value = HeaderValue::from_maybe_shared(bytes::Bytes::from_owner(value));
    // Visible ASCII is always a value; the error is only there for the type.
    let mut value = value.map_err(|_| SourceError::invalid("the secret is not usable"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl Shape {
    /// Finds the key in an answer.
    fn find(&self, body: &[u8]) -> Result<Fetched<Secret>, SourceError> {
        let pointed = self.key.is_some() || self.expiry.is_some();
        let json = pointed.then(|| Json::parse(body));
        let json = match json {
            Some(None) => return Err(SourceError::invalid("the endpoint answered with no JSON")),
            Some(json) => json,
            None => None,
        };
        let key = match (&self.key, &json) {
            (Some(pointer), Some(json)) => json.secret_at(pointer).ok_or_else(|| {
                SourceError::invalid(format!("the endpoint's JSON has no text at {pointer:?}"))
            })?,
            _ => match key::trim(body) {
                b"" => return Err(SourceError::invalid("the endpoint answered with nothing")),
                key => Secret::from(key),
            },
        };
        let fetched = Fetched::new(key);
        let found = |pointer: &str| json.as_ref().and_then(|json| json.at(pointer));
        let expiry = match &self.expiry {
            Some(ExpiryAt::Lifetime(pointer)) => found(pointer).map(json::lifetime),
            Some(ExpiryAt::Moment(pointer)) => found(pointer).map(json::moment),
            None => None,
        };
        Ok(match expiry.transpose()? {
            Some(expiry) => fetched.expires(expiry),
            None => fetched,
        })
    }
}

/// Returns the revision of an answer with a strong `ETag`. Equal weak ones do not mean equal bytes.
fn revision(answer: &Answer) -> Option<Revision> {
    let etag = answer.headers.get(ETAG)?.as_bytes();
    etag.starts_with(b"\"").then(|| Revision::new(etag))
}

impl Source for HttpSource {
    type Value = Secret;

    async fn fetch(&mut self, request: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        let (asked_with, purpose) = (request.revision, request.purpose);
        let request = self.request(asked_with).await?;
        let answer = self.client.send(request).await?;
        if answer.status == StatusCode::NOT_MODIFIED && asked_with.is_some() {
            return Ok(Fetched::unchanged());
        }
        if !answer.status.is_success() {
            if is_rejection(answer.status) {
                self.nested
                    .iter_mut()
                    .for_each(|header| header.secret.reject());
            }
            return Err(failure(&self.endpoint, &answer, SystemTime::now()));
        }
        check_encoding(&answer)?;
        let fetched = self.shape.find(&answer.body)?;
        let fetched = self
            .check
            .check_fetched(fetched, purpose, "the endpoint answered with")?;
        Ok(match revision(&answer) {
            Some(revision) => fetched.revision(revision),
            None => fetched,
        })
    }

    async fn changed(&mut self) {
        type Hint<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
        let hints = self.nested.iter_mut();
        let hints: Vec<Hint<'_>> = hints
            .map(|header| Box::pin(header.secret.changed()) as Hint<'_>)
            .collect();
        match hints.is_empty() {
            true => pending().await,
            false => drop(select_all(hints).await),
        }
    }

    fn refresh_interval(&self) -> RefreshInterval {
        RefreshInterval {
            poll: self.poll,
            ..RefreshInterval::default()
        }
    }
}

impl fmt::Debug for HttpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSource")
            .field("endpoint", &self.endpoint)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Expiry, SourceErrorKind};

    fn shape(key: Option<&str>, expiry: Option<ExpiryAt>) -> Shape {
        Shape {
            key: key.map(str::to_owned),
            expiry,
        }
    }

    #[test]
    fn key_and_expiry_are_found_by_pointer() {
        let body = br#"{"data":{"key":" sk-1 "},"ttl":60,"until":"2026-11-28T00:00:00Z"}"#;
        let lifetime = ExpiryAt::Lifetime("/ttl".into());
        let moment = ExpiryAt::Moment("/until".into());
        let absent = ExpiryAt::Moment("/none".into());
        for (expiry, is_expected) in [
            (Some(lifetime), Some(true)),
            (Some(moment), Some(false)),
            (Some(absent), None),
            (None, None),
        ] {
            match shape(Some("/data/key"), expiry).find(body) {
                Ok(Fetched::Value {
                    value, expires_at, ..
                }) => {
                    assert_eq!(value.expose_secret(), b"sk-1");
                    let is_lifetime = expires_at.map(|at| matches!(at, Expiry::In(_)));
                    assert_eq!(is_lifetime, is_expected);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn answer_without_the_key_is_invalid() {
        let invalid = |shape: Shape, body: &[u8]| {
            let error = shape.find(body).unwrap_err();
            assert_eq!(error.kind(), SourceErrorKind::Invalid);
            assert!(!error.to_string().contains("sk-"), "{error}");
        };
        for body in ["", "{", "<html>sk-1", "[]", r#"{"key":7}"#, r#"{"key":""}"#] {
            invalid(shape(Some("/key"), None), body.as_bytes());
        }
        invalid(shape(None, None), b" \n");
        for ttl in ["0", "-1", "true", r#""sk-1""#] {
            let body = format!(r#"{{"key":"sk-1","ttl":{ttl}}}"#);
            let expiry = ExpiryAt::Lifetime("/ttl".into());
            invalid(shape(Some("/key"), Some(expiry)), body.as_bytes());
        }
    }
}
