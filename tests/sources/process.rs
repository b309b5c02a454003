//! Servers and programs that a test runs.

use std::env;
use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Returns the value of a variable, or says that the test is skipped.
pub(crate) fn installed(variable: &str, test: &str) -> Option<PathBuf> {
    let path = env::var_os(variable).map(PathBuf::from);
    if path.is_none() {
        println!("skipped: {test} needs {variable}; see tests/sources/install");
    }
    path
}

/// Returns whether a program is in `PATH`, or says that the test is skipped.
pub(crate) fn in_path(program: &str, test: &str) -> bool {
    let found = env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()));
    if !found {
        println!("skipped: {test} needs the program {program}");
    }
    found
}

/// Returns a port of loopback that is free, as is the next one.
pub(crate) fn free_port() -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

/// A server that is killed when it is dropped.
pub(crate) struct Server(Child);

impl Server {
    /// Starts a server, and waits until it listens.
    pub(crate) async fn start(command: &mut Command, port: u16) -> Self {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
        let server = Self(quiet.stderr(Stdio::null()).spawn().unwrap());
        let listens = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(30), listens)
            .await
            .expect("the server listens");
        server
    }

    /// Kills the server and waits until it has ended.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a program and returns what it prints.
#[track_caller]
pub(crate) fn run<S: AsRef<OsStr>>(command: &mut Command, args: &[S]) -> String {
    let output = command.args(args).stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
