//! The examples that end by themselves: what they show.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::support::example;

#[tokio::test]
async fn limits_count_by_client_and_replays_where_they_are_inside_of_the_key() {
    let program = Command::new(example("rate_limited"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(Duration::from_secs(60), program).await;
    let output = output.expect("it ends by itself").unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    for line in [
        "  batch                  200 200 200 429 429\n",
        "  batch, another key     429\n",
        "  webapp                 200 200 200\n",
        "  somebody, a wrong key  401 401 401 401\n",
        "  limit outside of the key  4 counted, 5 reached the upstream, in ",
        "  limit inside of the key   5 counted, 5 reached the upstream, in ",
    ] {
        assert!(said.contains(line), "{said}");
    }
}
