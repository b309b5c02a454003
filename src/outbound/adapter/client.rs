//! A seam that is made of functions which a client's types have already.

use std::fmt;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Extensions, StatusCode};

use super::http::shows_acceptance;
use super::target::Target;
use super::traits::{ClassifyRejection, RequestAdapter};
use crate::outbound::inject_key::Outcome;

/// A seam made of functions, for clients whose requests are not `http::Request`: two or three paths to methods
/// that the client's types have, or closures.
///
/// It names none of the client's types, and so fits any version of any of them.
///
/// ```
/// use reqwest::{Client, Request, Response};
/// use tower::{Layer, ServiceExt};
/// use tower_rotating_auth::{
///     Rotating,
///     Secret,
///     outbound::{Credential, InjectKeyLayer},
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
/// let (key, _publisher) = Rotating::manual(Credential::bearer(&Secret::from("sk-1"))?);
/// let seam = ClientAdapter::new(Request::url, Request::headers_mut, Request::try_clone)
///     .status(Response::status)
///     .notes(Response::extensions_mut);
/// let reqwest = Client::new();
/// let client = InjectKeyLayer::new(&url, key)?.seam(seam).layer(reqwest.clone());
///
/// let response = client.oneshot(reqwest.get(&url).build()?).await?;
/// assert_eq!(response.text().await?, "Bearer sk-1");
/// # Ok(())
/// # }
/// ```
///
/// A client that follows redirects by itself, as reqwest does, carries the key to wherever they lead if its header
/// is not `Authorization`, which nearly all take off: have it follow none (`reqwest::redirect::Policy::none()`).
///
/// A client that tells a rejection as an error says so by [`rejects`](ClientAdapter::rejects); one that takes something which
/// makes requests, instead of a request, by [`of_factory`](ClientAdapter::of_factory).
#[must_use]
pub struct ClientAdapter<Req, A = ()> {
    requests: Arc<Requests<Req>>,
    answers: A,
}

struct Requests<Req> {
    target: Box<TargetOf<Req>>,
    carries: Box<Carries<Req>>,
    set: Box<Set<Req>>,
    try_clone: Box<TryClone<Req>>,
}

/// How a [`ClientAdapter`] reads a client's answers.
pub struct ResponseAdapter<Res, Err> {
    rejects: Arc<Judges<Res, Err>>,
    /// None where nothing but an error shows that nobody took the credential.
    accepts: Option<Arc<Judges<Res, Err>>>,
    note: Option<Arc<Note<Res>>>,
}

type TargetOf<Req> = dyn Fn(&Req) -> Target<'_> + Send + Sync;
type Carries<Req> = dyn Fn(&mut Req, &HeaderName) -> bool + Send + Sync;
type Set<Req> = dyn Fn(&mut Req, &HeaderName, HeaderValue) + Send + Sync;
type TryClone<Req> = dyn Fn(&Req) -> Option<Req> + Send + Sync;
type Judges<Res, Err> = dyn Fn(&Result<Res, Err>) -> bool + Send + Sync;
type Note<Res> = dyn Fn(&mut Res, Outcome) + Send + Sync;

