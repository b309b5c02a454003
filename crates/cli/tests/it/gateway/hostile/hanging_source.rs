//! A source that does not answer, which delays nothing but its own value.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::gateway::config::{applied, configured};
use crate::gateway::harness::{Folder, soon};

#[tokio::test]
async fn hanging_source_delays_no_reload() {
    let config = "[[upstream]]\nurl = \"http://127.0.0.1:1/v1\"\nkey = \"exec:DIR/program\"\n";
    let folder = Folder::new(config);
    // It lasts as long as the gateway.
    let program = "#!/bin/sh\n\
                   if test -e DIR/hang; then\n\
                   echo >DIR/hung; while kill -0 $PPID; do sleep 0.1; done; fi\n\
                   echo sk-1\n";
    folder.write("program", program);
    fs::set_permissions(folder.path("program"), fs::Permissions::from_mode(0o700)).unwrap();
    let gateway = configured(&folder.config()).await;
    folder.write("hang", "");
    gateway.hang_up().await;
    let hangs = async {
        while !folder.path("hung").exists() {
            tokio::task::yield_now().await;
        }
    };
    soon(hangs).await;
    folder.write("gateway.toml", &format!("max_requests = 100\n{config}"));
    // SIGHUP applies the file once, too.
    applied(&gateway, 2, 0).await;
    assert!(!gateway.output().contains("refresh failed"), "still hangs");
}
