//! Events and uploads over HTTP/1 and HTTP/2, and a client that does not read.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{any, post};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{StatusCode, Version};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tower_rotating_auth::inbound::{KeyEndedError, KeyStatus, Principal};

use super::{ENDS, End, Guarded, Held, Report, Reports, assert_ended, within};
use crate::inbound::keys::{ADMIN, VALID};

fn client_of(request: &Request) -> String {
    let principal: &Principal = request.extensions().get().unwrap();
    principal.key().unwrap().client().to_string()
}

/// `/events` sends what is broadcast, `/flood` never stops, and `/upload` reads to the end.
fn routes(reports: Reports, events: broadcast::Sender<&'static str>) -> Router {
    let to_upload = reports.clone();
    let to_events = reports.clone();
    let follow = async move |request: Request| {
        let held = Held(client_of(&request), to_events.clone());
        let events = stream::unfold(events.subscribe(), async |mut events| {
            let event = events.recv().await.ok()?;
            Some((Ok::<_, Infallible>(event), events))
        });
        let lines = stream::iter([Ok("hello")]).chain(events).map(move |line| {
            let _held = &held;
            line
        });
        Response::new(Body::from_stream(lines))
    };
    let flood = async move |request: Request| {
        let held = Held(client_of(&request), reports.clone());
        let chunk = Bytes::from(vec![0; 16 * 1024]);
        let chunks = stream::repeat_with(move || {
            let _held = &held;
            Ok::<_, Infallible>(chunk.clone())
        });
        Response::new(Body::from_stream(chunks))
    };
    let upload = async move |request: Request| {
        let client = client_of(&request);
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            let report = match frame {
                Ok(_) => Report::Progress(client.clone()),
                Err(error) => {
                    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
                    let mut ended = None;
                    while let Some(error) = cause {
                        ended = ended.or_else(|| error.downcast_ref().map(KeyEndedError::status));
                        cause = error.source();
                    }
                    to_upload.send(Report::UploadEnded(client, ended)).unwrap();
                    return StatusCode::UNAUTHORIZED;
                }
            };
            to_upload.send(report).unwrap();
        }
        StatusCode::OK
    };
    Router::new()
        .route("/events", any(follow))
        .route("/flood", any(flood))
        .route("/upload", post(upload))
}

type Chunks = StreamBody<UnboundedReceiverStream<Result<Frame<Bytes>, Infallible>>>;
type Chunk = UnboundedSender<Result<Frame<Bytes>, Infallible>>;

fn upload() -> (Chunk, Chunks) {
    let (sender, chunks) = unbounded_channel();
    (
        sender,
        StreamBody::new(UnboundedReceiverStream::new(chunks)),
    )
}

fn chunk(text: &'static str) -> Result<Frame<Bytes>, Infallible> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

async fn send(
    address: SocketAddr,
    version: Version,
    token: &'static str,
    path: &'static str,
    body: Chunks,
) -> hyper::Result<http::Response<Incoming>> {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let request = http::Request::post(format!("http://{address}{path}"))
        .header("host", address.to_string())
        .header("authorization", format!("Bearer {token}"))
        .body(body)
        .unwrap();
    if version == Version::HTTP_11 {
        let (mut sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(connection);
        sender.send_request(request).await
    } else {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        if path == "/flood" {
            // The client never reads, so nobody ever polls the body.
            builder.initial_stream_window_size(0);
        }
        let (mut sender, connection) = builder.handshake(stream).await?;
        tokio::spawn(connection);
        sender.send_request(request).await
    }
}

fn nothing() -> Chunks {
    upload().1
}

async fn text(body: &mut Incoming) -> Option<Bytes> {
    let frame = within(body.frame()).await?;
    frame.ok().map(|frame| frame.into_data().unwrap())
}

#[tokio::test]
async fn events_end_with_key_over_sockets() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        for end in ENDS {
            let (events, _kept) = broadcast::channel(4);
            let mut guarded = Guarded::start(|reports| routes(reports, events.clone())).await;
            let open = async |token| {
                let answer = send(guarded.address, version, token, "/events", nothing()).await;
                let mut body = answer.unwrap().into_body();
                assert_eq!(text(&mut body).await.unwrap(), "hello");
                body
            };
            let (mut ours, mut others) = (open(VALID).await, open(ADMIN).await);
            guarded.reload();
            events.send("still here").unwrap();
            assert_eq!(text(&mut ours).await.unwrap(), "still here");
            assert_eq!(text(&mut others).await.unwrap(), "still here");

            let moment = guarded.end(end);
            guarded.reported(Report::Released("valid".into())).await;
            assert_ended("events, at the upstream", end, moment);
            assert!(
                within(ours.frame()).await.unwrap().is_err(),
                "not a clean end"
            );
            assert_ended("events, at the client", end, moment);
            events.send("and here").unwrap();
            assert_eq!(text(&mut others).await.unwrap(), "and here");
        }
    }
}

#[tokio::test]
async fn client_that_does_not_read_releases_the_upstream() {
    for end in ENDS {
        let (events, _kept) = broadcast::channel(4);
        let mut guarded = Guarded::start(|reports| routes(reports, events)).await;
        let answer = send(guarded.address, Version::HTTP_2, VALID, "/flood", nothing()).await;
        let _unread = answer.unwrap();
        let moment = guarded.end(end);
        guarded.reported(Report::Released("valid".into())).await;
        assert_ended("a stalled client, at the upstream", end, moment);
    }
}

#[tokio::test]
async fn uploads_end_with_key_over_sockets() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        for end in ENDS {
            let (events, _kept) = broadcast::channel(4);
            let mut guarded = Guarded::start(|reports| routes(reports, events)).await;
            let start = async |token| {
                let (chunks, body) = upload();
                chunks.send(chunk("a")).unwrap();
                let answer = send(guarded.address, version, token, "/upload", body);
                (chunks, tokio::spawn(answer))
            };
            let (ours, ours_answer) = start(VALID).await;
            let (others, others_answer) = start(ADMIN).await;
            guarded.reported(Report::Progress("valid".into())).await;
            guarded.reload();
            ours.send(chunk("b")).unwrap();
            guarded.reported(Report::Progress("valid".into())).await;

            let moment = guarded.end(end);
            let status = match end {
                End::Revoked => KeyStatus::Revoked,
                End::Expires => KeyStatus::Expired,
            };
            let ended = Report::UploadEnded("valid".into(), Some(status));
            guarded.reported(ended).await;
            assert_ended("an upload, at the handler", end, moment);
            let answer = within(ours_answer).await.unwrap().unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
            assert_ended("an upload, at the client", end, moment);

            others.send(chunk("c")).unwrap();
            drop(others);
            let answer = within(others_answer).await.unwrap().unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
        }
    }
}
