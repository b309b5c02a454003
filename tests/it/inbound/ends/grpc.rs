//! gRPC calls that stream in both directions.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::post;
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::server::Grpc;
use tonic::{Status, Streaming};
use tower::service_fn;
use tower_rotating_auth::inbound::Principal;

use super::{ENDS, Guarded, Held, Report, Reports, assert_ended, within};
use crate::inbound::keys::{ADMIN, VALID};
use crate::support::Text;

/// A method that sends each message back.
fn routes(reports: Reports) -> Router {
    let echo = async move |request: Request| {
        let principal: Principal = request.extensions().get().cloned().unwrap();
        let client = principal.key().unwrap().client().to_string();
        let reports = reports.clone();
        let method = service_fn(move |call: tonic::Request<Streaming<String>>| {
            let (client, reports) = (client.clone(), reports.clone());
            let held = Held(client.clone(), reports.clone());
            let answers = call
                .into_inner()
                .map(move |message: Result<String, Status>| {
                    let _held = &held;
                    if message.is_err() {
                        reports
                            .send(Report::UploadEnded(client.clone(), None))
                            .unwrap();
                    }
                    message
                });
            std::future::ready(Ok::<_, Status>(tonic::Response::new(answers)))
        });
        let response = Grpc::new(Text).streaming(method, request).await;
        response.map(Body::new)
    };
    Router::new().route("/test.Echo/Both", post(echo))
}

type Message = UnboundedSender<Result<Frame<Bytes>, Infallible>>;

fn message(text: &'static str) -> Result<Frame<Bytes>, Infallible> {
    let mut frame = vec![0, 0, 0, 0, u8::try_from(text.len()).unwrap()];
    frame.extend(text.as_bytes());
    Ok(Frame::data(frame.into()))
}

async fn call(guarded: &Guarded, token: &str) -> (Message, Incoming) {
    let stream = TokioIo::new(TcpStream::connect(guarded.address).await.unwrap());
    let handshake = http2::handshake(TokioExecutor::new(), stream).await;
    let (mut sender, connection) = handshake.unwrap();
    tokio::spawn(connection);
    let (messages, body) = unbounded_channel();
    let request = http::Request::post("http://localhost/test.Echo/Both")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {token}"))
        .body(StreamBody::new(UnboundedReceiverStream::new(body)));
    let answer = within(sender.send_request(request.unwrap())).await.unwrap();
    assert_eq!(answer.status(), 200);
    (messages, answer.into_body())
}

async fn echoes(messages: &Message, answers: &mut Incoming) {
    messages.send(message("hi")).unwrap();
    let frame = within(answers.frame()).await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), b"\0\0\0\0\x02hi"[..]);
}

#[tokio::test]
async fn grpc_call_ends_with_key_in_both_directions() {
    for end in ENDS {
        let mut guarded = Guarded::start(routes).await;
        let (ours, mut ours_answers) = call(&guarded, VALID).await;
        let (others, mut others_answers) = call(&guarded, ADMIN).await;
        echoes(&ours, &mut ours_answers).await;
        guarded.reload();
        echoes(&ours, &mut ours_answers).await;
        echoes(&others, &mut others_answers).await;

        let moment = guarded.end(end);
        guarded.reported(Report::Released("valid".into())).await;
        assert_ended("a gRPC call, at the handler", end, moment);
        // Either the stream is reset, or a status says that the call has failed.
        let over = match within(ours_answers.frame()).await {
            Some(Ok(frame)) => {
                let trailers = frame.into_trailers().unwrap();
                trailers
                    .get("grpc-status")
                    .is_some_and(|status| status != "0")
            }
            Some(Err(_)) => true,
            None => false,
        };
        assert!(over);
        assert_ended("a gRPC call, at the client", end, moment);
        within(ours.closed()).await;
        echoes(&others, &mut others_answers).await;
    }
}
