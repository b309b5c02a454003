//! An HTTP/1.1 server written out, which reads exactly what the script says.

use std::io;

use bytes::{Buf, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::server::{After, Arrived, End, Heard, NEW, OLD, Script, WORDS};

pub(super) async fn serve(stream: TcpStream, script: Script, tell: &mpsc::UnboundedSender<Heard>) {
    let mut connection = Connection {
        stream,
        unread: BytesMut::new(),
    };
    // An error means that the client closed the connection, which the script records.
    let _ = connection.serve(script, tell).await;
}

struct Connection {
    stream: TcpStream,
    unread: BytesMut,
}

/// The position of a reader in a request's body.
enum Rest {
    Length(usize),
    /// In a chunk, with so many bytes left.
    Chunked(usize),
    Nothing,
}

impl Connection {
    async fn serve(
        &mut self,
        script: Script,
        tell: &mpsc::UnboundedSender<Heard>,
    ) -> io::Result<()> {
        loop {
            self.line().await?;
            let mut request = Arrived::of(self.fields().await?);
            let mut rest = Rest::of(&request.headers);
            if request.is_keyed_with(NEW) {
                let _ = tell.send(Heard::Began);
                let read = self.read_all(&mut request, &mut rest).await;
                let _ = tell.send(Heard::Arrived(request.into()));
                read?;
                self.answer("200 OK", "").await?;
                continue;
            }
            assert!(request.is_keyed_with(OLD));
            while script.reads.more_than(request.body.len()) {
                if !self.read(&mut request, &mut rest).await? {
                    break;
                }
            }
            self.answer("401 Unauthorized", WORDS).await?;
            match script.after {
                After::Closes => {
                    let _ = tell.send(Heard::Arrived(request.into()));
                    return self.stream.shutdown().await;
                }
                After::Resets => {
                    let _ = tell.send(Heard::Arrived(request.into()));
                    return self.stream.set_zero_linger();
                }
                After::Lingers => {
                    let read = self.read_all(&mut request, &mut rest).await;
                    let _ = tell.send(Heard::Arrived(request.into()));
                    read?;
                }
            }
        }
    }

    async fn read_all(&mut self, request: &mut Arrived, rest: &mut Rest) -> io::Result<()> {
        while self.read(request, rest).await? {}
        Ok(())
    }

    /// Reads some of a body. Returns `false` at its end.
    async fn read(&mut self, request: &mut Arrived, rest: &mut Rest) -> io::Result<bool> {
        match *rest {
            Rest::Nothing | Rest::Length(0) => {}
            Rest::Length(left) => {
                *rest = Rest::Length(left - self.some(left, request).await?);
                return Ok(true);
            }
            Rest::Chunked(0) => {
                let size = self.line().await?;
                let size = usize::from_str_radix(&size, 16).unwrap();
                *rest = Rest::Chunked(size);
                if size > 0 {
                    return Ok(true);
                }
                let trailers = self.fields().await?;
                request.trailers = Some(trailers).filter(|trailers| !trailers.is_empty());
                *rest = Rest::Nothing;
            }
            Rest::Chunked(left) => {
                let left = left - self.some(left, request).await?;
                *rest = Rest::Chunked(left);
                if left == 0 {
                    assert_eq!(self.line().await?, "");
                }
                return Ok(true);
            }
        }
        request.end = End::Whole;
        Ok(false)
    }

    /// Reads at least one byte of the body, and at most `most`.
    async fn some(&mut self, most: usize, request: &mut Arrived) -> io::Result<usize> {
        if self.unread.is_empty() {
            self.more().await?;
        }
        let some = self.unread.split_to(most.min(self.unread.len()));
        request.body.extend_from_slice(&some);
        Ok(some.len())
    }

    async fn fields(&mut self) -> io::Result<HeaderMap> {
        let mut fields = HeaderMap::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(fields);
            }
            let (name, value) = line.split_once(": ").unwrap();
            let name: HeaderName = name.parse().unwrap();
            fields.append(name, HeaderValue::from_str(value).unwrap());
        }
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\r\n") {
                let line = self.unread.split_to(end);
                self.unread.advance(2);
                return Ok(String::from_utf8(line.into()).unwrap());
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.unread).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    async fn answer(&mut self, status: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
        self.stream.write_all(answer.as_bytes()).await
    }
}

impl Rest {
    fn of(headers: &HeaderMap) -> Self {
        match headers.get(CONTENT_LENGTH) {
            Some(length) => Self::Length(length.to_str().unwrap().parse().unwrap()),
            None if headers.contains_key(TRANSFER_ENCODING) => Self::Chunked(0),
            None => Self::Nothing,
        }
    }
}
