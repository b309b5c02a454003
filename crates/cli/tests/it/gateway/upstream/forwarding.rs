//! The parts of requests and responses that the gateway forwards.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::gateway::harness::{Gateway, KEY, Recorder, raw, soon};

/// A request that ends its connection.
fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n")
}

#[tokio::test]
async fn base_url_ending_in_v1_is_not_doubled() {
    let (upstream, recorder) = Recorder::start().await;
    for (base, asked, wanted) in [
        ("/v1", "/v1/models", "/v1/models"),
        (
            "/v1/",
            "/v1/models?limit=2&after=a%2Fb",
            "/v1/models?limit=2&after=a%2Fb",
        ),
        ("/v1", "/v1", "/v1"),
        ("", "/v1/models", "/v1/models"),
        ("/", "/", "/"),
        ("/openai/v1", "/v1/files/a%20b", "/openai/v1/files/a%20b"),
        ("/proxy", "/v1/models", "/proxy/v1/models"),
        ("/v1", "http://elsewhere.localhost/v1/models", "/v1/models"),
        (
            "",
            "//elsewhere.example/v1/models",
            "//elsewhere.example/v1/models",
        ),
    ] {
        let before = recorder.all().len();
        let gateway = Gateway::with_key(&format!("http://{upstream}{base}"), |_| {}).await;
        raw(gateway.address(), get(asked, "")).await;
        let seen = &recorder.all()[before].head;
        assert_eq!(seen.uri.to_string(), wanted, "{base} and {asked}");
        assert_eq!(seen.headers["host"], upstream.to_string());
    }
}

#[tokio::test]
async fn path_outside_the_base_gets_404() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    for path in [
        "/models",
        "/v10/models",
        "/%761/models",
        "//v1/models",
        "//elsewhere.example/v1/models",
    ] {
        let answer = raw(gateway.address(), get(path, "")).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
        assert!(answer.contains("no_upstream"), "{path}: {answer}");
    }
    assert!(recorder.all().is_empty());
}

#[tokio::test]
async fn path_with_dot_segments_is_refused() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    for path in [
        "/v1/../admin",
        "/..",
        "/v1/./models",
        "/v1/%2e%2E/admin",
        "/v1/.%2e/admin",
        "/v1/..%2fadmin",
        "/v1/%252e%252e/admin",
        "/v1/%25252e%2525252e%25252fadmin",
        "/v1/%252525252541", // nobody decodes so often
        "/v1/..%5cadmin",
        "/v1/..\\admin",
        "/v1/..;a=b/admin",
        "/v1/%c0%ae%c0%ae/admin",
        "/v1/%u002e./admin",
    ] {
        let answer = raw(gateway.address(), get(path, "")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{path}: {answer}");
        assert!(
            answer.contains(r#""code":"invalid_path""#),
            "{path}: {answer}"
        );
    }
    raw(gateway.address(), get("/v1/a..b/.well-known/...", "")).await;
    assert_eq!(recorder.only().head.uri, "/v1/a..b/.well-known/...");
}

#[tokio::test]
async fn request_drops_hop_by_hop_headers() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    let request = "POST /v1/echo HTTP/1.1\r\n\
        host: localhost\r\n\
        connection: close, X-Named\r\n\
        connection: x-also-named , content-type\r\n\
        x-named: 1\r\n\
        x-also-named: 2\r\n\
        content-type: application/json\r\n\
        keep-alive: timeout=5\r\n\
        proxy-connection: keep-alive\r\n\
        te: gzip\r\n\
        upgrade: websocket\r\n\
        expect: 100-continue\r\n\
        content-length: 2\r\n\
        accept: text/event-stream\r\n\
        accept: application/json\r\n\
        openai-beta: assistants=v2\r\n\
        via: 1.0 first\r\n\
        \r\n\
        {}";
    raw(gateway.address(), request).await;
    let mut headers = recorder.only().head.headers;
    let mut take = |name: &str| {
        let all: Vec<_> = headers.get_all(name).iter().cloned().collect();
        headers.remove(name);
        all
    };
    assert_eq!(take("host"), [&*upstream.to_string()]);
    assert_eq!(take("authorization"), [&*format!("Bearer {KEY}")]);
    assert_eq!(take("content-length"), ["2"]);
    assert_eq!(take("accept"), ["text/event-stream", "application/json"]);
    assert_eq!(take("openai-beta"), ["assistants=v2"]);
    let via = take("via");
    assert_eq!((via.len(), &via[0]), (2, &"1.0 first".parse().unwrap()));
    let own = via[1].to_str().unwrap();
    assert!(own.starts_with("1.1 rotating-auth-gateway-"), "{own}");
    assert_eq!(take("x-request-id").len(), 1);
    assert!(headers.is_empty(), "{headers:?}");
}

