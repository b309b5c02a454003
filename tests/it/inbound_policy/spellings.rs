//! Closed paths in every spelling, before real routers.

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, Version};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use tonic::service::Routes;
use tower::ServiceExt;

use super::closed::{
    ADMIN, CLOSED, OPEN, Service, WEAK, around, assert_closed, nested, raw, routers, served,
};

/// Returns all routers, and tonic's.
fn all_routers() -> Vec<(&'static str, Service)> {
    let grpc = Routes::from(nested().fallback(raw));
    let mut all = routers();
    all.push(("tonic", around(grpc.into_axum_router())));
    all
}

fn escaped(byte: u8, case: &str) -> String {
    if case == "lower" {
        format!("%{byte:02x}")
    } else {
        format!("%{byte:02X}")
    }
}

#[test]
fn closed_path_is_closed_in_all_escapes() {
    let routers = all_routers();
    // Every subset of the characters after the first segment.
    let (start, end) = (b"/v1", b"/m/@i");
    for escape in 0..1_u32 << end.len() {
        for case in ["lower", "upper"] {
            let mut path = start.to_vec();
            for (n, &byte) in end.iter().enumerate() {
                match escape >> n & 1 {
                    0 => path.push(byte),
                    _ => path.extend(escaped(byte, case).into_bytes()),
                }
            }
            assert_closed(&routers, &path);
        }
    }
}

#[test]
fn open_paths_are_served_by_each_router() {
    for (name, service) in all_routers() {
        let ask = |token, path: &'static str, method| {
            served(&service, token, Uri::from_static(path), method).is_some()
        };
        assert!(ask(WEAK, OPEN, Method::GET), "{name}");
        assert!(ask(ADMIN, "/v1/m/reload", Method::GET), "{name}");
        assert!(!ask(WEAK, "/v1/m/reload", Method::GET), "{name}");
        // An escape that changes nothing about who may use the path.
        assert!(ask(WEAK, "/v1/files/a%20b/d", Method::GET), "{name}");
    }
}

fn spelled() -> impl Strategy<Value = Vec<u8>> {
    let byte = |byte: u8| {
        prop_oneof![
            3 => Just((byte as char).to_string()),
            1 => Just(escaped(byte, "lower")),
            1 => Just(escaped(byte, "upper")),
            1 => Just(format!("%25{byte:02X}")),
        ]
    };
    let odd = select(vec![
        "/",
        "//",
        "/.",
        "/x/..",
        "/%2e%2e",
        "/..%2f",
        "/%252e%252e/",
        ";",
        ";v=1",
        ";%2f",
        "%00",
        "%20",
        ".",
        "%3f",
        "%23a",
        "\\",
        "%5c",
        "/..;/",
        "%2f",
        "%c0%af",
        "%",
        "/%2e/",
    ]);
    let closed = CLOSED.map(|path| path.replace(' ', "%20"));
    select(closed.to_vec()).prop_flat_map(move |path| {
        let bytes: Vec<_> = path.replace("%20", " ").bytes().map(byte).collect();
        let places = subsequence((0..=path.len()).collect::<Vec<_>>(), 0..3);
        (bytes, places, prop::collection::vec(odd.clone(), 3)).prop_map(|(bytes, places, odd)| {
            let mut path = bytes;
            for (place, odd) in places.into_iter().rev().zip(odd) {
                path.insert(place.min(path.len()), odd.to_owned());
            }
            path.concat().replace(' ', "%20").into_bytes()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn closed_path_is_closed_in_drawn_spellings(path in spelled()) {
        assert_closed(&all_routers(), &path);
    }
}

/// Over real connections, the answers are those that the tests above see in process.
#[tokio::test]
async fn closed_path_is_closed_over_both_protocols() {
    let service = around(nested().fallback(raw));
    let paths = [
        "/v1/m/@i",
        "/v1/m/%40i",
        "/v1/m/%2540i",
        "/v1//m/reload",
        "/v1/./m/reload",
        "/v1/x/../m/reload",
        "/v1/m/reload;v=1",
        "/v1/m/reload/",
        "//v1/m/reload",
        "/v1/files/a%20b/c",
        "/v1/files/a%20b%2fc",
        "/v1/files/a%20b/d",
        OPEN,
    ];
    for path in paths {
        let in_process = match served(&service, WEAK, path.parse().unwrap(), Method::GET) {
            Some(_) => StatusCode::OK,
            None => StatusCode::FORBIDDEN,
        };
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let status = status_over(version, service.clone(), path).await;
            assert_eq!(status, in_process, "{version:?} {path}");
        }
    }
}

/// Sends a GET with the weak key through hyper's client and server, and returns the status.
async fn status_over(version: Version, service: Service, path: &str) -> StatusCode {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let server = tokio::spawn(async move {
        let service = TowerToHyperService::new(
            service.map_request(|request: Request<Incoming>| request.map(axum::body::Body::new)),
        );
        let builder = auto::Builder::new(TokioExecutor::new());
        let _ = builder.serve_connection(TokioIo::new(far), service).await;
    });
    let request = Request::builder()
        .version(version)
        .header("authorization", format!("Bearer {WEAK}"));
    let near = TokioIo::new(near);
    let body = Empty::<Bytes>::new();
    let status = if version == Version::HTTP_2 {
        let uri = format!("https://api.example.com{path}");
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), near)
                .await
                .unwrap();
        tokio::spawn(connection);
        let answer = sender
            .send_request(request.uri(uri).body(body).unwrap())
            .await;
        answer.unwrap().status()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(near).await.unwrap();
        tokio::spawn(connection);
        let request = request.header("host", "api.example.com").uri(path);
        let answer = sender.send_request(request.body(body).unwrap()).await;
        answer.unwrap().status()
    };
    server.abort();
    status
}
