//! Key locations and error responses in an axum `from_fn`, over a real connection.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower_rotating_auth::inbound::{AuthErrorKind, AuthErrorResponse, KeyLocations};

async fn only_sk_1(request: Request, next: Next) -> Response {
    let locations = KeyLocations::default();
    let valid = match locations.extract(request.headers(), request.uri()) {
        Ok(token) if token.bytes() == b"sk-1" => Ok(()),
        Ok(_) => Err(AuthErrorKind::Unknown.into()),
        Err(error) => Err(error),
    };
    if let Err(error) = valid {
        return AuthErrorResponse::default()
            .response(
                &error,
                request.method(),
                request.version(),
                request.headers(),
            )
            .map(axum::body::Body::from)
            .into_response();
    }
    let (mut head, body) = request.into_parts();
    locations.strip(&mut head.headers, &mut head.uri);
    next.run(Request::from_parts(head, body)).await
}

/// Sends a request on a new connection and returns all that the server sends.
async fn exchange(server: &TcpListener, request: &str) -> String {
    let address = server.local_addr().unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    let app = Router::new()
        .route(
            "/",
            get(async |request: Request| format!("{:?}", request.headers().get("x-api-key"))),
        )
        .layer(from_fn(only_sk_1));
    let (connection, _) = server.accept().await.unwrap();
    let served = hyper::server::conn::http1::Builder::new().serve_connection(
        hyper_util::rt::TokioIo::new(connection),
        hyper_util::service::TowerToHyperService::new(app),
    );
    let mut answer = String::new();
    let (served, read) = tokio::join!(served, client.read_to_string(&mut answer));
    served.unwrap();
    read.unwrap();
    answer
}

#[tokio::test]
async fn error_response_over_http_has_no_body_for_head() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let head = |answer: &str| {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let lines = head.lines().filter(|line| !line.starts_with("date: "));
        (
            lines.map(str::to_owned).collect::<Vec<_>>(),
            body.to_owned(),
        )
    };
    let ask = async |method: &str, key: &str| {
        let request = format!(
            "{method} / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-api-key: {key}\r\n\r\n"
        );
        head(&exchange(&server, &request).await)
    };

    let (refused, body) = ask("GET", "sk-2").await;
    assert_eq!(refused[0], "HTTP/1.1 401 Unauthorized");
    assert!(refused.contains(&format!("content-length: {}", body.len())));
    assert!(body.contains("invalid_token"), "{body}");
    let challenge = r#"www-authenticate: Bearer realm="api", error="invalid_token","#;
    assert!(
        refused.iter().any(|line| line.starts_with(challenge)),
        "{refused:?}"
    );
    assert_eq!(ask("HEAD", "sk-2").await, (refused, String::new()));

    let (served, body) = ask("GET", "sk-1").await;
    assert_eq!(served[0], "HTTP/1.1 200 OK");
    assert_eq!(body, "None");
}
