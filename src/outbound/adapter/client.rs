//! An adapter made of functions that a client's types have.

use std::fmt;
use std::slice::from_ref;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Extensions, Method, StatusCode};

use super::classify::{ClassifyRejection, Verdict};
use super::rejection::Rejection;
use super::request::{Kept, RequestAdapter};
use super::saved_head::request_id;
use super::target::{Host, MethodKind, Target};
use crate::outbound::credential::AuthScheme;
use crate::outbound::event::RequestInfo;
use crate::outbound::header;
use crate::outbound::outcome::Outcome;
use crate::syntax::header_name::remove_variables;
use crate::telemetry;

/// An adapter for a client whose requests are not `http::Request`, made of a few functions.
///
/// The functions are paths to methods that the client's types have, or closures. The adapter names
/// none of these types, so it fits every version of them.
///
/// # Examples
///
/// ```
/// use reqwest::{Client, Request, Response};
/// use tower::Layer;
/// use tower_rotating_auth::{
///     Secret,
///     outbound::{RotatingCredential, Credential, InjectKeyLayer},
///     outbound::adapter::ClientAdapter,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use http::{HeaderMap, HeaderValue};
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("http://{}/v1/models", listener.local_addr()?);
/// # let echo = |headers: HeaderMap| async move { headers["authorization"].to_str().unwrap().to_owned() };
/// # let app = axum::Router::new().route("/v1/models", axum::routing::get(echo));
/// # tokio::spawn(async move { axum::serve(listener, app).await });
/// let (key, _publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
/// let adapter = ClientAdapter::new(Request::url, Request::headers_mut, Request::try_clone)
///     .method(Request::method)
///     .head(Response::status, Response::headers)
///     .extensions(Response::extensions_mut);
/// let reqwest = Client::new();
/// let client = InjectKeyLayer::new(&url, key)?.adapter(adapter).layer(reqwest.clone());
///
/// let response = client.oneshot(reqwest.get(&url).build()?).await?;
/// assert_eq!(response.text().await?, "Bearer sk-1");
/// # Ok(())
/// # }
/// ```
///
/// # Redirects
///
/// reqwest follows redirects itself, and carries a header such as `x-api-key` to wherever they
/// lead. Disable them with `reqwest::redirect::Policy::none()`. See
/// [`InjectKeyLayer`](crate::outbound::InjectKeyLayer#redirects).
#[must_use]
pub struct ClientAdapter<Req, A = ()> {
    requests: Arc<Requests<Req>>,
    method: Option<Arc<MethodOf<Req>>>,
    answers: A,
}

struct Requests<Req> {
    target: Box<TargetOf<Req>>,
    has_header: Box<HasHeader<Req>>,
    remove_header: Box<RemoveHeader<Req>>,
    set_header: Box<SetHeader<Req>>,
    request_id: Box<RequestId<Req>>,
    try_clone: Box<TryClone<Req>>,
}

/// The rules by which a [`ClientAdapter`] classifies answers.
///
/// Made by [`ClientAdapter::head`], [`ClientAdapter::status`] and [`ClientAdapter::rejects`].
pub struct ResponseAdapter<Res, Err> {
    classify: Arc<Classify<Res, Err>>,
    inconclusive: Vec<Arc<Rule<Res, Err>>>,
    record: Option<Arc<RecordOutcome<Res>>>,
}

type TargetOf<Req> = dyn Fn(&mut Req) -> Target<'_> + Send + Sync;
type MethodOf<Req> = dyn for<'r> Fn(&'r Req) -> &'r str + Send + Sync;
type HasHeader<Req> = dyn Fn(&mut Req, &HeaderName) -> bool + Send + Sync;
type RemoveHeader<Req> = dyn Fn(&mut Req, &HeaderName) + Send + Sync;
type SetHeader<Req> = dyn Fn(&mut Req, &HeaderName, HeaderValue) + Send + Sync;
type RequestId<Req> = dyn Fn(&mut Req) -> Option<HeaderValue> + Send + Sync;
type TryClone<Req> = dyn Fn(&Req) -> Option<Req> + Send + Sync;
type Classify<Res, Err> = dyn Fn(&Result<Res, Err>, Option<&AuthScheme>) -> Verdict + Send + Sync;
type Rule<Res, Err> = dyn Fn(&Result<Res, Err>) -> bool + Send + Sync;
type RecordOutcome<Res> = dyn Fn(&mut Res, Outcome) + Send + Sync;

