//! The server as a child: its key is in its environment, and it ends with this app.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Stdio;

use desktop_app::KEY_VARIABLE;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tower_rotating_auth::Secret;

use crate::args::Args;
use crate::error::AppError;

pub(crate) struct Server {
    pub(crate) url: String,
    child: Child,
    /// The server ends when this end of its standard input is closed.
    input: ChildStdin,
}

impl Server {
    /// Starts the program, and waits until it listens.
    pub(crate) async fn spawn(program: &Path, args: &Args, key: &Secret) -> Result<Self, AppError> {
        let mut command = Command::new(program);
        command
            .arg("--runtime")
            .arg(&args.runtime)
            .args(["--owner", &args.name])
            .args(&args.server_options)
            .env(KEY_VARIABLE, OsStr::from_bytes(key.expose_secret()))
            .env_remove("APP_KEY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .map_err(|error| AppError::Spawn(program.to_owned(), error))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(output)) = (input, output) else {
            return Err(AppError::ServerDidNotStart);
        };
        let mut lines = BufReader::new(output).lines();
        let url = loop {
            let line = lines.next_line().await?;
            let line = line.ok_or(AppError::ServerDidNotStart)?;
            println!("{line}");
            if let Some(url) = line.strip_prefix("listening on ") {
                break url.to_owned();
            }
        };
        tokio::spawn(pass_on(lines));
        Ok(Self { url, child, input })
    }

    pub(crate) async fn stop(mut self) -> Result<(), AppError> {
        drop(self.input);
        let status = self.child.wait().await?;
        match status.success() {
            true => Ok(()),
            false => Err(AppError::ServerFailed(status)),
        }
    }
}

async fn pass_on(mut lines: Lines<BufReader<ChildStdout>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        println!("{line}");
    }
}
