//! A link with a delay, since loopback has none.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Passes connections on to a Unix socket, and delays what either side sends. Returns the URL.
pub(crate) async fn open(to: &Path, one_way: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let to = to.to_owned();
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((client, _)) => drop(tokio::spawn(connect(client, to.clone(), one_way))),
                Err(error) => panic!("no connection: {error}; raise the limit of open files"),
            }
        }
    });
    url
}

async fn connect(client: TcpStream, to: PathBuf, one_way: Duration) {
    client.set_nodelay(true).unwrap();
    let Ok(server) = UnixStream::connect(to).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        pass(from_client, to_server, one_way),
        pass(from_server, to_client, one_way),
    );
}

/// Passes on what comes, each piece `one_way` after it came, and the end likewise.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    one_way: Duration,
) {
    let (under_way, mut arriving) = mpsc::unbounded_channel::<(Instant, Bytes)>();
    let receive = async move {
        let mut buffer = BytesMut::new();
        while let Ok(1..) = from.read_buf(&mut buffer).await {
            let piece = (Instant::now() + one_way, buffer.split().freeze());
            if under_way.send(piece).is_err() {
                return;
            }
        }
        // An empty piece marks the end.
        drop(under_way.send((Instant::now() + one_way, Bytes::new())));
    };
    let deliver = async move {
        while let Some((due, piece)) = arriving.recv().await {
            sleep_until(due).await;
            if piece.is_empty() || to.write_all(&piece).await.is_err() {
                break;
            }
        }
        drop(to.shutdown().await);
    };
    tokio::join!(receive, deliver);
}
