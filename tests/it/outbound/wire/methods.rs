//! Requests that a server echoes, that ask for a tunnel, or that lose the key on their way.

use bytes::Bytes;
use http::{Method, Request, Version};
use http_body_util::{Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2 as client;
use hyper::ext::Protocol;
use hyper::server::conn::http2 as server;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, service_fn};
use tower_rotating_auth::{
    outbound::adapter::ClientAdapter,
    outbound::{InjectKeyLayer, Origin},
};

use super::{Wire, bearer, get, x_api_key};

/// Returns the head of a request, with its lines in a fixed order and without its `Host`.
fn lines(head: &str) -> Vec<String> {
    let mut lines: Vec<_> = head.trim_end().lines().map(str::to_lowercase).collect();
    lines.retain(|line| !line.starts_with("host: "));
    lines[1..].sort();
    lines
}

fn with(
    mut request: Request<Full<Bytes>>,
    headers: &[(&'static str, &str)],
) -> Request<Full<Bytes>> {
    for (name, value) in headers {
        let value = value.parse().unwrap();
        request.headers_mut().append(*name, value);
    }
    request
}

#[tokio::test]
async fn traced_and_tunnelled_heads_have_no_key() {
    let wire = Wire::plain().await;
    let inject = || InjectKeyLayer::new(Origin::cleartext("http://api.test").unwrap(), bearer());
    for (method, line) in [
        (Method::TRACE, "trace /v1 http/1.1"),
        // hyper-util drops the scheme and the path.
        (Method::CONNECT, "connect api.test http/1.1"),
    ] {
        let mut request = get("http://api.test/v1");
        *request.method_mut() = method.clone();
        let client = inject().unwrap().layer(wire.client());
        client.oneshot(request.clone()).await.unwrap();
        let once = inject().unwrap().without_replay().layer(wire.client());
        once.oneshot(request.clone()).await.unwrap();
        let marked = inject().unwrap().allow_extended_connect::<Protocol>();
        request
            .extensions_mut()
            .insert(Protocol::from_static("websocket"));
        marked.layer(wire.client()).oneshot(request).await.unwrap();
        for head in wire.heads() {
            assert_eq!(lines(&head), [line], "{method}");
        }
    }
}

#[tokio::test]
async fn reqwest_trace_and_foreign_host_have_no_key() {
    let adapter = ClientAdapter::new(
        reqwest::Request::url,
        reqwest::Request::headers_mut,
        reqwest::Request::try_clone,
    )
    .method(reqwest::Request::method)
    .status(reqwest::Response::status);
    let wire = Wire::plain().await;
    let client = InjectKeyLayer::new(Origin::cleartext("http://api.test").unwrap(), bearer())
        .unwrap()
        .adapter(adapter)
        .layer(wire.reqwest(reqwest::redirect::Policy::none()));
    for (method, host, expected) in [
        (Method::GET, None, Some("Bearer key")),
        (Method::GET, Some("api.test"), Some("Bearer key")),
        (Method::GET, Some("evil.test"), None),
        (Method::TRACE, None, None),
    ] {
        let url = "http://api.test/".parse().unwrap();
        let mut request = reqwest::Request::new(method.clone(), url);
        if let Some(host) = host {
            request.headers_mut().insert("host", host.parse().unwrap());
        }
        client.clone().oneshot(request).await.unwrap();
        let [arrived] = &wire.arrived()[..] else {
            unreachable!("one request, one head");
        };
        assert_eq!(arrived.host, host.unwrap_or("api.test"));
        assert_eq!(arrived.key.as_deref(), expected, "{method} for {host:?}");
    }
}

#[tokio::test]
async fn any_origin_key_stays_off_foreign_hosts() {
    let wire = Wire::plain().await;
    for (url, host, expected) in [
        ("http://localhost/", "localhost", Some("key")),
        ("http://localhost/", "LOCALHOST:80", Some("key")),
        ("http://localhost/", "evil.test", None),
        ("http://localhost/", "localhost:8080", None),
        ("http://[::1]/", "[0::1]", Some("key")),
        ("http://[::1]/", "localhost", None),
    ] {
        let inject = InjectKeyLayer::any_origin(x_api_key());
        let request = with(get(url), &[("host", host)]);
        let once = inject.clone().without_replay().layer(wire.client());
        once.oneshot(request.clone()).await.unwrap();
        inject.layer(wire.client()).oneshot(request).await.unwrap();
        for arrived in wire.arrived() {
            assert_eq!(arrived.host, host);
            assert_eq!(arrived.key.as_deref(), expected, "{url} for {host}");
        }
    }
}

#[tokio::test]
async fn overridden_head_has_only_our_key() {
    let wire = Wire::plain().await;
    let origin = || Origin::cleartext("http://api.test").unwrap();
    let inject = InjectKeyLayer::new(origin(), x_api_key()).unwrap();
    let inject = inject.override_existing();
    let theirs = [
        ("x-api-key", "theirs"),
        ("x_api_key", "theirs"),
        ("x-api_key", "theirs"),
        ("x.api.key", "theirs"),
        ("connection", "x-api-key, close"),
    ];
    for (url, host, expected) in [
        (
            "http://api.test/",
            "api.test",
            &["get / http/1.1", "connection: close", "x-api-key: key"][..],
        ),
        (
            "http://api.test/",
            "evil.test",
            &["get / http/1.1", "connection: x-api-key, close"],
        ),
    ] {
        let request = with(with(get(url), &theirs), &[("host", host)]);
        let once = inject.clone().without_replay().layer(wire.client());
        once.oneshot(request.clone()).await.unwrap();
        let client = inject.clone().layer(wire.client());
        client.oneshot(request).await.unwrap();
        for head in wire.heads() {
            assert_eq!(lines(&head), expected, "{host}");
        }
    }
}

/// Answers with the key that a stream was opened with.
async fn serve(stream: TcpStream) {
    let answer = hyper::service::service_fn(async |request: Request<Incoming>| {
        let protocol = request.extensions().get::<Protocol>();
        let key = request.headers().get("authorization");
        let answer = format!("{:?} {key:?}", protocol.map(Protocol::as_str));
        let mut response = http::Response::new(Empty::<Bytes>::new());
        let answer = answer.parse().unwrap();
        response.headers_mut().insert("x-arrived", answer);
        Ok::<_, std::convert::Infallible>(response)
    });
    let mut http2 = server::Builder::new(TokioExecutor::new());
    http2.enable_connect_protocol();
    let _closed = http2.serve_connection(TokioIo::new(stream), answer).await;
}

#[tokio::test]
async fn extended_connect_carries_the_key_over_http2() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { serve(listener.accept().await.unwrap().0).await });
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) = client::handshake(TokioExecutor::new(), stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    let inject = InjectKeyLayer::new(format!("http://{address}"), bearer()).unwrap();
    let connected = |inject: InjectKeyLayer| {
        let sender = sender.clone();
        inject.layer(service_fn(move |request: Request<Empty<Bytes>>| {
            let mut sender = sender.clone();
            async move { sender.send_request(request).await }
        }))
    };
    let allowed = connected(inject.clone().allow_extended_connect::<Protocol>());
    let kept_off = connected(inject);
    let url = format!("http://{address}/v1/realtime");
    let request = |method: Method| {
        let request = Request::builder().method(method).uri(&url);
        request.version(Version::HTTP_2)
    };
    let arrived = |response: http::Response<Incoming>| {
        response.headers()["x-arrived"].to_str().unwrap().to_owned()
    };
    // By this answer the client knows that the server takes extended CONNECT.
    let get = request(Method::GET).body(Empty::new()).unwrap();
    let response = allowed.clone().oneshot(get).await.unwrap();
    assert_eq!(arrived(response), "None Some(\"Bearer key\")");

    let websocket = || {
        let websocket = Protocol::from_static("websocket");
        let request = request(Method::CONNECT).extension(websocket);
        request.body(Empty::new()).unwrap()
    };
    let response = allowed.oneshot(websocket()).await.unwrap();
    assert_eq!(
        arrived(response),
        "Some(\"websocket\") Some(\"Bearer key\")"
    );
    let response = kept_off.oneshot(websocket()).await.unwrap();
    assert_eq!(arrived(response), "Some(\"websocket\") None");
}
