//! The rights of a valid key, each rule as requests over a socket.

mod clients;
#[cfg(feature = "file")]
mod files;
mod networks;
mod policies;
mod principal;
mod second_factor;
mod secrecy;
mod secure_only;
mod validator;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use axum::routing::any;
use http::{Extensions, Response};
use tokio::net::TcpListener;
use tower_rotating_auth::inbound::{PeerAddr, Principal};

/// The address that requests come from unless they say otherwise.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Another address of this machine.
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Responds with the client that the layer has found.
async fn client(request: Request) -> String {
    let principal = request.extensions().get();
    let key = principal.and_then(Principal::key);
    key.map_or_else(|| "nobody".to_owned(), |key| key.client().to_string())
}

/// Returns a router whose every route responds with the client.
fn routes() -> Router {
    Router::new()
        .route("/models/{id}", any(client))
        .fallback(client)
}

/// The facts of a connection, besides the address of its peer.
type Note = fn(&mut Extensions);

/// Serves a router on a loopback address. Its requests carry the address of their peer and a note.
async fn serve(router: Router, note: Note) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = router.layer(from_fn(move |mut request: Request, next: Next| {
        let ConnectInfo(peer): ConnectInfo<SocketAddr> = *request.extensions().get().unwrap();
        request.extensions_mut().insert(PeerAddr(peer));
        note(request.extensions_mut());
        next.run(request)
    }));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    format!("http://{address}")
}

/// An answer to a request over a socket.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    challenge: String,
    body: String,
}

async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response: Response<reqwest::Body> = request.send().await.unwrap().into();
    let status = response.status().as_u16();
    let challenge = response.headers().get("www-authenticate");
    let challenge = challenge
        .map_or("", |line| line.to_str().unwrap())
        .to_owned();
    let body = reqwest::Response::from(response).text().await.unwrap();
    Answer {
        status,
        challenge,
        body,
    }
}

fn from(address: IpAddr) -> reqwest::Client {
    let client = reqwest::Client::builder().local_address(address);
    client.no_proxy().build().unwrap()
}

/// Returns the status of a request with this key.
async fn status(url: &str, key: &str) -> u16 {
    send(from(HERE).get(url).bearer_auth(key)).await.status
}
