//! Places for requests, which no upstream and no customer can have alone.

use std::net::SocketAddr;

use axum::Router;
use http::StatusCode;
use tokio::sync::watch;

use crate::gateway::config::configured;
use crate::gateway::harness::{Folder, Gateway, Recorder, serve, soon};

const CLIENT: &str = "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";

/// An upstream that answers nothing under `/v1/silent`, and counts the requests there.
async fn silent() -> (SocketAddr, watch::Receiver<usize>) {
    let (count, silent) = watch::channel(0);
    let count = std::sync::Arc::new(count);
    let app = Router::new().route("/v1/open", axum::routing::get(async || "open"));
    let app = app.fallback(async move || {
        count.send_modify(|count| *count += 1);
        std::future::pending::<()>().await;
    });
    (serve(app).await, silent)
}

async fn ask(gateway: &Gateway, path: &str, from: &str) -> StatusCode {
    let request = reqwest::Client::new().get(gateway.url(path));
    let request = request.header("x-forwarded-for", from);
    soon(request.send()).await.unwrap().status()
}

/// Begins a request that gets no answer, and waits until the upstream has it.
async fn begin(gateway: &Gateway, path: &str, from: &str, silent: &mut watch::Receiver<usize>) {
    let before = *silent.borrow_and_update();
    let request = reqwest::Client::new().get(gateway.url(path));
    tokio::spawn(request.header("x-forwarded-for", from).send());
    soon(silent.wait_for(|count| *count > before))
        .await
        .unwrap();
}

#[tokio::test]
async fn silent_upstream_leaves_places_to_others() {
    let (hung, mut silent) = silent().await;
    let (healthy, _) = Recorder::start().await;
    let folder = Folder::new(&format!(
        "max_requests = 4\n\
         [[upstream]]\npath = \"/a\"\nurl = \"http://{hung}\"\nkey_file = \"DIR/key\"\n\
         [[upstream]]\npath = \"/b\"\nurl = \"http://{healthy}\"\nkey_file = \"DIR/key\"\n"
    ));
    folder.write("key", "sk-1");
    let gateway = configured(&folder.config()).await;
    for _ in 0..3 {
        begin(&gateway, "/a/v1/silent", "", &mut silent).await;
    }
    let busy = ask(&gateway, "/a/v1/silent", "").await;
    assert_eq!(busy, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask(&gateway, "/b/v1/models", "").await, StatusCode::OK);
}

#[tokio::test]
async fn customer_without_a_key_counts_as_one() {
    let (upstream, mut silent) = silent().await;
    let gateway = Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.env("GATEWAY_MODE", "mixed");
        command.env("CLIENT_KEYS", CLIENT);
        command.args(["--public", "GET:/v1/silent", "--public", "GET:/v1/open"]);
        command.args(["--trusted-proxy=127.0.0.1", "--max-requests-per-client=1"]);
    })
    .await;
    begin(&gateway, "/v1/silent", "2001:db8::1", &mut silent).await;
    for (from, wanted) in [
        ("2001:db8::2:1", StatusCode::TOO_MANY_REQUESTS),
        ("2001:db8:0:1::1", StatusCode::OK),
        ("192.0.2.1", StatusCode::OK),
    ] {
        assert_eq!(ask(&gateway, "/v1/open", from).await, wanted, "{from}");
    }
}
