//! Where the key goes, as seen by servers.

mod methods;
mod redirects;
mod spellings;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::service_fn;
use tower_rotating_auth::{
    Secret,
    outbound::{Credential, RotatingCredential},
};

/// A server that answers for every host that is dialed, and records what it got.
#[derive(Clone)]
struct Wire {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

/// The head of a request as it arrived: the host, the path, and the key, if any.
#[derive(Debug, PartialEq)]
struct Arrived {
    host: String,
    path: String,
    key: Option<String>,
}

impl Wire {
    /// Starts a server that redirects to `answer(host, path)`, or answers 200 without one.
    async fn listen(answer: fn(&str, &str) -> Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self {
            address: listener.local_addr().unwrap(),
            heads: Arc::default(),
        };
        let heads = Arc::clone(&wire.heads);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&heads), answer));
            }
        });
        wire
    }

    /// Starts a server that does not redirect.
    async fn plain() -> Self {
        Self::listen(|_, _| None).await
    }

    /// Returns hyper's client, which dials this server for every host.
    fn client(&self) -> Client<impl Connect + Clone + Send + Sync + use<>, Full<Bytes>> {
        let address = self.address;
        let connector = service_fn(move |_: Uri| {
            Box::pin(async move {
                let stream = TcpStream::connect(address).await?;
                Ok::<_, io::Error>(TokioIo::new(stream))
            })
        });
        Client::builder(TokioExecutor::new()).build(connector)
    }

    /// Returns reqwest's client, which resolves every name to this server.
    fn reqwest(&self, redirects: reqwest::redirect::Policy) -> reqwest::Client {
        reqwest::Client::builder()
            .dns_resolver(Arc::new(self.clone()))
            .redirect(redirects)
            .build()
            .unwrap()
    }

    /// Takes what has arrived since the last call.
    fn arrived(&self) -> Vec<Arrived> {
        self.heads()
            .iter()
            .map(|head| Arrived::read(head))
            .collect()
    }

    /// Takes the heads that have arrived since the last call, as text.
    fn heads(&self) -> Vec<String> {
        std::mem::take(&mut *self.heads.lock().unwrap())
    }
}

impl reqwest::dns::Resolve for Wire {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let addresses: reqwest::dns::Addrs = Box::new([self.address].into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

async fn serve(
    mut stream: TcpStream,
    heads: Arc<Mutex<Vec<String>>>,
    answer: fn(&str, &str) -> Option<&'static str>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let Arrived { host, path, .. } = Arrived::read(&head);
    heads.lock().unwrap().push(head);
    let status = match answer(&host, &path) {
        Some(location) => format!("302 Found\r\nlocation: {location}"),
        None => "200 OK".into(),
    };
    let response = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(response.as_bytes()).await.unwrap();
}

impl Arrived {
    fn at(host: &str, path: &str, key: Option<&str>) -> Self {
        Self {
            host: host.into(),
            path: path.into(),
            key: key.map(Into::into),
        }
    }

    fn read(head: &str) -> Self {
        let (line, headers) = head.split_once("\r\n").unwrap();
        let value = |wanted: &str| {
            headers.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case(wanted).then_some(value)
            })
        };
        let path = line.split(' ').nth(1).unwrap();
        let key = value("authorization").or_else(|| value("x-api-key"));
        Self::at(value("host").unwrap_or_default(), path, key)
    }
}

fn bearer() -> RotatingCredential {
    RotatingCredential::manual(Credential::bearer(&Secret::from("key")).unwrap()).0
}

fn x_api_key() -> RotatingCredential {
    RotatingCredential::manual(Credential::x_api_key(&Secret::from("key")).unwrap()).0
}

fn get(uri: &str) -> Request<Full<Bytes>> {
    Request::get(uri).body(Full::default()).unwrap()
}
