//! An upstream that is ahead of the key file, or behind.

use std::fs;
use std::sync::{Arc, Mutex};

use axum::response::IntoResponse;
use http::StatusCode;
use tokio::sync::mpsc;

use super::harness::{Gateway, Recorder, soon};

#[tokio::test]
async fn zero_overlap_never_falls_back() {
    for (overlap, expected) in [("0", StatusCode::OK), ("300", StatusCode::BAD_GATEWAY)] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        fs::write(&file, "sk-1").unwrap();
        let taken = Arc::new(Mutex::new("Bearer sk-1"));
        let (rejected, mut rejections) = mpsc::unbounded_channel();
        let takes = Arc::clone(&taken);
        let (upstream, _recorder) = Recorder::answering(move |seen| {
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
        assert_eq!(soon(asked).await.unwrap().unwrap().status(), expected);
    }
}
