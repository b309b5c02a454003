//! Files that cannot be read or applied, and files that change before the gateway has started.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use http::StatusCode;
use serde_json::Value;

use super::{Folder, applied, configured, readyz, status};
use crate::gateway::harness::{Gateway, Recorder, soon};

/// Waits until `/readyz` has this status of the file, and returns its part about the file.
async fn config_is(gateway: &Gateway, status: &str) -> Value {
    let reaching = async {
        loop {
            let config = readyz(gateway).await.1["config"].take();
            if config["status"] == status {
                return config;
            }
            tokio::task::yield_now().await;
        }
    };
    soon(reaching).await
}

#[tokio::test]
async fn unreadable_file_is_rejected_until_readable() {
    let (upstream, _recorder) = Recorder::start().await;
    let good = format!("upstream = \"http://{upstream}\"\nupstream_key_file = \"DIR/key\"\n");
    let folder = Folder::new(&good);
    folder.write("key", "sk-1");
    let gateway = configured(&folder.config()).await;
    let broken: [&dyn Fn(); 4] = [
        &|| fs::remove_file(folder.config()).unwrap(),
        &|| folder.write("gateway.toml", ""),
        &|| folder.write("gateway.toml", &"#".repeat(5 << 20)),
        &|| {
            let mode = fs::Permissions::from_mode(0o666);
            fs::set_permissions(folder.config(), mode).unwrap();
        },
    ];
    for (broken, rejections) in broken.iter().zip(1..) {
        broken();
        let body = applied(&gateway, 0, rejections).await;
        let config = &body["config"];
        assert_eq!(config["status"], "rejected", "{body}");
        assert_eq!(config["error"]["kind"], "unreadable", "{body}");
        assert_eq!(body["status"], "ready", "{body}");
        assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);
        // The content is that which runs, so nothing is applied.
        folder.write("gateway.toml", &good);
        let config = config_is(&gateway, "current").await;
        assert!(config["error"].is_null(), "{config}");
        assert_eq!(
            (&config["reloads"], &config["rejections"]),
            (&0.into(), &rejections.into())
        );
    }
    gateway.said("configuration rejected: cannot read").await;
}

#[tokio::test]
async fn hangup_does_not_apply_an_unreadable_file() {
    let (upstream, _recorder) = Recorder::start().await;
    let good = format!("upstream = \"http://{upstream}\"\nupstream_key_file = \"DIR/key\"\n");
    let folder = Folder::new(&good);
    folder.write("key", "sk-1");
    let gateway = configured(&folder.config()).await;
    fs::remove_file(folder.config()).unwrap();
    applied(&gateway, 0, 1).await;
    folder.write("key", "sk-2");
    gateway.hang_up().await;
    gateway.said("configuration not reloaded").await;
    gateway.said("upstream-key is at generation 2").await;
    let (_, body) = readyz(&gateway).await;
    assert_eq!(body["config"]["status"], "rejected", "{body}");
    assert_eq!(body["config"]["reloads"], 0, "{body}");
    assert!(!gateway.output().contains("configuration reloaded"));
    folder.write("gateway.toml", &good);
    gateway.hang_up().await;
    let body = applied(&gateway, 1, 1).await;
    assert_eq!(body["config"]["status"], "current", "{body}");
}

#[tokio::test]
async fn change_during_the_wait_for_keys_is_applied() {
    let (upstream, _recorder) = Recorder::start().await;
    let good = format!(
        "wait_for_key = 3600\nupstream = \"http://{upstream}\"\nupstream_key_file = \"DIR/key\"\n"
    );
    let folder = Folder::new(&good);
    let gateway = Gateway::waiting(|command| {
        command.arg("--config").arg(folder.config());
    })
    .await;
    folder.write("gateway.toml", &format!("upstream_path = \"/a\"\n{good}"));
    gateway.said("config is at generation 2").await;
    folder.write("key", "sk-1");
    gateway.said("listening on ").await;
    applied(&gateway, 1, 0).await;
    assert_eq!(status(&gateway, "/a/models").await, StatusCode::OK);
    assert_eq!(status(&gateway, "/models").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn valid_file_that_needs_a_restart_is_current() {
    let (upstream, _recorder) = Recorder::start().await;
    let running = format!(
        "mode = \"production\"\nclient_keys = \"DIR/clients\"\n\
         upstream = \"http://{upstream}\"\nupstream_key_file = \"DIR/key\"\n"
    );
    let folder = Folder::new(&running);
    folder.write("key", "sk-1");
    folder.write("clients", "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
    let gateway = Gateway::start(|command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--config").arg(folder.config());
    })
    .await;
    // `public` is an error without the new mode, which needs a restart.
    let new = running.replace("production", "mixed");
    let new = format!("public = [\"GET:/v1/models\"]\n{new}");
    folder.write("gateway.toml", &new);
    gateway.said("configuration not applied: mode ").await;
    let config = config_is(&gateway, "current").await;
    assert_eq!(config["needs_restart"], Value::from(vec!["mode"]));
    let counts = (&config["reloads"], &config["rejections"]);
    assert_eq!(counts, (&0.into(), &0.into()));
    let refused = status(&gateway, "/v1/models").await;
    assert_eq!(refused, StatusCode::UNAUTHORIZED);
    folder.write("gateway.toml", &format!("{running}\n"));
    let body = applied(&gateway, 1, 0).await;
    assert_eq!(body["config"]["needs_restart"].as_array().unwrap().len(), 0);
}
