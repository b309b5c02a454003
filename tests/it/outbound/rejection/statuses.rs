//! All statuses of HTTP and of gRPC.

use http::StatusCode;

use super::{Says, headers, says};

#[tokio::test(start_paused = true)]
async fn each_http_status() {
    let mut wrong = Vec::new();
    for status in 100..=599 {
        let expected = match status {
            401 => Says::Rejected,
            101 | 200..=299 | 412 => Says::Proven,
            _ => Says::Nothing,
        };
        let found = says(StatusCode::from_u16(status).unwrap(), &headers(&[])).await;
        if found != expected {
            wrong.push((status, found));
        }
    }
    assert_eq!(wrong, [], "what these statuses say");
}

#[tokio::test(start_paused = true)]
async fn each_grpc_status() {
    const CODES: [&str; 19] = [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
        "17", "x",
    ];
    let mut wrong = Vec::new();
    for content_type in ["application/grpc", "application/grpc-web+proto"] {
        for code in CODES {
            let expected = match code {
                "16" => Says::Rejected,
                "0" | "5" | "6" | "9" | "10" | "11" => Says::Proven,
                _ => Says::Nothing,
            };
            let headers = headers(&[("content-type", content_type), ("grpc-status", code)]);
            let found = says(StatusCode::OK, &headers).await;
            if found != expected {
                wrong.push((content_type, code, found));
            }
        }
    }
    assert_eq!(wrong, [], "what these statuses say");
}

#[tokio::test(start_paused = true)]
async fn grpc_status_counts_in_grpc_only() {
    for (status, lines, expected) in [
        (200, &[("grpc-status", "16")] as &[_], Says::Proven),
        (
            200,
            &[("content-type", "application/json"), ("grpc-status", "16")],
            Says::Proven,
        ),
        (200, &[("content-type", "application/grpc")], Says::Proven),
        (
            503,
            &[("content-type", "application/grpc"), ("grpc-status", "16")],
            Says::Nothing,
        ),
        (
            401,
            &[("content-type", "application/grpc"), ("grpc-status", "0")],
            Says::Rejected,
        ),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(
            says(status, &headers(lines)).await,
            expected,
            "{status} {lines:?}"
        );
    }
}