impl<Req> ClientAdapter<Req> {
    /// Creates an adapter from functions such as `Request::url`, `Request::headers_mut` and
    /// `Request::try_clone`.
    ///
    /// `try_clone` returns `None` for a request that can be sent only once. The replay has whatever
    /// the clone keeps of the request, such as its timeout.
    pub fn new<U: AsRef<str> + ?Sized + 'static>(
        url: impl Fn(&Req) -> &U + Send + Sync + 'static,
        headers_mut: impl Fn(&mut Req) -> &mut HeaderMap + Clone + Send + Sync + 'static,
        try_clone: impl Fn(&Req) -> Option<Req> + Send + Sync + 'static,
    ) -> Self {
        let [shows_host, shows, removes, has_id] = std::array::from_fn(|_| headers_mut.clone());
        Self::from_parts(Requests {
            target: Box::new(move |request| {
                let host = Host::of(shows_host(request)).into_owned();
                Target::from_url(url(request).as_ref()).with_host_headers(host)
            }),
            has_header: Box::new(move |request, name| shows(request).contains_key(name)),
            remove_header: Box::new(move |request, name| {
                remove_variables(removes(request), from_ref(name));
            }),
            set_header: Box::new(move |request, name, value| {
                header::set(headers_mut(request), name, value);
            }),
            request_id: Box::new(move |request| request_id(has_id(request))),
            try_clone: Box::new(try_clone),
        })
    }

    /// Creates an adapter for a client that takes a factory, which builds a new request for each
    /// attempt.
    ///
    /// `with_header` returns a factory of the same requests with that header, in place of any of
    /// that name. A factory does not show where its requests go, so set that with
    /// [`InjectKeyLayer::assume_origin`](crate::outbound::InjectKeyLayer::assume_origin).
    ///
    /// A factory shows no method and no headers, either. The key goes on TRACE and CONNECT
    /// requests, and on those whose `Host` names another host. A header of the key's name never
    /// keeps the key off, and nothing else that the caller has set is removed.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{HeaderName, HeaderValue};
    /// use tower_rotating_auth::outbound::adapter::ClientAdapter;
    ///
    /// /// Builds requests, as `async_openai`'s `HttpRequestFactory` does.
    /// #[derive(Clone)]
    /// struct Factory(std::sync::Arc<dyn Fn() -> http::Request<String> + Send + Sync>);
    ///
    /// let adapter = ClientAdapter::for_factory(|factory: &Factory, name: HeaderName, value: HeaderValue| {
    ///     let factory = factory.clone();
    ///     Factory(std::sync::Arc::new(move || {
    ///         let mut request = (factory.0)();
    ///         request.headers_mut().insert(&name, value.clone());
    ///         request
    ///     }))
    /// });
    /// # drop(adapter);
    /// ```
    pub fn for_factory(
        with_header: impl Fn(&Req, HeaderName, HeaderValue) -> Req + Send + Sync + 'static,
    ) -> Self
    where
        Req: Clone,
    {
        Self::from_parts(Requests {
            target: Box::new(|_| Target::unknown()),
            has_header: Box::new(|_, _| false),
            remove_header: Box::new(|_, _| {}),
            set_header: Box::new(move |factory, name, value| {
                *factory = with_header(factory, name.clone(), value);
            }),
            request_id: Box::new(|_| None),
            try_clone: Box::new(|factory| Some(factory.clone())),
        })
    }

    fn from_parts(requests: Requests<Req>) -> Self {
        Self {
            requests: Arc::new(requests),
            method: None,
            answers: (),
        }
    }

    /// Classifies answers by their status and their headers, as [`Rejection`] describes. An error
    /// is inconclusive.
    pub fn head<Res, Err>(
        self,
        status: impl Fn(&Res) -> StatusCode + Send + Sync + 'static,
        headers: impl Fn(&Res) -> &HeaderMap + Send + Sync + 'static,
    ) -> ClientAdapter<Req, ResponseAdapter<Res, Err>> {
        let rejection = Rejection::default();
        self.classify(move |answer: &Result<Res, Err>, scheme| {
            answer.as_ref().map_or(Verdict::Inconclusive, |answer| {
                rejection.classify(status(answer), headers(answer), scheme)
            })
        })
    }

    /// Classifies answers by their status alone, for clients that do not show their headers: each
    /// `401 Unauthorized` is a rejection. An error is inconclusive.
    pub fn status<Res, Err>(
        self,
        status: impl Fn(&Res) -> StatusCode + Send + Sync + 'static,
    ) -> ClientAdapter<Req, ResponseAdapter<Res, Err>> {
        let rejection = Rejection::default();
        self.classify(move |answer: &Result<Res, Err>, scheme| {
            answer.as_ref().map_or(Verdict::Inconclusive, |answer| {
                rejection.classify(status(answer), &HeaderMap::new(), scheme)
            })
        })
    }

    /// Classifies answers by a rule over the whole result.
    ///
    /// Use this for clients that report a rejection as an error, and for answers without a status.
    /// Each other `Ok` proves the key, unless [`inconclusive_if`](ClientAdapter::inconclusive_if)
    /// says otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::HeaderMap;
    /// use tower_rotating_auth::outbound::adapter::ClientAdapter;
    ///
    /// #[derive(Clone)]
    /// struct Question {
    ///     url: String,
    ///     headers: HeaderMap,
    /// }
    /// enum Failed {
    ///     Unauthorized,
    ///     Other(String),
    /// }
    ///
    /// let adapter = ClientAdapter::new(
    ///     |question: &Question| &question.url,
    ///     |question| &mut question.headers,
    ///     |question| Some(question.clone()),
    /// )
    /// .rejects(|answer: &Result<String, Failed>| matches!(answer, Err(Failed::Unauthorized)));
    /// # drop((adapter, Failed::Other(String::new())));
    /// ```
    pub fn rejects<Res, Err>(
        self,
        rule: impl Fn(&Result<Res, Err>) -> bool + Send + Sync + 'static,
    ) -> ClientAdapter<Req, ResponseAdapter<Res, Err>> {
        self.classify(move |answer: &Result<Res, Err>, _| match answer {
            _ if rule(answer) => Verdict::Rejected,
            Ok(_) => Verdict::Accepted,
            Err(_) => Verdict::Inconclusive,
        })
    }

    fn classify<Res, Err>(
        self,
        rule: impl Fn(&Result<Res, Err>, Option<&AuthScheme>) -> Verdict + Send + Sync + 'static,
    ) -> ClientAdapter<Req, ResponseAdapter<Res, Err>> {
        ClientAdapter {
            requests: self.requests,
            method: self.method,
            answers: ResponseAdapter {
                classify: Arc::new(rule),
                inconclusive: Vec::new(),
                record: None,
            },
        }
    }
}

