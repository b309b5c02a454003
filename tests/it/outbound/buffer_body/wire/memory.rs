//! The memory of a replayed upload: what was sent before the rejection, whatever its length.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::call::{client, upload};
use super::server::Protocol;

const LENGTH: u64 = 1024 * 1024 * 1024;
const PIECE: usize = 64 * 1024;
const LIMIT: usize = 1024 * 1024;

/// A body that allocates its pieces when polled, and yields before each.
struct Generated {
    left: u64,
    turn: Turn,
}

#[derive(Clone, Copy)]
enum Turn {
    Ours,
    Others,
}

impl Body for Generated {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.turn {
            _ if self.left == 0 => Poll::Ready(None),
            Turn::Others => {
                self.turn = Turn::Ours;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Turn::Ours => {
                self.turn = Turn::Others;
                self.left -= PIECE as u64;
                Poll::Ready(Some(Ok(Frame::data(vec![b'x'; PIECE].into()))))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// A server that answers with these statuses after the head of a request, and reads on.
async fn serve(listener: TcpListener, statuses: &[&str]) {
    for status in statuses {
        let (mut stream, _) = listener.accept().await.unwrap();
        let rejects = status.starts_with("401");
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        let head = read_head(&mut stream).await;
        if rejects {
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        let came = head + read(&mut stream, LENGTH - head).await;
        assert_eq!(came < LENGTH, rejects, "{came}");
        if !rejects {
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}

/// Reads up to the end of a head. Returns how many bytes of the body came with it.
async fn read_head(stream: &mut TcpStream) -> u64 {
    let mut head = Vec::new();
    loop {
        stream.read_buf(&mut head).await.unwrap();
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            return (head.len() - end - 4) as u64;
        }
    }
}

/// Reads so many bytes, or up to the end.
async fn read(stream: &mut TcpStream, most: u64) -> u64 {
    let mut some = vec![0; PIECE];
    let mut came = 0;
    while came < most {
        match stream.read(&mut some).await {
            Ok(0) | Err(_) => break,
            Ok(length) => came += length as u64,
        }
    }
    came
}

/// Returns the peak of memory of client and server.
fn peak(statuses: &[&str]) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .event_interval(1) // a rejection is heard of when it is there
        .enable_all()
        .build()
        .unwrap();
    let measured = allocation_counter::measure(|| {
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/", listener.local_addr().unwrap());
            let body = Generated {
                left: LENGTH,
                turn: Turn::Others,
            };
            let answer = upload(client(Protocol::Http1), &url, LIMIT, body);
            let (answer, ()) = tokio::join!(answer, serve(listener, statuses));
            assert_eq!(answer.unwrap().status(), StatusCode::OK);
        });
    });
    measured.bytes_max
}

#[test]
fn gibibyte_upload_is_replayed_within_limit() {
    let once = peak(&["200 OK"]);
    let twice = peak(&["401 Unauthorized", "200 OK"]);
    let more = twice.saturating_sub(once);
    assert!(more < LIMIT as u64 + 1024 * 1024, "{once}, then {twice}");
}
