//! Headers that do not pass, over both protocols.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use tokio::process::Command;

use crate::gateway::harness::{Gateway, KEY, Protocol, Recorder, ended};

const SENTINEL: &str = "sentinel-5f1c";

/// Headers of requests that carry a credential, a claim or an override.
const REQUEST: [&str; 34] = [
    "authorization",
    "cookie",
    "cookie2",
    "x-api-key",
    "x_api_key",
    "xi-api-key",
    "x-key",
    "dd-application-key",
    "helicone-auth",
    "private-token",
    "job-token",
    "x-vault-token",
    "x-auth-token",
    "x-access-token",
    "x-goog-api-key",
    "x-amz-security-token",
    "cf-access-client-secret",
    "cf-access-jwt-assertion",
    "x-forwarded-access-token",
    "dpop",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x_original_url",
    "x-rewrite-url",
    "x-original-host",
    "x-forwarded-for",
    "x-forwarded-host",
    "forwarded",
    "x-real-ip",
    "x-remote-user",
    "client-cert",
    "sec-websocket-protocol",
];

/// Headers of responses that are the upstream's affair.
const RESPONSE: [&str; 24] = [
    "authorization",
    "x-api-key",
    "x-upstream-key",
    "x_upstream_key",
    "www-authenticate",
    "authentication-info",
    "set-cookie",
    "set-cookie2",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "alt-svc",
    "strict-transport-security",
    "nel",
    "report-to",
    "reporting-endpoints",
    "clear-site-data",
    "content-security-policy",
    "content-security-policy-report-only",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "refresh",
    "x-accel-redirect",
    "x-frame-options",
];

async fn gateway(upstream: std::net::SocketAddr, tell: impl FnOnce(&mut Command)) -> Gateway {
    Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.args(["--upstream-header", "x-upstream-key"]);
        tell(command);
    })
    .await
}

#[tokio::test]
async fn dropped_request_headers_stay_here() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = gateway(upstream, |_| {}).await;
    let headers: Vec<_> = REQUEST.iter().map(|name| (*name, SENTINEL)).collect();
    for protocol in Protocol::BOTH {
        let before = recorder.all().len();
        let target = format!("/v1/models?apiKey={SENTINEL}&sig={SENTINEL}&_method={SENTINEL}&a=1");
        let all = [&headers[..], &[("x-custom", "1"), ("mcp-session-id", "2")]].concat();
        let (head, _) = protocol.get(gateway.address(), &target, &all).await;
        assert_eq!(head.status, StatusCode::OK);
        let seen = recorder.all().remove(before);
        assert!(
            !format!("{seen:?}").contains(SENTINEL),
            "{protocol:?}: {seen:?}"
        );
        assert_eq!(seen.head.uri, "/v1/models?a=1");
        assert_eq!(seen.head.headers["x-custom"], "1");
        assert_eq!(seen.head.headers["mcp-session-id"], "2");
    }
    // Authentication takes its own headers, whatever they contain.
    let own = ["authorization", "x-api-key", "x-goog-api-key"];
    for name in REQUEST.iter().filter(|name| !own.contains(name)) {
        let line = format!("dropped request header {name}: ");
        gateway.said(&line).await;
        assert_eq!(gateway.output().matches(&line).count(), 1, "{name}");
    }
}

#[tokio::test]
async fn dropped_response_headers_stay_here() {
    let (upstream, _) = Recorder::answering(|seen| {
        let mut answer = Response::builder();
        for name in RESPONSE {
            answer = answer.header(name, SENTINEL);
        }
        // An upstream that echoes what it gets.
        let echoed = seen.head.headers["x-upstream-key"].clone();
        answer
            .header("x-debug", format!("{:?}", echoed.to_str().unwrap()))
            .header("x-upstream-key", echoed)
            .header("x-request-id", "r-1")
            .header("mcp-session-id", "s-1")
            .body(Body::empty())
            .unwrap()
    })
    .await;
    let gateway = gateway(upstream, |_| {}).await;
    for protocol in Protocol::BOTH {
        let (head, _) = protocol.get(gateway.address(), "/v1/models", &[]).await;
        let shown = format!("{head:?}");
        assert!(
            !shown.contains(SENTINEL) && !shown.contains(KEY),
            "{protocol:?}: {shown}"
        );
        assert_eq!(head.headers["x-request-id"], "r-1");
        assert_eq!(head.headers["mcp-session-id"], "s-1");
    }
    for name in RESPONSE {
        let line = format!("dropped response header {name}: ");
        gateway.said(&line).await;
        assert_eq!(gateway.output().matches(&line).count(), 1, "{name}");
    }
    assert!(!gateway.output().contains(KEY));
}

