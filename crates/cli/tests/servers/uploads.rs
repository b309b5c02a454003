//! Long uploads with a wrong key, by clients that send all before they read.

use std::net::SocketAddr;

use tokio::process::Command;

use crate::harness::{Gateway, Recorder};
use crate::{CLIENT, number, program};

const BYTES: usize = 2_000_000;

const PYTHON: &str = r#"
import http.client, sys
port, count, length = map(int, sys.argv[1:])
seen = 0
for _ in range(count):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("POST", "/v1/files", b"a" * length, {"x-api-key": "wrong"})
        seen += connection.getresponse().status == 401
    except OSError as error:
        print(error, file=sys.stderr)
print(seen)
"#;

const NODE: &str = r#"
const http = require("node:http");
const [port, count, length] = process.argv.slice(1).map(Number);
const headers = { "x-api-key": "wrong", "content-length": length };
const options = { host: "127.0.0.1", port, method: "POST", path: "/v1/files", headers };
const once = () => new Promise((resolve) => {
  const request = http.request(options, (response) => {
    response.resume();
    resolve(response.statusCode);
  });
  request.on("error", (error) => { console.error(error.code); resolve(error.code); });
  request.end(Buffer.alloc(length, "a"));
});
(async () => {
  let seen = 0;
  for (let n = 0; n < count; n++) seen += (await once()) === 401;
  console.log(seen);
})();
"#;

async fn guarded() -> Gateway {
    let (upstream, _) = Recorder::start().await;
    Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.env_remove("GATEWAY_MODE");
        command.env("CLIENT_KEYS", CLIENT);
    })
    .await
}

/// Runs a script that prints how many of its uploads got a 401.
async fn seen(program: Command, script: &str, address: SocketAddr) -> u64 {
    let mut program = program;
    let uploads = number("UPLOADS", 100).to_string();
    let port = address.port().to_string();
    let output = program
        .args([script, &port, &uploads, &BYTES.to_string()])
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    text.trim().parse().unwrap_or_else(|_| panic!("{errors}"))
}

#[tokio::test]
async fn python_sees_each_refusal() {
    let gateway = guarded().await;
    let mut python = Command::new(std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into()));
    python.arg("-c");
    let seen = seen(python, PYTHON, gateway.address()).await;
    println!("python: {seen} of {} saw the 401", number("UPLOADS", 100));
    assert_eq!(seen, number("UPLOADS", 100));
}

#[tokio::test]
async fn node_sees_each_refusal() {
    let gateway = guarded().await;
    let mut node = Command::new(program("NODE"));
    node.arg("-e");
    let seen = seen(node, NODE, gateway.address()).await;
    println!("node: {seen} of {} saw the 401", number("UPLOADS", 100));
    assert_eq!(seen, number("UPLOADS", 100));
}

#[tokio::test]
async fn curl_sees_each_refusal() {
    let gateway = guarded().await;
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body");
    std::fs::write(&body, vec![b'a'; BYTES]).unwrap();
    let mut seen = 0;
    for _ in 0..number("UPLOADS", 100) {
        let output = Command::new(program("CURL"))
            .args([
                "-s",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                "-H",
                "expect:",
            ])
            .args(["-H", "x-api-key: wrong", "--data-binary"])
            .arg(format!("@{}", body.display()))
            .arg(gateway.url("/v1/files"))
            .output()
            .await
            .unwrap();
        seen += u64::from(output.stdout == b"401");
    }
    println!("curl: {seen} of {} saw the 401", number("UPLOADS", 100));
    assert_eq!(seen, number("UPLOADS", 100));
}
