//! Streams that are open while the file of client keys becomes another one.

use http::StatusCode;

use super::{Folder, applied};
use crate::gateway::harness::{Gateway, soon};
use crate::gateway::upstream::streaming::held_stream;

const ONE: &str = "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
const TWO: &str = "two-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";

/// Opens a stream, and reads its first event.
async fn open(gateway: &Gateway, path: &str, key: &str) -> reqwest::Response {
    let request = reqwest::Client::new().get(gateway.url(path));
    let mut answer = soon(request.bearer_auth(key).send()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(next(&mut answer).await.as_deref(), Some("data: first\n\n"));
    answer
}

/// Returns the next event, or `None` if the stream was cut.
async fn next(answer: &mut reqwest::Response) -> Option<String> {
    let chunk = soon(answer.chunk()).await.ok()??;
    Some(String::from_utf8(chunk.to_vec()).unwrap())
}

#[tokio::test]
async fn key_that_the_new_file_lacks_ends_its_streams() {
    let (upstreams, senders): (Vec<_>, Vec<_>) =
        futures_util::future::join_all([held_stream(), held_stream()])
            .await
            .into_iter()
            .unzip();
    let with = |keys: &str, more: &str| {
        format!(
            "mode = \"production\"\nclient_keys = \"DIR/{keys}\"\n{more}\n\
             [[upstream]]\npath = \"/one\"\nurl = \"http://{}\"\nkey_file = \"DIR/key\"\n\
             [[upstream]]\npath = \"/two\"\nurl = \"http://{}\"\nkey_file = \"DIR/key\"\n",
            upstreams[0], upstreams[1]
        )
    };
    let folder = Folder::new(&with("old", ""));
    let both = format!("{ONE}\n{TWO}");
    for (name, text) in [
        ("key", "sk-1"),
        ("old", &*both),
        ("new", TWO),
        ("empty", ""),
    ] {
        folder.write(name, text);
    }
    let gateway = Gateway::start(|command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--config").arg(folder.config());
    })
    .await;
    for sender in &senders {
        sender.send("first").unwrap();
    }
    let mut one = open(&gateway, "/one/v1/events", ONE).await;
    let mut two = open(&gateway, "/two/v1/events", TWO).await;

    // Fields beside the file leave the keys alone, and so does a file that is not usable.
    folder.write(
        "gateway.toml",
        &with("old", "realm = \"other\"\nmax_stale = 60"),
    );
    let body = applied(&gateway, 1, 0).await;
    let generation = |body: &serde_json::Value| {
        let sources = body["sources"].as_array().unwrap().iter();
        let mut keys = sources.filter(|source| source["name"] == "client-keys");
        keys.next().unwrap()["generation"].as_u64().unwrap()
    };
    assert_eq!(generation(&body), 1, "{body}");
    folder.write("gateway.toml", &with("empty", ""));
    let body = applied(&gateway, 1, 1).await;
    assert_eq!(body["config"]["error"]["kind"], "unusable", "{body}");
    assert_eq!(body["status"], "ready", "{body}");
    for (stream, sender) in [(&mut one, &senders[0]), (&mut two, &senders[1])] {
        sender.send("second").unwrap();
        assert_eq!(next(stream).await.as_deref(), Some("data: second\n\n"));
    }

    folder.write("gateway.toml", &with("new", ""));
    let body = applied(&gateway, 2, 1).await;
    assert_eq!(generation(&body), 2, "{body}");
    assert_eq!(next(&mut one).await, None, "the new file has no such key");
    soon(senders[0].closed()).await;
    senders[1].send("third").unwrap();
    assert_eq!(next(&mut two).await.as_deref(), Some("data: third\n\n"));

    // From now on, the gateway follows the new file and not the old one.
    folder.write("old", ONE);
    folder.write("new", ONE);
    assert_eq!(next(&mut two).await, None, "revoked in the new file");
}
