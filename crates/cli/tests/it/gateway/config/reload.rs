//! The file changes while requests are on their way.

use http::StatusCode;

use super::rotation::Load;
use super::{Folder, Keyed, applied, configured, readyz, status};
use crate::gateway::harness::{Recorder, soon};
use crate::gateway::upstream::streaming::held_stream;

const CLIENT: &str = "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_changes_under_load_lose_no_request() {
    let keyed = Keyed::start("authorization", "Bearer sk-2").await;
    let (stream, events) = held_stream().await;
    let (third, third_requests) = Recorder::start().await;
    let base = format!(
        "[[upstream]]\nname = \"a\"\npath = \"/a\"\nurl = \"{}\"\nkey_file = \"DIR/a\"\n\
         [[upstream]]\nname = \"s\"\npath = \"/s\"\nurl = \"http://{stream}\"\nkey_file = \"DIR/s\"\n",
        keyed.base
    );
    let extra = |path: &str| {
        format!(
            "[[upstream]]\nname = \"x\"\npath = \"{path}\"\nurl = \"http://{third}\"\nkey_file = \"DIR/x\"\n"
        )
    };
    let folder = Folder::new(&base);
    for (name, key) in [("a", "sk-1"), ("s", "sk-s"), ("x", "sk-x"), ("y", "sk-y")] {
        folder.write(name, key);
    }
    let gateway = configured(&folder.config()).await;
    // The engine of an unchanged upstream counts on, so that its generation tells whether it was
    // kept.
    folder.write("a", "sk-2");
    gateway.said("upstream-key/a is at generation 2").await;
    let mut answer = soon(reqwest::get(gateway.url("/s/v1/events")))
        .await
        .unwrap();
    let load = Load::start(&gateway, &["/a/v1/models"]);

    let changed = base.replace("DIR/s", "DIR/y");
    let steps = [
        (format!("{base}{}", extra("/x")), true),
        (format!("{base}{}", extra("/z")), true),
        ("listen = ".to_owned(), false),
        (
            format!("cors = [\"https://app.example.com\"]\n{base}"),
            true,
        ),
        (format!("strict_headers = true\n{base}"), true),
        (changed.clone(), true),
        (
            format!("{base}{}", extra("/x").replace("DIR/x", "DIR/missing")),
            false,
        ),
        (format!("max_requests = 1000\nkey_wait = 2\n{base}"), true),
        (format!("realm = \"other\"\n{base}"), true),
        (base.clone(), true),
    ];
    let (mut reloads, mut rejections) = (0, 0);
    for (text, is_valid) in &steps {
        folder.write("gateway.toml", text);
        match is_valid {
            true => reloads += 1,
            false => rejections += 1,
        }
        let body = applied(&gateway, reloads, rejections).await;
        let wanted = if *is_valid { "current" } else { "rejected" };
        assert_eq!(body["config"]["status"], wanted, "{text}: {body}");
        assert_eq!(body["status"], "ready", "{body}");
        events.send("event").unwrap();
        let chunk = soon(answer.chunk()).await.unwrap();
        assert_eq!(chunk.as_deref(), Some(&b"data: event\n\n"[..]), "{text}");
    }
    drop(events);
    assert_eq!(
        soon(answer.chunk()).await.unwrap(),
        None,
        "the stream ended well"
    );
    let (sent, lost) = load.finish().await;
    assert!(
        lost.is_empty(),
        "{} of {sent} lost: {:?}",
        lost.len(),
        lost.first()
    );
    assert!(sent > steps.len(), "{sent}");
    println!("10 changes of the file, 2 with an error: {sent} requests, none lost");
    drop(third_requests);
}

