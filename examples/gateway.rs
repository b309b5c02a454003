//! A gateway: one layer that lets in clients by their keys, and sends the upstream's key.
//!
//! ```console
//! cargo run --example gateway
//! ```

use axum::Router;
use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::routing::post;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::{BoxError, ServiceBuilder};
use tower_rotating_auth::{
    Rotating, RotatingAuthLayer, Secret,
    inbound::{KeySet, RequestBody, RequireKeyLayer},
    outbound::replay::{BufferBody, ReplayBody},
    outbound::{Credential, InjectKeyLayer, RotatingCredential},
};

const CLIENT_KEY: &str = "client-vK3qYw8RzT5mN2xJ7hBcDf";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    // An upstream that says which key it was sent.
    let chat = async |headers: HeaderMap, question: String| {
        let key = headers.get("authorization").cloned();
        let key = String::from_utf8_lossy(key.as_ref().map_or(b"no key", |key| key.as_bytes()));
        format!("{question:?}, with {key}")
    };
    let upstream = serve(Router::new().route("/v1/chat", post(chat))).await?;

    // Published by the program itself here; a file or another source serves as well.
    let (key, mut publisher) =
        RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
    let clients = KeySet::from_plain_keys(&Secret::from(CLIENT_KEY))?;
    let (clients, _publisher) = Rotating::manual(clients);

    // Both halves in one layer. No client's key goes on, and no client can replace the upstream's.
    let inject = InjectKeyLayer::new(&*upstream, key)?.replay(BufferBody::new(64 * 1024));
    let proxy = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(|_| async { StatusCode::BAD_GATEWAY }))
        .map_request(towards(&upstream)?) // outside: the layer goes by the URI and the host
        .layer(
            RotatingAuthLayer::new()
                .require(RequireKeyLayer::new(clients))
                .inject(inject),
        )
        .service(
            Client::builder(TokioExecutor::new()).build_http::<ReplayBody<RequestBody<Body>>>(),
        );
    let gateway = serve(Router::new().fallback_service(proxy)).await?;

    // Its clients.
    let client = reqwest::Client::new();
    let ask = async |key: &str| -> Result<(StatusCode, String), BoxError> {
        let request = client.post(format!("{gateway}/v1/chat"));
        let response = request.bearer_auth(key).body("hi").send().await?;
        let answer = (response.status(), response.text().await?);
        println!("{}  {}", answer.0, answer.1);
        Ok(answer)
    };
    let ok = |answer: &str| (StatusCode::OK, answer.to_owned());
    assert_eq!(ask(CLIENT_KEY).await?, ok("\"hi\", with Bearer sk-1"));
    publisher.publish(Credential::bearer(&Secret::from("sk-2"))?);
    assert_eq!(ask(CLIENT_KEY).await?, ok("\"hi\", with Bearer sk-2"));
    assert_eq!(ask("guessed").await?.0, StatusCode::UNAUTHORIZED);
    Ok(())
}

/// Sends a request to the upstream: its URI, and no `Host` of the gateway's.
fn towards<B>(
    upstream: &str,
) -> Result<impl Fn(Request<B>) -> Request<B> + Clone + use<B>, BoxError> {
    let authority: Authority = upstream.trim_start_matches("http://").parse()?;
    Ok(move |mut request: Request<B>| {
        let mut uri = request.uri().clone().into_parts();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(authority.clone());
        if let Ok(uri) = Uri::from_parts(uri) {
            *request.uri_mut() = uri;
        }
        request.headers_mut().remove(HOST);
        request
    })
}

/// Serves on a free port of loopback, and returns the URL.
async fn serve(app: Router) -> Result<String, BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(url)
}
