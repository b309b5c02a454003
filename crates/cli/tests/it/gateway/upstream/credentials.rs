//! Credentials of clients, which never reach the upstream.

use crate::gateway::harness::{Gateway, KEY, Recorder, chunk, raw};

const CLIENT: &str = "client-sentinel-91bc";

#[tokio::test]
async fn client_credentials_never_reach_upstream() {
    let (upstream, recorder) = Recorder::start().await;
    let headers = [
        "Authorization: Bearer ",
        "authorization: Basic ",
        "Proxy-Authorization: Basic ",
        "Cookie: session=",
        "X-API-Key: ",
        "api-key: ",
        "X-Goog-Api-Key: ",
        "x-auth-token: ",
        "Ocp-Apim-Subscription-Key: ",
        "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.",
    ]
    .map(|name| format!("{name}{CLIENT}\r\n"));
    let targets = [
        "POST /v1/chat/completions".to_owned(),
        "GET /v1/models".to_owned(),
        "DELETE /v1".to_owned(),
        format!("GET /v1/models?api_key={CLIENT}"),
        format!("GET /v1/models?limit=2&API-Key={CLIENT}"),
        format!("GET /v1/models?%6bey={CLIENT}&access_token={CLIENT}"),
    ];
    for (header, wanted) in [
        ("authorization", format!("Bearer {KEY}")),
        ("x-upstream-key", KEY.to_owned()),
    ] {
        let gateway = Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
            command.args(["--upstream-header", header]);
        })
        .await;
        for target in &targets {
            let before = recorder.all().len();
            let head = headers.concat() + &format!("{header}: {CLIENT}\r\n");
            let request =
                format!("{target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{head}\r\n");
            raw(gateway.address(), request).await;
            let seen = recorder.all().remove(before);
            assert!(!format!("{seen:?}").contains(CLIENT), "{seen:?}");
            let sent: Vec<_> = seen.head.headers.get_all(header).iter().collect();
            assert_eq!(sent, [&*wanted], "{target}");
        }
    }
    let queries: Vec<_> = recorder
        .all()
        .iter()
        .filter_map(|seen| Some(seen.head.uri.query()?.to_owned()))
        .collect();
    assert_eq!(queries, ["limit=2", "limit=2"]);
}

#[tokio::test]
async fn connection_header_cannot_remove_upstream_key() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    let request =
        "GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close, authorization\r\n\r\n";
    raw(gateway.address(), request).await;
    let sent = recorder.only().head.headers["authorization"].clone();
    assert_eq!(sent, format!("Bearer {KEY}"));
}

#[tokio::test]
async fn request_trailers_are_not_forwarded() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    for length in [4, 2 * 1024 * 1024] {
        let before = recorder.all().len();
        let head = "POST /v1/files HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
            transfer-encoding: chunked\r\ntrailer: x-api-key\r\n\r\n";
        let body = chunk(&vec![b'a'; length]);
        let trailer = format!("0\r\nx-api-key: {CLIENT}\r\n\r\n");
        let request = [head.as_bytes(), &body, trailer.as_bytes()].concat();
        raw(gateway.address(), request).await;
        let seen = recorder.all().remove(before);
        assert_eq!(seen.body.len(), length);
        assert_eq!(seen.trailers, None);
        assert_eq!(seen.head.headers.get("trailer"), None);
    }
}
