//! The loads of the file in the audit file, and what `/readyz` shows of it to everybody.

use std::fs;

use serde_json::Value;

use super::{Folder, applied, configured, readyz};
use crate::gateway::harness::{Recorder, soon};

const SENTINEL: &str = "sk-sentinel-7f3a";

/// Returns the lines of the audit file about the configuration, once there are so many.
async fn loads(folder: &Folder, count: usize) -> Vec<Value> {
    let all = async {
        loop {
            let text = fs::read_to_string(folder.path("audit.jsonl")).unwrap();
            assert!(!text.contains(SENTINEL), "{text}");
            let lines = text.lines().filter_map(|line| {
                let line: Value = serde_json::from_str(line).ok()?;
                let event = line["event"].as_str()?;
                event.starts_with("configuration_").then_some(line)
            });
            let lines: Vec<_> = lines.collect();
            if lines.len() >= count {
                return lines;
            }
            tokio::task::yield_now().await;
        }
    };
    soon(all).await
}

#[tokio::test]
async fn each_load_has_a_line_in_the_audit_file() {
    let (upstream, _recorder) = Recorder::start().await;
    let good = format!(
        "audit_file = \"DIR/audit.jsonl\"\nupstream = \"http://{upstream}\"\n\
         upstream_key_file = \"DIR/key\"\n"
    );
    let folder = Folder::new(&good);
    folder.write("key", "sk-1");
    let gateway = configured(&folder.config()).await;
    let (mut reloads, mut rejections) = (0, 0);
    for (text, is_applied) in [
        (format!("max_requests = 7\n{good}"), true),
        (format!("max_requests = \"{SENTINEL}\"\n{good}"), false),
        (format!("{good}{SENTINEL} = 1\n"), false),
        (good.replace("DIR/key", "DIR/missing"), false),
        (format!("keep_alive = 9\n{good}"), true),
    ] {
        folder.write("gateway.toml", &text);
        match is_applied {
            true => reloads += 1,
            false => rejections += 1,
        }
        applied(&gateway, reloads, rejections).await;
    }
    fs::remove_file(folder.config()).unwrap();
    applied(&gateway, reloads, rejections + 1).await;
    // The content that runs, so that the signal alone applies it.
    folder.write("gateway.toml", &format!("keep_alive = 9\n{good}"));
    gateway.hang_up().await;
    applied(&gateway, reloads + 1, rejections + 1).await;

    let lines = loads(&folder, 10).await;
    let seen: Vec<_> = lines
        .iter()
        .map(|line| ["event", "reason", "generation", "field", "line"].map(|name| &line[name]))
        .map(|values| values.map(ToString::to_string).join(" ").replace('"', ""))
        .collect();
    let generation = |line: usize| lines[line]["generation"].as_u64().unwrap();
    assert_eq!(generation(0), 1);
    for (line, wanted) in [
        "loaded start 1 null null",
        "loaded changed 2 null null",
        "rejected value 3 max_requests 1",
        "rejected unknown_field 4 null 4",
        "rejected unusable 5 null null",
        "loaded changed 6 null null",
        "rejected needs_restart 6 keep_alive null",
        "rejected unreadable null null null",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(seen[line], format!("configuration_{wanted}"), "{seen:?}");
    }
    assert!(
        seen.iter()
            .any(|line| line.starts_with("configuration_loaded requested ")),
        "{seen:?}"
    );
    assert!(lines.iter().all(|line| line["name"] == "config"));
}

#[tokio::test]
async fn readyz_shows_no_path_host_or_source() {
    let (upstream, _recorder) = Recorder::start().await;
    // Not the address of the gateway, by name.
    let host = format!("127.0.0.7:{}", upstream.port());
    let good = format!(
        "[[upstream]]\npath = \"/a\"\nurl = \"http://{host}/v1\"\nkey_file = \"DIR/key\"\n\
         [[upstream]]\nurl = \"unix:DIR/server.sock\"\nkey = \"file:DIR/key\"\n"
    );
    let folder = Folder::new(&good);
    folder.write("key", "sk-1");
    let gateway = configured(&folder.config()).await;
    let dir = folder.path("");
    let dir = dir.to_str().unwrap().trim_end_matches('/').to_owned();
    let check = |body: &Value| {
        let text = body.to_string();
        for detail in [&*dir, "127.0.0.7", ".sock", SENTINEL] {
            assert!(!text.contains(detail), "{detail}: {text}");
        }
    };
    let (_, body) = readyz(&gateway).await;
    check(&body);
    assert_eq!(body["config"]["file"], "gateway.toml");
    let names: Vec<_> = body["upstreams"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&names[0]["name"], &names[1]["name"]),
        (&"a".into(), &"default".into())
    );

    fs::remove_file(folder.path("key")).unwrap();
    gateway.hang_up().await;
    gateway.said("keeping upstream-key/a").await;
    check(&readyz(&gateway).await.1);
    folder.write("gateway.toml", &format!("{SENTINEL} = 1\n{good}"));
    let body = applied(&gateway, 1, 1).await;
    check(&body);
    assert_eq!(body["config"]["error"]["kind"], "unknown_field");
    assert!(body["config"]["error"]["field"].is_null(), "{body}");
}
