//! The requests of one connection: counted while they are open, and told apart by how they end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;
use tower_rotating_auth::inbound::{ClientCertificate, PeerAddr};

use super::activity::Activity;
use super::app::App;
use super::limits::Discard;
use super::stalls;
use crate::gateway::access::Record;
use crate::gateway::handler::Answering;

/// An upload that hyper reads and drops by itself if it has arrived, so that the connection goes
/// on.
const SMALL: u64 = 8 * 1024;

/// So many requests that are refused in a row end their connection. Otherwise a client without a
/// key could keep the gateway busy by a pipeline of thousands.
const REFUSALS: usize = 16;

/// The facts of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) address: SocketAddr,
    pub(super) certificate: Option<ClientCertificate>,
}

impl Origin {
    pub(super) const fn cleartext(address: SocketAddr) -> Self {
        Self {
            address,
            certificate: None,
        }
    }
}

/// Passes the requests of a connection to the application.
#[derive(Clone)]
pub(super) struct Requests {
    pub(super) app: App,
    pub(super) activity: Arc<Activity>,
    pub(super) origin: Origin,
    pub(super) discard: Discard,
    pub(super) tunnels: watch::Sender<()>,
}

/// The connection that a request for another protocol came on, in its extensions.
#[derive(Clone, Debug)]
pub(crate) struct Tunnels {
    activity: Arc<Activity>,
    is_multiplexed: bool,
    ended: watch::Receiver<()>,
}

/// A use of a connection by another protocol. The connection lives on until this is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    _open: Open,
    ended: watch::Receiver<()>,
}

impl Tunnels {
    pub(crate) fn hold(&self) -> Hold {
        Hold {
            // The client may end its half, and the other protocol learns of it.
            _open: Open::new(&self.activity, self.is_multiplexed, true),
            ended: self.ended.clone(),
        }
    }
}

impl Hold {
    /// Waits until the server gives the connection up.
    pub(crate) async fn ended(mut self) {
        while self.ended.changed().await.is_ok() {}
    }
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = AnswerFuture;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let is_multiplexed = request.version() >= Version::HTTP_2;
        let is_uploading = !request.body().is_end_stream();
        let open = Open::new(&self.activity, is_multiplexed, is_uploading);
        let upload = is_uploading.then(|| Upload::new(&self.activity));
        let is_small = request
            .body()
            .size_hint()
            .upper()
            .is_some_and(|n| n <= SMALL);
        let discard = is_multiplexed.then_some(self.discard);
        let mut request = request.map(|body| match upload.clone() {
            Some(upload) => Body::new(Watched {
                body: Some(body),
                upload,
                discard,
            }),
            None => Body::empty(),
        });
        let (origin, extensions) = (self.origin, request.extensions_mut());
        extensions.insert(PeerAddr(origin.address));
        if let Some(certificate) = origin.certificate {
            extensions.insert(certificate);
        }
        let asks_for_another =
            request.method() == Method::CONNECT || request.headers().contains_key(UPGRADE);
        if asks_for_another {
            request.extensions_mut().insert(Tunnels {
                activity: Arc::clone(&self.activity),
                is_multiplexed,
                ended: self.tunnels.subscribe(),
            });
        }
        AnswerFuture {
            answering: self.app.answer(request),
            open: Some(open),
            upload,
            is_multiplexed,
            is_small,
        }
    }
}

/// A response that is on its way to its connection.
pub(super) struct AnswerFuture {
    answering: Answering,
    /// Taken by the response.
    open: Option<Open>,
    upload: Option<Upload>,
    is_multiplexed: bool,
    is_small: bool,
}

impl Future for AnswerFuture {
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = ready!(self.answering.as_mut().poll(cx));
        let open = self.open.take();
        if let Some(Open(activity)) = &open {
            let is_refused = response.status() == StatusCode::UNAUTHORIZED;
            let is_tiresome = activity.count_refusals(is_refused) >= REFUSALS;
            let is_unread = self.upload.as_ref().is_some_and(|upload| !upload.is_read());
            if !self.is_multiplexed && (is_unread || is_tiresome) {
                activity.answer_early();
            }
            if !self.is_multiplexed && ((is_unread && !self.is_small) || is_tiresome) {
                // Otherwise a client that sends on finds the connection reset, and no answer.
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
        }
        stalls::handed_over();
        let record = response.extensions_mut().remove();
        Poll::Ready(Ok(response.map(|body| Answer {
            body,
            _open: open,
            _record: record,
        })))
    }
}

/// An open request of a connection.
#[derive(Debug)]
struct Open(Arc<Activity>);

impl Open {
    fn new(activity: &Arc<Activity>, is_multiplexed: bool, is_uploading: bool) -> Self {
        activity.begin_request(is_multiplexed, is_uploading);
        Self(Arc::clone(activity))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.end_request(Instant::now());
    }
}

/// The progress of reading a request body that is not empty.
#[derive(Clone, Debug)]
struct Upload {
    is_read: Arc<AtomicBool>,
    activity: Arc<Activity>,
}

impl Upload {
    fn new(activity: &Arc<Activity>) -> Self {
        Self {
            is_read: Arc::new(AtomicBool::new(false)),
            activity: Arc::clone(activity),
        }
    }

    fn is_read(&self) -> bool {
        self.is_read.load(Ordering::Relaxed)
    }

    fn note_end(&self) {
        self.is_read.store(true, Ordering::Relaxed);
        self.activity.end_upload();
    }
}

/// A request body. An upload over HTTP/2 that nobody reads to its end is read on when this is
/// dropped: its stream would be reset otherwise, and some clients miss the answer for the reset.
#[derive(Debug)]
struct Watched {
    /// Missing only while this is dropped.
    body: Option<Incoming>,
    upload: Upload,
    /// How far to read on. Over HTTP/1.1, the connection does that by itself.
    discard: Option<Discard>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
        if frame.is_none() || body.is_end_stream() {
            self.upload.note_end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let body = self.body.take().filter(|_| !self.upload.is_read());
        // Without a runtime, the connection has ended.
        if let (Some(body), Some(discard), Ok(runtime)) =
            (body, self.discard, Handle::try_current())
        {
            runtime.spawn(discard.read_on(body));
        }
    }
}

/// A response body, which ends its request.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    _open: Option<Open>,
    /// Written when the response has ended.
    _record: Option<Record>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        stalls::asked();
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        stalls::handed_over();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
