//! `rotating-auth healthcheck`, which asks a running gateway.

use std::process::{Command, Stdio};

use crate::PROGRAM;
use crate::gateway::harness::{Gateway, Recorder};

async fn exit_code(arguments: Vec<String>) -> Option<i32> {
    let run = move || {
        let mut command = Command::new(PROGRAM);
        command.arg("healthcheck").args(arguments);
        command.env_remove("GATEWAY_ADMIN_LISTEN");
        command.stderr(Stdio::null()).status().unwrap().code()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test]
async fn healthcheck_exit_code_says_whether_ready() {
    let (upstream, _recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    let address = gateway.url("").trim_start_matches("http://").to_owned();
    let address = ["--admin-listen".to_owned(), address];
    assert_eq!(exit_code(address.to_vec()).await, Some(0));
    for (path, code) in [("/healthz", 0), ("/readyz", 0), ("/v1/models", 2)] {
        let arguments = [&address[..], &["--path".to_owned(), path.to_owned()]].concat();
        assert_eq!(exit_code(arguments).await, Some(code), "{path}");
    }
    drop(gateway);
    assert_eq!(exit_code(address.to_vec()).await, Some(3));
}
