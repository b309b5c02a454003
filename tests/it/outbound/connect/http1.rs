//! The upstream's HTTP/1.1: reads heads, and never more of a body than came with its head.

use std::io;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::server::{Ending, Seen, WORDS};

/// Responds to `GET` requests, and rejects the first other one.
pub(super) async fn serve(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    ending: Ending,
    seen: &Seen,
) -> io::Result<()> {
    let mut reused = false;
    while head(stream).await?.starts_with(b"GET ") {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await?;
        stream.flush().await?;
        reused = true;
    }
    seen.reused.store(reused, Ordering::SeqCst);
    if ending == Ending::Dies {
        return Ok(());
    }
    let close = match ending {
        Ending::Lingers => "connection: close\r\n",
        _ => "",
    };
    let length = WORDS.len();
    let answer =
        format!("HTTP/1.1 401 Unauthorized\r\n{close}content-length: {length}\r\n\r\n{WORDS}");
    stream.write_all(answer.as_bytes()).await?;
    stream.flush().await
}

async fn head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(1024);
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}
