//! Text of clients, which stays within its field.

use tower_rotating_auth::{Rotating, inbound::KeySet, inbound::RequireKeyLayer};

use super::{audit, status, with};
use crate::support::Traced;

#[tokio::test(start_paused = true)]
async fn log_injection_stays_escaped() {
    let traced = Traced::new();
    let (audit, lines) = audit();
    let (keys, publisher) = Rotating::manual(KeySet::empty());
    let layer = RequireKeyLayer::new(keys).observer(audit.observer());
    let forged = r#"{"event":"used","client":"admin"}"#;
    // Bytes above ASCII are allowed in a path of this type, and an escaped line end always is.
    let paths = [
        "/%0a%7b%22event%22:%22used%22%7d",
        "/\u{202e}\u{2028}\u{85}\u{9b}2J",
        "/%1b[2J/",
    ];
    for path in paths {
        let mut request = with("/", "nobody-8Zk1tQ0mVd7RyXw3LpHs5N", forged);
        *request.uri_mut() = http::Uri::from_maybe_shared(bytes::Bytes::from(path)).unwrap();
        let agent = http::HeaderValue::from_bytes("a\u{85}\u{202e}b".as_bytes()).unwrap();
        request.headers_mut().insert("user-agent", agent);
        assert_eq!(status(&layer, request).await, 401);
    }
    let long = format!("/{}", "x".repeat(10_000));
    let mut request = with(&long, "nobody-8Zk1tQ0mVd7RyXw3LpHs5N", &"y".repeat(10_000));
    *request.method_mut() = "M".repeat(60_000).parse().unwrap();
    assert_eq!(status(&layer, request).await, 401);
    drop((layer, publisher, audit));

    let lines = lines.all();
    assert_eq!(lines.len(), 4, "{lines:?}");
    for (line, path) in lines.iter().zip(paths) {
        assert!(
            line.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{line}"
        );
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["event"], "refused");
        assert_eq!(line["route"], path);
        assert_eq!(line["request_id"], forged);
        assert_eq!(line.get("client"), None);
    }
    let line: serde_json::Value = serde_json::from_str(&lines[3]).unwrap();
    assert_eq!(line["route"].as_str().unwrap().len(), 200);
    assert_eq!(line["request_id"].as_str().unwrap().len(), 200);
    assert_eq!(line["method"].as_str().unwrap().len(), 32);
    let text = traced.text();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(
        !text.contains(['\u{202e}', '\u{2028}', '\u{85}', '\u{9b}', '\u{1b}']),
        "{text}"
    );
}