#[tokio::test]
async fn response_drops_hop_by_hop_headers_and_cookies() {
    let (upstream, _) = Recorder::answering(|_| {
        Response::builder()
            .status(StatusCode::IM_A_TEAPOT)
            .header("connection", "x-named")
            .header("x-named", "1")
            .header("keep-alive", "timeout=5")
            .header("proxy-authenticate", "Basic")
            .header("set-cookie", "session=of-the-gateway")
            .header("x-request-id", "r-1")
            .header("openai-processing-ms", "7")
            .body(Body::from("short and stout"))
            .unwrap()
    })
    .await;
    let gateway = Gateway::before(upstream).await;
    let answer = raw(gateway.address(), get("/v1/tea", "")).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 418 "), "{head}");
    assert_eq!(body, "short and stout");
    let mut names: Vec<_> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split(':').next())
        .collect();
    names.sort_unstable();
    let wanted = [
        "connection",
        "content-length",
        "date",
        "openai-processing-ms",
        "x-request-id",
    ];
    assert_eq!(names, wanted, "{head}");
    assert!(head.contains("connection: close"), "{head}");
}

#[tokio::test]
async fn response_trailers_reach_client_that_asked() {
    let (upstream, recorder) = Recorder::answering(|request| {
        let echo = request.head.headers["authorization"].clone();
        let frames = [
            Ok::<_, std::io::Error>(http_body::Frame::data(bytes::Bytes::from("body"))),
            Ok(http_body::Frame::trailers(
                [
                    ("x-echo".parse().unwrap(), echo),
                    ("set-cookie2".parse().unwrap(), "a=b".parse().unwrap()),
                    ("x-checksum".parse().unwrap(), "abc".parse().unwrap()),
                ]
                .into_iter()
                .collect(),
            )),
        ];
        let body = http_body_util::StreamBody::new(tokio_stream::iter(frames));
        Response::builder()
            .header("trailer", "x-checksum, x-echo, set-cookie2")
            .body(Body::new(body))
            .unwrap()
    })
    .await;
    let gateway = Gateway::before(upstream).await;
    let asking =
        "GET /v1/sum HTTP/1.1\r\nhost: localhost\r\nconnection: close, te\r\nte: trailers\r\n\r\n";
    let answer = raw(gateway.address(), asking).await;
    // They pass the same filter as headers.
    assert!(answer.ends_with("0\r\nx-checksum: abc\r\n\r\n"), "{answer}");
    assert_eq!(recorder.only().head.headers["te"], "trailers");
}

#[tokio::test]
async fn head_response_keeps_length_without_body() {
    let (upstream, _) = Recorder::answering(|_| Response::new(Body::from("four"))).await;
    let gateway = Gateway::before(upstream).await;
    let request = "HEAD /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = raw(gateway.address(), request).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("content-length: 4\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn too_long_request_head_gets_431() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    let long = format!("x-long: {}\r\n", "a".repeat(300_000));
    let many = "x-many: a\r\n".repeat(120);
    for headers in [long, many] {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        // The gateway hangs up once it has seen enough, so the rest of this may find nobody.
        drop(
            stream
                .write_all(get("/v1/models", &headers).as_bytes())
                .await,
        );
        let mut line = vec![0; "HTTP/1.1 431 ".len()];
        soon(stream.read_exact(&mut line)).await.unwrap();
        assert_eq!(String::from_utf8(line).unwrap(), "HTTP/1.1 431 ");
    }
    assert!(recorder.all().is_empty());
}

#[tokio::test]
async fn connect_is_refused() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    let request =
        "CONNECT elsewhere.localhost:443 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = raw(gateway.address(), request).await;
    assert!(answer.starts_with("HTTP/1.1 501 "), "{answer}");
    assert!(recorder.all().is_empty());
}