#[tokio::test]
async fn unchanged_upstream_keeps_its_key_and_engine() {
    let (upstream, recorder) = Recorder::start().await;
    let base = format!(
        "[[upstream]]\nname = \"a\"\npath = \"/a\"\nurl = \"http://{upstream}\"\nkey_file = \"DIR/a\"\n"
    );
    let folder = Folder::new(&base);
    folder.write("a", "sk-1");
    let gateway = configured(&folder.config()).await;
    folder.write("a", "sk-2");
    gateway.said("upstream-key/a is at generation 2").await;
    let second = base.replace("\"a\"", "\"b\"").replace("/a\"", "/b\"");
    folder.write("b", "sk-b");
    folder.write("gateway.toml", &format!("{base}{second}"));
    let body = applied(&gateway, 1, 0).await;
    let generations: Vec<_> = body["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| (source["name"].clone(), source["generation"].clone()))
        .collect();
    assert_eq!(
        generations,
        [
            ("upstream-key/a".into(), 2.into()),
            ("upstream-key/b".into(), 1.into())
        ]
    );
    assert_eq!(status(&gateway, "/b/v1/models").await, StatusCode::OK);
    folder.write("gateway.toml", &second);
    applied(&gateway, 2, 0).await;
    assert_eq!(
        status(&gateway, "/a/v1/models").await,
        StatusCode::NOT_FOUND
    );
    let sent = recorder.only().head.headers["authorization"].clone();
    assert_eq!(sent, "Bearer sk-b");
}

#[tokio::test]
async fn broken_file_keeps_the_last_good_configuration() {
    let (upstream, _recorder) = Recorder::start().await;
    let good = format!("upstream = \"http://{upstream}\"\nupstream_key_file = \"DIR/key\"\n");
    let folder = Folder::new(&good);
    folder.write("key", "sk-1");
    let gateway = configured(&folder.config()).await;
    folder.write("gateway.toml", &format!("{good}\n\nmax_requests = 0\n"));
    let body = applied(&gateway, 0, 1).await;
    let error = &body["config"]["error"];
    assert_eq!(
        (&error["kind"], &error["line"], &error["field"]),
        (&"value".into(), &5.into(), &"max_requests".into())
    );
    let line = gateway.said("configuration rejected").await;
    assert!(line.contains("gateway.toml:5: max_requests"), "{line}");
    assert_eq!(readyz(&gateway).await.0, StatusCode::OK);
    assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);
    folder.write("gateway.toml", &format!("{good}\nmax_requests = 7\n"));
    let body = applied(&gateway, 1, 1).await;
    assert!(body["config"]["error"].is_null(), "{body}");
}

#[tokio::test]
async fn listen_address_needs_a_restart() {
    let (upstream, _recorder) = Recorder::start().await;
    let good = format!("upstream = \"http://{upstream}\"\nupstream_key_file = \"DIR/key\"\n");
    let folder = Folder::new(&good);
    folder.write("key", "sk-1");
    let gateway = configured(&folder.config()).await;
    folder.write(
        "gateway.toml",
        &format!("admin_listen = \"127.0.0.1:1\"\nkeep_alive = 9\n{good}"),
    );
    let body = applied(&gateway, 1, 0).await;
    let needs: Vec<_> = body["config"]["needs_restart"].as_array().unwrap().clone();
    assert_eq!(needs, ["admin_listen", "keep_alive"]);
    gateway.said("admin_listen, keep_alive").await;
    folder.write("gateway.toml", &format!("{good}\n# as before\n"));
    let body = applied(&gateway, 2, 0).await;
    assert_eq!(body["config"]["needs_restart"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn client_keys_of_another_file_take_over() {
    let (upstream, _recorder) = Recorder::start().await;
    let with = |keys: &str| {
        format!(
            "mode = \"production\"\nclient_keys = \"DIR/{keys}\"\nupstream = \"http://{upstream}\"\n\
             upstream_key_file = \"DIR/key\"\n"
        )
    };
    let other = CLIENT.replace("one-", "two-");
    let folder = Folder::new(&with("one"));
    for (name, key) in [("key", "sk-1"), ("one", CLIENT), ("two", &other)] {
        folder.write(name, key);
    }
    let gateway = crate::gateway::harness::Gateway::start(|command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--config").arg(folder.config());
    })
    .await;
    let client = reqwest::Client::new();
    let ask = async |key: &str| {
        let request = client.get(gateway.url("/v1/models")).bearer_auth(key);
        request.send().await.unwrap().status()
    };
    assert_eq!(ask(CLIENT).await, StatusCode::OK);
    assert_eq!(ask(&other).await, StatusCode::UNAUTHORIZED);
    folder.write("gateway.toml", &with("two"));
    applied(&gateway, 1, 0).await;
    assert_eq!(ask(CLIENT).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&other).await, StatusCode::OK);
    folder.write("gateway.toml", &with("missing"));
    let body = applied(&gateway, 1, 1).await;
    assert_eq!(body["config"]["error"]["kind"], "unusable");
    assert_eq!(ask(&other).await, StatusCode::OK);
}

#[tokio::test]
async fn hangup_reads_file_and_sources_again() {
    let (upstream, recorder) = Recorder::start().await;
    let good = format!("upstream = \"http://{upstream}\"\nupstream_key = \"exec:DIR/program\"\n");
    let folder = Folder::new(&good);
    folder.write("key", "sk-1");
    folder.write("program", "#!/bin/sh\ncat DIR/key\n");
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(folder.path("program"), mode).unwrap();
    let gateway = configured(&folder.config()).await;
    folder.write("key", "sk-2");
    gateway.hang_up().await;
    gateway.said("upstream-key is at generation 2").await;
    applied(&gateway, 1, 0).await;
    assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);
    assert_eq!(recorder.only().head.headers["authorization"], "Bearer sk-2");
}
