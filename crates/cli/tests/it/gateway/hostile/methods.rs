//! Methods that servers read differently, and what answers say about methods.

use http::header::ALLOW;
use http::{Method, StatusCode};

use crate::gateway::harness::{Folder, Gateway, Protocol, Recorder, raw, soon};

const CLIENT: &str = "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";

fn request(method: &str, path: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {CLIENT}\r\n\
         connection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn method_that_a_server_may_fold_gets_501() {
    let (upstream, recorder) = Recorder::start().await;
    let folder = Folder::empty();
    let policy = "[[route]]\nmethods = [\"POST\"]\npath = \"/v1/admin\"\naccess = \"deny\"\n";
    folder.write("policies", &format!("version = 1\n{policy}"));
    let gateway = Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.env_remove("GATEWAY_MODE");
        command.env("CLIENT_KEYS", CLIENT);
        command.arg("--policies").arg(folder.path("policies"));
    })
    .await;
    let long = "A".repeat(60_000);
    for (method, wanted) in [
        ("POST", 403),
        ("post", 501),
        ("Post", 501),
        (&long, 501),
        ("M-SEARCH", 200),
    ] {
        let answer = raw(gateway.address(), request(method, "/v1/admin")).await;
        let wanted = format!("HTTP/1.1 {wanted} ");
        assert!(answer.starts_with(&wanted), "{method:.9}: {answer}");
    }
    assert_eq!(recorder.only().head.method, "M-SEARCH");
    let line = gateway.said("501 AAAA").await;
    assert!(line.len() < 400, "{line}");
    for protocol in Protocol::BOTH {
        let request = http::Request::builder().method("pOST").uri("/v1/admin");
        let request = request.body(http_body_util::Full::default()).unwrap();
        let (head, _) = protocol.fetch(gateway.address(), request).await;
        assert_eq!(head.status, StatusCode::NOT_IMPLEMENTED, "{protocol:?}");
    }
}

#[tokio::test]
async fn method_not_allowed_names_those_that_are() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    for (method, path, named) in [
        (Method::POST, "/healthz", "GET"),
        (Method::DELETE, "/readyz", "GET"),
        (Method::OPTIONS, "/v1/models", "POST"),
    ] {
        let request = reqwest::Client::new().request(method, gateway.url(path));
        let request = request.header("origin", "http://localhost:3000");
        let request = request.header("access-control-request-method", "POST");
        let answer = soon(request.send()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = answer.headers()[ALLOW].to_str().unwrap();
        assert!(allowed.contains(named), "{path}: {allowed}");
    }
    assert!(recorder.all().is_empty());
}