impl<Req> ClientAdapter<Req> {
    /// For requests that show a URL and headers, and that can be copied: `Request::url`, `Request::headers_mut`
    /// and `Request::try_clone`, which returns `None` for a request that can be sent only once.
    ///
    /// What a copy keeps of a request, the second attempt has: the caller's headers, its extensions, its timeout.
    pub fn new<U: AsRef<str> + ?Sized + 'static>(
        url: impl Fn(&Req) -> &U + Send + Sync + 'static,
        headers_mut: impl Fn(&mut Req) -> &mut HeaderMap + Clone + Send + Sync + 'static,
        try_clone: impl Fn(&Req) -> Option<Req> + Send + Sync + 'static,
    ) -> Self {
        let headers = headers_mut.clone();
        Self::made_of(Requests {
            target: Box::new(move |request| Target::url(url(request).as_ref())),
            carries: Box::new(move |request, name| headers(request).contains_key(name)),
            set: Box::new(move |request, name, value| {
                headers_mut(request).insert(name, value);
            }),
            try_clone: Box::new(try_clone),
        })
    }

    /// For what makes a request anew for each attempt and shows nothing of it before: `with_header` returns one that
    /// makes the same requests with that header, in place of any of that name.
    ///
    /// Where the requests go is told by [`InjectKeyLayer::assume_origin`](crate::outbound::InjectKeyLayer::assume_origin): a client with
    /// such factories is one for one server.
    ///
    /// ```
    /// use http::{HeaderName, HeaderValue};
    /// use tower_rotating_auth::outbound::adapter::ClientAdapter;
    ///
    /// /// Makes requests, as `async_openai`'s `HttpRequestFactory` does.
    /// #[derive(Clone)]
    /// struct Factory(std::sync::Arc<dyn Fn() -> http::Request<String> + Send + Sync>);
    ///
    /// let seam = ClientAdapter::of_factory(|factory: &Factory, name: HeaderName, value: HeaderValue| {
    ///     let factory = factory.clone();
    ///     Factory(std::sync::Arc::new(move || {
    ///         let mut request = (factory.0)();
    ///         request.headers_mut().insert(&name, value.clone());
    ///         request
    ///     }))
    /// });
    /// # drop(seam);
    /// ```
    pub fn of_factory(
        with_header: impl Fn(&Req, HeaderName, HeaderValue) -> Req + Send + Sync + 'static,
    ) -> Self
    where
        Req: Clone,
    {
        Self::made_of(Requests {
            target: Box::new(|_| Target::unknown()),
            carries: Box::new(|_, _| false),
            set: Box::new(move |factory, name, value| {
                *factory = with_header(factory, name.clone(), value);
            }),
            try_clone: Box::new(|factory| Some(factory.clone())),
        })
    }

    fn made_of(requests: Requests<Req>) -> Self {
        Self {
            requests: Arc::new(requests),
            answers: (),
        }
    }

    /// For answers that have a status: `401 Unauthorized` is a rejection, and an error is none.
    pub fn status<Res, Err>(
        self,
        status: impl Fn(&Res) -> StatusCode + Send + Sync + 'static,
    ) -> ClientAdapter<Req, ResponseAdapter<Res, Err>> {
        let status = Arc::new(status);
        let status_too = Arc::clone(&status);
        let unauthorized = move |answer: &Res| status(answer) == StatusCode::UNAUTHORIZED;
        let taken = move |answer: &Res| shows_acceptance(status_too(answer));
        let mut seam =
            self.rejects(move |answer: &Result<Res, Err>| answer.as_ref().is_ok_and(&unauthorized));
        let accepts = move |answer: &Result<Res, Err>| answer.as_ref().is_ok_and(&taken);
        seam.answers.accepts = Some(Arc::new(accepts));
        seam
    }

    /// Says which answers are rejections, by a rule that is given the whole of them: for clients that tell a rejection
    /// as an error, and for those whose answers are no responses.
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
    /// let seam = ClientAdapter::new(
    ///     |question: &Question| &question.url,
    ///     |question| &mut question.headers,
    ///     |question| Some(question.clone()),
    /// )
    /// .rejects(|answer: &Result<String, Failed>| matches!(answer, Err(Failed::Unauthorized)));
    /// # drop((seam, Failed::Other(String::new())));
    /// ```
    pub fn rejects<Res, Err>(
        self,
        rule: impl Fn(&Result<Res, Err>) -> bool + Send + Sync + 'static,
    ) -> ClientAdapter<Req, ResponseAdapter<Res, Err>> {
        ClientAdapter {
            requests: self.requests,
            answers: ResponseAdapter {
                rejects: Arc::new(rule),
                accepts: None,
                note: None,
            },
        }
    }
}

impl<Req, Res, Err> ClientAdapter<Req, ResponseAdapter<Res, Err>> {
    /// Puts the [`Outcome`] of a rejection into the extensions of the answer.
    pub fn notes(
        mut self,
        extensions_mut: impl Fn(&mut Res) -> &mut Extensions + Send + Sync + 'static,
    ) -> Self {
        let note = move |answer: &mut Res, outcome| {
            extensions_mut(answer).insert(outcome);
        };
        self.answers.note = Some(Arc::new(note));
        self
    }
}

impl<Req, A> RequestAdapter<Req> for ClientAdapter<Req, A> {
    type Sent = Req;
    type Saved = Req;

    fn target<'a>(&self, request: &'a Req) -> Target<'a> {
        (self.requests.target)(request)
    }

    fn carries(&self, request: &mut Req, name: &HeaderName) -> bool {
        (self.requests.carries)(request, name)
    }

    fn pass(&self, request: Req) -> Req {
        request
    }

    fn save(&self, request: Req) -> (Req, Option<Req>) {
        let saved = (self.requests.try_clone)(&request);
        (request, saved)
    }

    fn resend(&self, saved: Req) -> Option<Req> {
        Some(saved)
    }

    fn set(&self, request: &mut Req, name: &HeaderName, value: HeaderValue) {
        (self.requests.set)(request, name, value);
    }
}

impl<Req, Res, Err> ClassifyRejection<Res, Err> for ClientAdapter<Req, ResponseAdapter<Res, Err>> {
    fn rejects(&self, answer: &Result<Res, Err>) -> bool {
        (self.answers.rejects)(answer)
    }

    fn accepts(&self, answer: &Result<Res, Err>) -> bool {
        match &self.answers.accepts {
            Some(accepts) => accepts(answer),
            None => answer.is_ok(),
        }
    }

    fn note(&self, answer: &mut Res, outcome: Outcome) {
        if let Some(note) = &self.answers.note {
            note(answer, outcome);
        }
    }
}

impl<Req, A: Clone> Clone for ClientAdapter<Req, A> {
    fn clone(&self) -> Self {
        Self {
            requests: Arc::clone(&self.requests),
            answers: self.answers.clone(),
        }
    }
}

impl<Res, Err> Clone for ResponseAdapter<Res, Err> {
    fn clone(&self) -> Self {
        Self {
            rejects: Arc::clone(&self.rejects),
            accepts: self.accepts.clone(),
            note: self.note.clone(),
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
