//! SIGHUP, which has every source of the program read again.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tower_rotating_auth::inbound::KeyDigest;

use crate::gateway::harness::{Gateway, soon};

/// All files have this length, before and after.
const LENGTH: usize = 4096;

/// Changes files through memory that it shares with them, once it is told so. In a file system in
/// memory, that leaves no event and no time behind, so only somebody who reads a file again
/// notices.
const UNSEEN: &str = r#"
import mmap, sys
maps = []
for path in sys.argv[1:]:
    with open(path, 'r+b') as file:
        shared = mmap.mmap(file.fileno(), 0)
    shared[0:1] = shared[0:1]  # the first write does leave a time behind
    with open(path + '.next', 'rb') as file:
        maps.append((shared, file.read()))
print('ready', flush=True)
sys.stdin.readline()
for shared, content in maps:
    shared[:] = content
print('done', flush=True)
sys.stdin.readline()
"#;

/// A program that has not changed the files yet.
struct Unseen {
    child: Child,
}

impl Unseen {
    async fn of(paths: impl Iterator<Item = impl AsRef<Path>>) -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", UNSEEN]).kill_on_drop(true);
        for path in paths {
            command.arg(path.as_ref());
        }
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut unseen = Self {
            child: command.spawn().unwrap(),
        };
        assert_eq!(unseen.line().await, "ready\n");
        unseen
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        let mut output = BufReader::new(self.child.stdout.as_mut().unwrap());
        soon(output.read_line(&mut line)).await.unwrap();
        line
    }

    /// Changes them. The program lives on, since its end would be an event.
    async fn change(&mut self) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(b"go\n").await.unwrap();
        input.flush().await.unwrap();
        assert_eq!(self.line().await, "done\n");
    }
}

/// Returns a certificate and its key.
fn issued() -> [String; 2] {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    [issued.cert.pem(), issued.signing_key.serialize_pem()]
}

fn clients(key: &str) -> String {
    let digest = KeyDigest::of(key.as_bytes()).to_text();
    let key = format!("[[key]]\nid = \"k\"\nclient = \"c\"\ndigest = \"{digest}\"\n");
    format!("version = 1\n[[client]]\nid = \"c\"\n{key}")
}

#[tokio::test]
async fn hangup_reads_each_source_of_the_program() {
    let folder = TempDir::new_in("/dev/shm").unwrap();
    let at = |name: &str| folder.path().join(name);
    let names = ["tls-certificate", "tls-key", "client-keys", "upstream-key"];
    for (number, ending) in ["", ".next"].into_iter().enumerate() {
        let [certificate, key] = issued();
        let clients = clients(&format!("{number}-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe"));
        let contents = [certificate, key, clients, format!("sk-{number}")];
        for (name, mut content) in names.into_iter().zip(contents) {
            content += &"\n".repeat(LENGTH - content.len());
            fs::write(at(&format!("{name}{ending}")), content).unwrap();
        }
    }
    let mut files = Unseen::of(names.iter().map(|name| at(name))).await;
    let gateway = Gateway::start(|command| {
        command.env_remove("GATEWAY_MODE");
        command.args(["--upstream", "http://127.0.0.1:1/v1"]);
        command.args(["--poll-interval", "3600"]);
        command.arg("--tls-cert").arg(at("tls-certificate"));
        command.arg("--tls-key").arg(at("tls-key"));
        command.arg("--client-keys").arg(at("client-keys"));
        command.env("OPENAI_API_KEY_FILE", at("upstream-key"));
    })
    .await;
    files.change().await;
    gateway.hang_up().await;
    for name in names {
        gateway.said(&format!("{name} is at generation 2 ")).await;
    }
}
