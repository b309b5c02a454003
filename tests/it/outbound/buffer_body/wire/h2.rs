//! An HTTP/2 server, made of hyper.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tower::BoxError;

use super::server::{After, Arrived, End, Heard, NEW, OLD, Script, WORDS};

/// The limit of streams, low enough that a few leaked ones block the client.
const STREAMS: u32 = 50;

pub(super) async fn serve(
    stream: TcpStream,
    script: Script,
    tell: &mpsc::UnboundedSender<Heard>,
    reset: Arc<Notify>,
) {
    let service = service_fn(|request| {
        let (tell, reset) = (tell.clone(), Arc::clone(&reset));
        answer(request, script, tell, reset)
    });
    let mut connection = http2::Builder::new(TokioExecutor::new());
    connection.max_concurrent_streams(STREAMS);
    // An error means that the client closed the connection, which the script records.
    let _ = connection
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    script: Script,
    tell: mpsc::UnboundedSender<Heard>,
    reset: Arc<Notify>,
) -> Result<Response<impl Body<Data = Bytes, Error = BoxError>>, Infallible> {
    let (head, mut body) = request.into_parts();
    let mut request = Arrived::of(head.headers);
    if request.is_keyed_with(NEW) {
        let _ = tell.send(Heard::Began);
        read_all(&mut request, &mut body).await;
        let _ = tell.send(Heard::Arrived(request.into()));
        return Ok(Response::new(words("", None)));
    }
    assert!(request.is_keyed_with(OLD));
    while script.reads.more_than(request.body.len()) {
        if !read(&mut request, &mut body).await {
            break;
        }
    }
    let answer = match script.after {
        After::Closes => {
            let _ = tell.send(Heard::Arrived(request.into()));
            words(WORDS, None)
        }
        After::Resets => {
            let _ = tell.send(Heard::Arrived(request.into()));
            words(WORDS, Some(reset))
        }
        After::Lingers => {
            tokio::spawn(async move {
                read_all(&mut request, &mut body).await;
                let _ = tell.send(Heard::Arrived(request.into()));
            });
            words(WORDS, None)
        }
    };
    let answer = Response::builder()
        .status(StatusCode::UNAUTHORIZED)
        .body(answer);
    Ok(answer.unwrap())
}

/// A response body that ends, or fails on demand. It sends no empty pieces, since h2 counts them as
/// abuse.
fn words(
    text: &'static str,
    fails: Option<Arc<Notify>>,
) -> impl Body<Data = Bytes, Error = BoxError> {
    let text = (!text.is_empty()).then(|| Ok(Frame::data(Bytes::from(text))));
    let text = stream::iter(text);
    let failure = stream::iter(fails).then(async |when| {
        when.notified().await;
        Err("the stream is reset".into())
    });
    StreamBody::new(text.chain(failure))
}

async fn read_all(request: &mut Arrived, body: &mut Incoming) {
    while read(request, body).await {}
}

/// Reads some of a body. Returns `false` at its end.
async fn read(request: &mut Arrived, body: &mut Incoming) -> bool {
    match body.frame().await {
        Some(Ok(frame)) => {
            match frame.into_data() {
                Ok(data) => request.body.extend_from_slice(&data),
                Err(frame) => request.trailers = frame.into_trailers().ok(),
            }
            true
        }
        Some(Err(_)) => false,
        None => {
            request.end = End::Whole;
            false
        }
    }
}