#[tokio::test]
async fn strict_headers_pass_listed_ones_alone() {
    let (upstream, recorder) = Recorder::answering(|_| {
        Response::builder()
            .header("x-internal", "1")
            .header("retry-after", "2")
            .header("x-kept", "3")
            .body(Body::empty())
            .unwrap()
    })
    .await;
    let gateway = gateway(upstream, |command| {
        command.args(["--strict-headers", "--keep-response-header=x-kept"]);
        command.args(["--keep-request-header=x-mine"]);
    })
    .await;
    for protocol in Protocol::BOTH {
        let before = recorder.all().len();
        let sent = [("accept", "a/b"), ("x-mine", "1"), ("x-other", "2")];
        let (head, _) = protocol.get(gateway.address(), "/v1/models", &sent).await;
        let seen = recorder.all().remove(before).head.headers;
        assert_eq!(
            (&seen["accept"], &seen["x-mine"]),
            (&"a/b".parse().unwrap(), &"1".parse().unwrap())
        );
        assert_eq!(seen.get("x-other"), None);
        assert_eq!(head.headers["retry-after"], "2");
        assert_eq!(head.headers["x-kept"], "3");
        assert_eq!(head.headers.get("x-internal"), None);
    }
}

#[tokio::test]
async fn kept_headers_pass() {
    let (upstream, recorder) = Recorder::answering(|_| {
        Response::builder()
            .header("x-frame-options", "DENY")
            .body(Body::empty())
            .unwrap()
    })
    .await;
    let gateway = gateway(upstream, |command| {
        command.args(["--keep-request-header=X-Forwarded-For"]);
        command.args(["--keep-response-header=x-frame-options"]);
    })
    .await;
    let sent = [("x-forwarded-for", "192.0.2.1"), ("x-real-ip", "192.0.2.1")];
    for protocol in Protocol::BOTH {
        let before = recorder.all().len();
        let (head, _) = protocol.get(gateway.address(), "/v1/models", &sent).await;
        assert_eq!(head.headers["x-frame-options"], "DENY");
        let seen = recorder.all().remove(before).head.headers;
        assert_eq!(seen["x-forwarded-for"], "192.0.2.1");
        assert_eq!(seen.get("x-real-ip"), None, "{protocol:?}");
    }
    for option in [
        "--keep-request-header=authorization",
        "--keep-request-header=connection",
        "--keep-response-header=transfer-encoding",
    ] {
        let arguments = ["--upstream=https://api.example.com", option];
        let (code, _, stderr) = ended(arguments, &[("OPENAI_API_KEY", KEY)]).await;
        assert_eq!(code, Some(2), "{option}: {stderr}");
    }
}

#[tokio::test]
async fn location_leads_back_to_the_gateway() {
    let (upstream, _) = Recorder::answering(|seen| {
        let host = seen.head.headers["host"].to_str().unwrap();
        let path = seen.head.uri.path();
        let location = match path {
            "/v1/outside" => format!("http://{host}/login"),
            "/v1/elsewhere" => "https://files.example.com/1".to_owned(),
            _ => format!("http://{host}{path}/next?a=b"),
        };
        Response::builder()
            .status(StatusCode::CREATED)
            .header("location", location)
            .body(Body::empty())
            .unwrap()
    })
    .await;
    let gateway = gateway(upstream, |_| {}).await;
    for protocol in Protocol::BOTH {
        for (path, wanted) in [
            ("/v1/files", Some("/v1/files/next?a=b")),
            ("/v1/files/2", Some("/v1/files/2/next?a=b")),
            ("/v1/outside", None),
            ("/v1/elsewhere", Some("https://files.example.com/1")),
        ] {
            let (head, _) = protocol.get(gateway.address(), path, &[]).await;
            let location = head.headers.get("location");
            assert_eq!(
                location.map(|value| value.to_str().unwrap()),
                wanted,
                "{path}"
            );
        }
    }
}

fn exposed(headers: &HeaderMap) -> Vec<&str> {
    headers
        .get_all("access-control-expose-headers")
        .iter()
        .flat_map(|value| value.to_str().unwrap().split(','))
        .map(str::trim)
        .collect()
}

#[tokio::test]
async fn cors_exposes_what_clients_need() {
    let (upstream, _) = Recorder::start().await;
    let app = "https://app.example.com";
    let gateway = gateway(upstream, |command| {
        command.args(["--cors", app]);
    })
    .await;
    for protocol in Protocol::BOTH {
        let (head, _) = protocol
            .get(gateway.address(), "/v1/models", &[("origin", app)])
            .await;
        assert_eq!(head.headers["access-control-allow-origin"], app);
        let exposed = exposed(&head.headers);
        for name in [
            "mcp-session-id",
            "retry-after",
            "x-request-id",
            "www-authenticate",
            "ratelimit",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-tokens",
        ] {
            assert!(exposed.contains(&name), "{name}: {exposed:?}");
        }
    }
    for origin in [
        "https://*.example.com",
        "https://a.example:443",
        "http://a.example:80",
    ] {
        let arguments = ["--upstream=https://api.example.com", "--cors", origin];
        let (code, _, stderr) = ended(arguments, &[("OPENAI_API_KEY", KEY)]).await;
        assert_eq!(code, Some(2), "{origin}: {stderr}");
    }
}