impl<Req, Res, Err> ClientAdapter<Req, ResponseAdapter<Res, Err>> {
    /// Counts answers for which `rule` returns `true` as inconclusive: they neither reject the key
    /// nor prove it.
    ///
    /// Goes before everything else. If there are several rules, each of them counts.
    ///
    /// # Examples
    ///
    /// ```
    /// use reqwest::{Error, Request, Response};
    /// use tower_rotating_auth::outbound::adapter::ClientAdapter;
    ///
    /// let adapter = ClientAdapter::new(Request::url, Request::headers_mut, Request::try_clone)
    ///     .head(Response::status, Response::headers)
    ///     // The firewall's answers are not about the key.
    ///     .inconclusive_if(|answer: &Result<Response, Error>| {
    ///         answer.as_ref().is_ok_and(|response| response.headers().contains_key("x-firewall"))
    ///     });
    /// # drop(adapter);
    /// ```
    pub fn inconclusive_if(
        mut self,
        rule: impl Fn(&Result<Res, Err>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.answers.inconclusive.push(Arc::new(rule));
        self
    }

    /// Records the [`Outcome`] of a rejection in the extensions of the response.
    pub fn extensions(
        mut self,
        extensions_mut: impl Fn(&mut Res) -> &mut Extensions + Send + Sync + 'static,
    ) -> Self {
        let record = move |answer: &mut Res, outcome| {
            extensions_mut(answer).insert(outcome);
        };
        self.answers.record = Some(Arc::new(record));
        self
    }
}

impl<Req, A> ClientAdapter<Req, A> {
    /// Keeps the key off TRACE and CONNECT requests, as told by a function such as
    /// `Request::method`. Events then name the method.
    ///
    /// Without it, the adapter does not know the method, and they get the key. With it, an extended
    /// CONNECT gets no key, either. See [`Target::with_method`].
    ///
    /// # Examples
    ///
    /// ```
    /// use reqwest::{Method, Request};
    /// use tower_rotating_auth::outbound::adapter::{ClientAdapter, RequestAdapter, Target};
    ///
    /// let adapter = ClientAdapter::new(Request::url, Request::headers_mut, Request::try_clone)
    ///     .method(Request::method);
    /// let url = "https://api.example.com/";
    /// let mut request = Request::new(Method::TRACE, url.parse().unwrap());
    /// assert_eq!(
    ///     adapter.target(&mut request),
    ///     Target::from_url(url).with_method(Method::TRACE)
    /// );
    /// ```
    pub fn method<M: AsRef<str> + ?Sized + 'static>(
        mut self,
        method: impl Fn(&Req) -> &M + Send + Sync + 'static,
    ) -> Self {
        let text: Box<MethodOf<Req>> = Box::new(move |request| method(request).as_ref());
        self.method = Some(text.into());
        self
    }
}

