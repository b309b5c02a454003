//! Two upstreams with different schemes and sources behind one gateway, both rotated under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use super::{Folder, Keyed, configured, readyz};
use crate::gateway::harness::{Gateway, soon};

const ROTATIONS: usize = 20;
const CLIENTS: usize = 6;

/// Clients that send requests to some paths, until told to stop.
pub(crate) struct Load {
    is_over: Arc<AtomicBool>,
    clients: JoinSet<(usize, Vec<String>)>,
}

impl Load {
    pub(crate) fn start(gateway: &Gateway, paths: &[&str]) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let is_over = Arc::clone(&is_over);
            let urls: Vec<_> = paths.iter().map(|path| gateway.url(path)).collect();
            clients.spawn(async move {
                let client = reqwest::Client::new();
                let (mut sent, mut lost) = (0, Vec::new());
                for url in urls.iter().cycle().skip(number) {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    sent += 1;
                    let request = client.post(url).body("hello");
                    match soon(request.send()).await {
                        Ok(answer) if answer.status().is_success() => {}
                        Ok(answer) => lost.push(format!("{url}: {}", answer.status())),
                        Err(error) => lost.push(format!("{url}: {error}")),
                    }
                }
                (sent, lost)
            });
        }
        Self { is_over, clients }
    }

    /// Returns how many requests were sent, and those that failed.
    pub(crate) async fn finish(self) -> (usize, Vec<String>) {
        self.is_over.store(true, Ordering::Relaxed);
        let all = soon(self.clients.join_all()).await;
        let sent = all.iter().map(|(sent, _)| sent).sum();
        (sent, all.into_iter().flat_map(|(_, lost)| lost).collect())
    }
}

fn key(of: &str, number: usize) -> String {
    format!("sk-{of}-{number:04}-0123456789abcdef")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_upstreams_rotate_under_load_from_one_file() {
    let one = Keyed::start("authorization", &format!("Token {}", key("one", 0))).await;
    let two = Keyed::start("x-api-key", &key("two", 0)).await;
    let folder = Folder::new(&format!(
        r#"
        [[upstream]]
        name = "one"
        path = "/one"
        url = "{}"
        scheme = "Token"
        key_file = "DIR/one"

        [[upstream]]
        name = "two"
        path = "/two"
        url = "{}"
        header = "x-api-key"
        key_overlap = 0
        [upstream.key]
        type = "file"
        path = "DIR/two.json"
        field = "api_key"
        "#,
        one.base, two.base
    ));
    let write = |number| {
        folder.write("one", &key("one", number));
        folder.write(
            "two.json",
            &format!(r#"{{"api_key": "{}"}}"#, key("two", number)),
        );
    };
    write(0);
    let gateway = configured(&folder.config()).await;
    let load = Load::start(&gateway, &["/one/v1/chat/completions", "/two/v1/messages"]);
    for number in 1..=ROTATIONS {
        let of_one = |number| format!("Token {}", key("one", number));
        one.accept(&[of_one(number - 1), of_one(number)]);
        two.accept(&[key("two", number - 1), key("two", number)]);
        write(number);
        one.has_seen("authorization", &of_one(number)).await;
        two.has_seen("x-api-key", &key("two", number)).await;
        one.accept(&[of_one(number)]);
        two.accept(&[key("two", number)]);
    }
    let (sent, lost) = load.finish().await;
    assert!(
        lost.is_empty(),
        "{} of {sent} lost: {:?}",
        lost.len(),
        lost.first()
    );
    assert!(sent > ROTATIONS * CLIENTS, "{sent}");
    let (_, body) = readyz(&gateway).await;
    for (number, name) in ["one", "two"].iter().enumerate() {
        assert_eq!(
            body["sources"][number]["name"],
            format!("upstream-key/{name}")
        );
        assert_eq!(body["sources"][number]["generation"], ROTATIONS + 1);
        assert_eq!(body["upstreams"][number]["usable"], true);
    }
    let other_keys = |keyed: &Keyed, header: &str, of: &str| {
        let all = keyed.recorder.all();
        let strange = |seen: &&crate::gateway::harness::Seen| {
            let headers = format!("{:?}", seen.head.headers);
            headers.contains(of) || !seen.head.headers.contains_key(header)
        };
        all.iter().filter(strange).count()
    };
    assert_eq!(other_keys(&one, "authorization", "sk-two"), 0);
    assert_eq!(other_keys(&two, "x-api-key", "sk-one"), 0);
    println!("{ROTATIONS} rotations of two keys: {sent} requests, none lost");
    assert!(!gateway.output().contains("sk-"), "a key was told");
}
