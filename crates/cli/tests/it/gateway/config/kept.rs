//! The parts of an upstream that outlive a reload.

use http::StatusCode;
use serde_json::Value;

use super::{Folder, Keyed, applied, configured, status};

fn generation(readyz: &Value) -> &Value {
    &readyz["sources"][0]["generation"]
}

#[tokio::test]
async fn unrelated_changes_keep_the_previous_key() {
    // The upstream never accepts the newer key.
    let keyed = Keyed::start("authorization", "Bearer sk-1").await;
    let table = format!(
        "[[upstream]]\nname = \"a\"\nurl = \"{}\"\nkey_file = \"DIR/a\"\n",
        keyed.base
    );
    let folder = Folder::new(&table);
    folder.write("a", "sk-1");
    let gateway = configured(&folder.config()).await;
    assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);
    folder.write("a", "sk-2");
    gateway.said("upstream-key/a is at generation 2").await;
    assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);

    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    folder.write("ca.pem", &issued.cert.pem());
    let of_all = [
        "max_requests = 100",
        "max_requests_per_client = 10",
        "upload_timeout = 5",
        "replay_size = 5",
        "replay_memory = \"1MiB\"",
        "continue_timeout = 5",
        "key_wait = 1",
        "poll_interval = 3",
        "strict_headers = true",
        "keep_request_header = [\"x-real-ip\"]",
    ];
    let of_all = of_all.map(|line| format!("{line}\n{table}"));
    let of_one = [
        "timeout = 5",
        "rejected_by = [\"403\"]",
        "ca = \"DIR/ca.pem\"",
        "path = \"/v1\"",
    ];
    let of_one = of_one.map(|line| format!("{table}{line}\n"));
    for (text, reloads) in of_all.iter().chain(&of_one).zip(1..) {
        folder.write("gateway.toml", text);
        let body = applied(&gateway, reloads, 0).await;
        assert_eq!(*generation(&body), 2, "{text}: {body}");
        assert_eq!(
            status(&gateway, "/v1/models").await,
            StatusCode::OK,
            "{text}"
        );
    }
}

#[tokio::test]
async fn another_server_gets_no_previous_key() {
    let [one, two] = [
        Keyed::start("authorization", "Bearer sk-1").await,
        Keyed::start("authorization", "Bearer sk-2").await,
    ];
    let table = format!(
        "[[upstream]]\nname = \"a\"\nurl = \"{}\"\nkey_file = \"DIR/a\"\n",
        one.base
    );
    let folder = Folder::new(&table);
    folder.write("a", "sk-1");
    let gateway = configured(&folder.config()).await;
    assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);
    folder.write("a", "sk-2");
    gateway.said("upstream-key/a is at generation 2").await;
    folder.write("gateway.toml", &table.replace(&one.base, &two.base));
    let body = applied(&gateway, 1, 0).await;
    assert_eq!(*generation(&body), 1, "{body}");
    assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);
    let sent = two.recorder.only().head.headers["authorization"].clone();
    assert_eq!(sent, "Bearer sk-2");
}

#[tokio::test]
async fn reload_does_not_wait_for_a_key() {
    let keyed = Keyed::start("authorization", "Bearer sk-1").await;
    let mode = "mode = \"production\"\nwait_for_key = 3600\n";
    let upstream = format!("upstream = \"{}\"\n", keyed.base);
    let with = |clients: &str, key: &str| {
        format!(
            "{mode}client_keys = \"DIR/{clients}\"\n{upstream}upstream_key_file = \"DIR/{key}\"\n"
        )
    };
    let folder = Folder::new(&with("clients", "key"));
    folder.write("key", "sk-1");
    folder.write("clients", "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
    let gateway = crate::gateway::harness::Gateway::waiting(|command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--config").arg(folder.config());
    })
    .await;
    gateway.said("listening on ").await;
    let missing = [with("clients", "missing"), with("missing", "key")];
    for (text, rejections) in missing.iter().zip(1..) {
        folder.write("gateway.toml", text);
        let body = applied(&gateway, 0, rejections).await;
        assert_eq!(body["config"]["error"]["kind"], "unusable", "{text}");
    }
}
