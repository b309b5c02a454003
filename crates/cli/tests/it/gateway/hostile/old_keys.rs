//! An older copy of the key file, which no reload may bring back.

use http::StatusCode;
use tower_rotating_auth::inbound::KeyDigest;

use crate::gateway::config::applied;
use crate::gateway::harness::{Folder, Gateway, Recorder, soon};

const OLD: &str = "old-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
const NEW: &str = "new-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";

fn keys(serial: u64, keys: &[&str]) -> String {
    let entries = keys.iter().map(|key| {
        let digest = KeyDigest::of(key.as_bytes()).to_text();
        let id = &key[..3];
        format!("[[key]]\nid = \"{id}\"\nclient = \"c\"\ndigest = \"{digest}\"\n")
    });
    let entries: String = entries.collect();
    format!("version = 1\nserial = {serial}\n[[client]]\nid = \"c\"\n{entries}")
}

async fn status(gateway: &Gateway, key: &str) -> StatusCode {
    let request = reqwest::Client::new().get(gateway.url("/v1/models"));
    let answer = soon(request.bearer_auth(key).send()).await.unwrap();
    answer.status()
}

#[tokio::test]
async fn reload_brings_no_revoked_key_back() {
    let (upstream, _) = Recorder::start().await;
    let with = |more: &str| {
        format!(
            "mode = \"production\"\nclient_keys = \"DIR/keys.toml\"\n{more}\n\
             upstream = \"http://{upstream}/v1\"\nupstream_key_file = \"DIR/key\"\n"
        )
    };
    let folder = Folder::new(&with(""));
    folder.write("key", "sk-1");
    folder.write("keys.toml", &keys(2, &[OLD, NEW]));
    let gateway = Gateway::start(|command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--config").arg(folder.config());
    })
    .await;
    assert_eq!(status(&gateway, OLD).await, StatusCode::OK);
    folder.write("keys.toml", &keys(3, &[NEW]));
    gateway.said("client-keys is at generation 2").await;
    assert_eq!(status(&gateway, OLD).await, StatusCode::UNAUTHORIZED);
    folder.write("keys.toml", &keys(2, &[OLD, NEW]));
    gateway.said("keeping client-keys").await;

    // The last one reads the file again, at another interval.
    for (more, reloads, rejections) in [
        ("realm = \"other\"", 1, 0),
        ("trusted_proxy = [\"192.0.2.1\"]", 2, 0),
        ("max_stale = 7200", 3, 0),
        ("poll_interval = 5", 3, 1),
    ] {
        folder.write("gateway.toml", &with(more));
        applied(&gateway, reloads, rejections).await;
        let refused = status(&gateway, OLD).await;
        assert_eq!(refused, StatusCode::UNAUTHORIZED, "{more}");
        assert_eq!(status(&gateway, NEW).await, StatusCode::OK, "{more}");
    }
}
