//! The built program.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::process::{Output, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::{closed_port, soon};
use crate::PROGRAM;

/// The gateway's own key, where a test has no other.
pub(crate) const KEY: &str = "sk-of-the-gateway";

/// Returns whether a variable changes what the program does.
fn is_read_by_the_program(name: &str) -> bool {
    let others = [
        "CLIENT_KEYS",
        "OPENAI_API_BASE_URL",
        "OPENAI_API_KEY",
        "OPENAI_API_KEY_FILE",
        "RUST_LOG",
    ];
    name.starts_with("GATEWAY_") || others.contains(&name)
}

/// Returns a command of the program without the variables of the environment that the tests run in.
pub(crate) fn program() -> std::process::Command {
    let mut command = std::process::Command::new(PROGRAM);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_read_by_the_program) {
            command.env_remove(name);
        }
    }
    command
}

/// Returns a command that needs no client keys, for tests of other things.
fn command(subcommand: &str) -> Command {
    let mut command = Command::from(program());
    command.arg(subcommand);
    command.env("GATEWAY_MODE", "development");
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

#[test]
fn environment_does_not_reach_the_program() {
    for name in [
        "GATEWAY_CONFIG",
        "GATEWAY_LOG_FORMAT",
        "OPENAI_API_KEY",
        "RUST_LOG",
    ] {
        assert!(is_read_by_the_program(name), "{name}");
    }
    assert!(!is_read_by_the_program("PATH"));
}

/// Runs the gateway until it ends; returns its exit code and both outputs.
pub(crate) async fn ended<A: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = A>,
    variables: &[(&str, &str)],
) -> (Option<i32>, String, String) {
    ended_by(command("gateway"), arguments, variables).await
}

/// The same without a mode in the environment.
pub(crate) async fn default_mode<A: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = A>,
    variables: &[(&str, &str)],
) -> (Option<i32>, String, String) {
    let mut command = command("gateway");
    command.env_remove("GATEWAY_MODE");
    ended_by(command, arguments, variables).await
}

/// Runs the demo until it ends; returns its exit code and both outputs.
pub(crate) async fn demo_ended<A: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = A>,
) -> (Option<i32>, String, String) {
    ended_by(command("demo"), arguments, &[]).await
}

async fn ended_by<A: AsRef<OsStr>>(
    mut command: Command,
    arguments: impl IntoIterator<Item = A>,
    variables: &[(&str, &str)],
) -> (Option<i32>, String, String) {
    command
        .args(arguments)
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Output {
        status,
        stdout,
        stderr,
    } = soon(command.output()).await.unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    (status.code(), stdout, stderr)
}

/// The running program. Dropping it kills the program.
pub(crate) struct Gateway {
    child: Child,
    address: SocketAddr,
    /// Both outputs.
    output: watch::Receiver<Vec<String>>,
}

impl Gateway {
    /// In front of an upstream at `<upstream>/v1`, with [`KEY`] from the environment.
    pub(crate) async fn before(upstream: SocketAddr) -> Self {
        Self::with_key(&format!("http://{upstream}/v1"), |_| {}).await
    }

    /// Before an upstream with this base, with [`KEY`] from the environment and with what `tell`
    /// adds.
    pub(crate) async fn with_key(base: &str, tell: impl FnOnce(&mut Command)) -> Self {
        Self::start(|command| {
            command.args(["--upstream", base]);
            command.env("OPENAI_API_KEY", KEY);
            tell(command);
        })
        .await
    }

    /// On a free port, with what `tell` adds. Returns when it listens.
    pub(crate) async fn start(tell: impl FnOnce(&mut Command)) -> Self {
        Self::run("gateway", tell).await
    }

    /// On a free port, waiting for its keys. Returns when it says so.
    #[cfg(unix)]
    pub(crate) async fn waiting(tell: impl FnOnce(&mut Command)) -> Self {
        let mut command = command("gateway");
        command.env("GATEWAY_LISTEN", "127.0.0.1:0");
        tell(&mut command);
        Self::spawn(command, "waiting for keys on ").await
    }

    /// Before an upstream with this base, with what `tell` adds. Nobody reads its standard error,
    /// where the log is.
    pub(crate) async fn with_stalled_stderr(base: &str, tell: impl FnOnce(&mut Command)) -> Self {
        let address = closed_port().await;
        let mut command = command("gateway");
        command.args(["--upstream", base]);
        command.env("OPENAI_API_KEY", KEY);
        command.env("GATEWAY_LISTEN", address.to_string());
        tell(&mut command);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // `Child` keeps the pipes open.
        let child = command.spawn().unwrap();
        soon(async {
            while TcpStream::connect(address).await.is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let output = watch::channel(Vec::new()).1;
        Self {
            child,
            address,
            output,
        }
    }

    /// Reads standard error from now on.
    #[cfg(unix)]
    pub(crate) fn read_stderr(&mut self) {
        let (lines, output) = watch::channel(Vec::new());
        read(self.child.stderr.take().unwrap(), lines);
        self.output = output;
    }

    /// The demo, on a free port. Returns when it listens.
    pub(crate) async fn demo(tell: impl FnOnce(&mut Command)) -> Self {
        Self::run("demo", tell).await
    }

    async fn run(subcommand: &str, tell: impl FnOnce(&mut Command)) -> Self {
        let mut command = command(subcommand);
        command.env("GATEWAY_LISTEN", "127.0.0.1:0");
        tell(&mut command);
        Self::spawn(command, "listening on ").await
    }

    async fn spawn(mut command: Command, said: &str) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (lines, output) = watch::channel(Vec::new());
        read(child.stdout.take().unwrap(), lines.clone());
        read(child.stderr.take().unwrap(), lines);
        let mut gateway = Self {
            child,
            address: ([0, 0, 0, 0], 0).into(),
            output,
        };
        let line = gateway.said(said).await;
        let (_, address) = line.split_once("://").unwrap();
        // In JSON, the line goes on.
        let address = address.split('"').next().unwrap();
        gateway.address = address.parse().unwrap();
        gateway
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    #[cfg(unix)]
    pub(crate) fn process(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The first line with `text` in it, waiting until there is one.
    pub(crate) async fn said(&self, text: &str) -> String {
        let mut output = self.output.clone();
        let has = |line: &&String| line.contains(text);
        match soon(output.wait_for(|lines| lines.iter().any(|line| has(&line)))).await {
            Ok(lines) => lines.iter().find(has).unwrap().clone(),
            Err(_) => panic!("ended without {text:?}: {}", self.output()),
        }
    }

    /// All lines so far.
    pub(crate) fn output(&self) -> String {
        self.output.borrow().join("\n")
    }

    #[cfg(unix)]
    pub(crate) async fn terminate(&self) {
        self.signal("-TERM").await;
    }

    #[cfg(unix)]
    pub(crate) async fn interrupt(&self) {
        self.signal("-INT").await;
    }

    #[cfg(unix)]
    pub(crate) async fn hang_up(&self) {
        self.signal("-HUP").await;
    }

    #[cfg(unix)]
    async fn signal(&self, signal: &str) {
        let pid = self.process().to_string();
        let status = Command::new("kill").args([signal, &pid]).status().await;
        assert!(status.unwrap().success());
    }

    /// Waits for it to end, and returns its exit code.
    pub(crate) async fn exit_code(&mut self) -> Option<i32> {
        soon(self.child.wait()).await.unwrap().code()
    }
}

fn read(output: impl AsyncRead + Unpin + Send + 'static, into: watch::Sender<Vec<String>>) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            into.send_modify(|lines| lines.push(line));
        }
    });
}