impl<Req, A> RequestAdapter<Req> for ClientAdapter<Req, A> {
    type Sent = Req;
    type Saved = Req;

    fn target<'a>(&self, request: &'a mut Req) -> Target<'a> {
        let kind = (self.method.as_ref()).map(|method| MethodKind::of(method(request)));
        let target = (self.requests.target)(request);
        match kind {
            Some(kind) => target.with_method_kind(kind),
            None => target,
        }
    }

    fn has_header(&self, request: &mut Req, name: &HeaderName) -> bool {
        (self.requests.has_header)(request, name)
    }

    fn remove_header(&self, request: &mut Req, name: &HeaderName) {
        (self.requests.remove_header)(request, name);
    }

    fn pass(&self, request: Req) -> Req {
        request
    }

    fn save(&self, mut request: Req) -> (Req, Kept<Req>) {
        let kept = match (self.requests.try_clone)(&request) {
            Some(saved) => Kept::ForReplay(saved),
            None => Kept::ForEvents(self.info(&mut request)),
        };
        (request, kept)
    }

    fn resend(&self, saved: Req) -> Option<Req> {
        Some(saved)
    }

    fn resend_again(&self, saved: Req) -> Option<(Req, Option<Req>)> {
        let again = (self.requests.try_clone)(&saved);
        Some((saved, again))
    }

    fn set_header(&self, request: &mut Req, name: &HeaderName, value: HeaderValue) {
        (self.requests.set_header)(request, name, value);
    }

    fn info(&self, request: &mut Req) -> RequestInfo {
        let method = self.method.as_ref().map(|method| method(request));
        RequestInfo {
            method: method
                .and_then(|method| Method::from_bytes(method.as_bytes()).ok())
                .map(|method| telemetry::method(&method)),
            request_id: (self.requests.request_id)(request),
            ..RequestInfo::default()
        }
    }
}

impl<Req, Res, Err> ClassifyRejection<Res, Err> for ClientAdapter<Req, ResponseAdapter<Res, Err>> {
    fn classify(&self, answer: &Result<Res, Err>, scheme: Option<&AuthScheme>) -> Verdict {
        let mut inconclusive = self.answers.inconclusive.iter();
        if inconclusive.any(|rule| rule(answer)) {
            return Verdict::Inconclusive;
        }
        (self.answers.classify)(answer, scheme)
    }

    fn record_outcome(&self, answer: &mut Res, outcome: Outcome) {
        if let Some(record) = &self.answers.record {
            record(answer, outcome);
        }
    }
}

impl<Req, A: Clone> Clone for ClientAdapter<Req, A> {
    fn clone(&self) -> Self {
        Self {
            requests: Arc::clone(&self.requests),
            method: self.method.clone(),
            answers: self.answers.clone(),
        }
    }
}

impl<Res, Err> Clone for ResponseAdapter<Res, Err> {
    fn clone(&self) -> Self {
        Self {
            classify: Arc::clone(&self.classify),
            inconclusive: self.inconclusive.clone(),
            record: self.record.clone(),
        }
    }
}

impl<Req, A> fmt::Debug for ClientAdapter<Req, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAdapter").finish_non_exhaustive()
    }
}

impl<Res, Err> fmt::Debug for ResponseAdapter<Res, Err> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseAdapter").finish_non_exhaustive()
    }
}
