//! An upstream that is ahead of the key file, or behind.

use std::fs;
use std::sync::{Arc, Mutex};

use axum::response::IntoResponse;
use http::StatusCode;
use tokio::sync::mpsc;

use crate::gateway::harness::{Gateway, Recorder, Seen, soon};

#[tokio::test]
async fn zero_overlap_never_falls_back() {
    for (overlap, falls_back) in [("0", false), ("300", true)] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        fs::write(&file, "sk-1").unwrap();
        let taken = Arc::new(Mutex::new("Bearer sk-1"));
        let (rejected, mut rejections) = mpsc::unbounded_channel();
        let takes = Arc::clone(&taken);
        let (upstream, recorder) = Recorder::answering(move |seen| {
            if seen.head.headers["authorization"] == **takes.lock().unwrap() {
                return StatusCode::OK.into_response();
            }
            rejected.send(()).unwrap();
            StatusCode::UNAUTHORIZED.into_response()
        })
        .await;
        let gateway = Gateway::start(|command| {
            command.args(["--upstream", &format!("http://{upstream}/v1")]);
            command.args(["--upstream-key-overlap", overlap]);
            command.arg("--upstream-key-file").arg(&file);
        })
        .await;
        let ask = || tokio::spawn(reqwest::get(gateway.url("/v1/models")));
        assert_eq!(soon(ask()).await.unwrap().unwrap().status(), StatusCode::OK);

        fs::write(&file, "sk-2").unwrap();
        gateway.said("rotated").await;
        *taken.lock().unwrap() = "Bearer sk-3";
        let asked = ask();
        soon(rejections.recv()).await.unwrap();
        fs::write(&file, "sk-3").unwrap();
        let status = soon(asked).await.unwrap().unwrap().status();
        // The new key comes at once, so a request that fell back may still be sent with it.
        assert!(falls_back || status == StatusCode::OK, "{status}");
        let is_previous = |seen: &Seen| seen.head.headers["authorization"] == "Bearer sk-1";
        let sent = recorder.all();
        assert_eq!(sent[1..].iter().any(is_previous), falls_back, "{overlap}");
    }
}
