//! A source that runs a command.
//!
//! A fetch runs the command ([`run`]) in a process group of its own ([`group`]), and finds the key
//! in what it prints ([`mod@format`]).

mod format;
mod group;
mod run;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

pub use self::format::ExecFormat;
use super::error::SourceError;
use super::fetch::{Fetch, Fetched};
use super::key_check::KeyCheck;
use super::refresh_interval::RefreshInterval;
use super::source_trait::Source;
use crate::secret::Secret;

/// What `kubectl` tells a plugin that cannot ask a person.
const EXEC_INFO: &str = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":false}}"#;

/// A source of the key that a command prints, such as `pass`, `sops` or a cloud's own helper.
///
/// No shell is involved: the arguments are passed as they are. The command has no input, and at
/// most 64 KiB of its output are read. Neither its output nor what it writes to its standard error
/// is ever logged. It runs in a process group of its own. At the [`timeout`](Self::timeout), the
/// group gets `SIGTERM`, and `SIGKILL` 2 s later. A fetch that is dropped kills the group at once.
/// On systems other than Unix, only the command itself is killed.
///
/// A command that leaves a child behind ends when that closes the output. A child that makes a
/// process group of its own is not killed.
///
/// # Errors
///
/// A failed fetch keeps the last good value. The error names the command, and contains nothing that
/// it printed:
///
/// | cause | [`SourceErrorKind`](crate::source::SourceErrorKind) |
/// |---|---|
/// | the command does not exist, or may not be run | `Permanent` |
/// | it ends with another status than 0, or by a signal | `Transient` |
/// | it takes too long | `TimedOut` |
/// | it prints too much, nothing, or not its [`mod@format`](Self::format) | `Invalid` |
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use tower_rotating_auth::{Rotating, source::ExecSource};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_rotating_auth::rotating::StartError> {
/// let source = ExecSource::new("/bin/echo").arg("sk-1f0c");
/// let key = Rotating::start(source).await?;
/// assert_eq!(key.current().expose_secret(), b"sk-1f0c");
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
#[must_use]
pub struct ExecSource {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    keep_env: KeepEnv,
    stderr: Stderr,
    timeout: Duration,
    poll: Option<Duration>,
    format: ExecFormat,
    check: KeyCheck,
}

#[derive(Clone, Copy)]
enum KeepEnv {
    All,
    Nothing,
}

#[derive(Clone, Copy)]
enum Stderr {
    Discard,
    Inherit,
}

impl ExecSource {
    /// Creates a source that runs `program`, which is a path, or a name to look up in `PATH`.
    ///
    /// Prefer an absolute path: whoever can change `PATH` or the current directory could choose
    /// another program.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            keep_env: KeepEnv::All,
            stderr: Stderr::Discard,
            timeout: Duration::from_secs(20),
            poll: None,
            format: ExecFormat::Text,
            check: KeyCheck::On,
        }
    }

    /// Adds an argument. Other users can read a command line: never pass a secret.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments, as [`arg`](Self::arg) does.
    pub fn args<I>(mut self, args: I) -> Self
    where
        I: IntoIterator<Item: Into<OsString>>,
    {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable of the command. The command also has those of this process.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Runs the command without the environment of this process, only with what
    /// [`env`](Self::env) sets.
    pub const fn env_clear(mut self) -> Self {
        self.keep_env = KeepEnv::Nothing;
        self
    }

    /// Sets how long the command may take. Defaults to 20 s.
    ///
    /// Keep it 2 s below [`fetch_timeout`], so that the command is asked to end before it is
    /// killed.
    ///
    /// [`fetch_timeout`]: crate::rotating::RotatingBuilder::fetch_timeout
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the format of the output. Defaults to [`ExecFormat::Text`].
    pub fn format(mut self, format: ExecFormat) -> Self {
        self.format = format;
        self
    }

    /// Passes what the command writes to its standard error on to that of this process. Defaults to
    /// discarding it.
    pub const fn inherit_stderr(mut self) -> Self {
        self.stderr = Stderr::Inherit;
        self
    }

    /// Accepts any value, such as JSON that `map` takes apart. Defaults to refusing what programs
    /// leave in place of a key: words such as `null`, a key in quotes, JSON, and `NAME=value`. A
    /// key set is never checked this way.
    pub const fn allow_any_content(mut self) -> Self {
        self.check = KeyCheck::Off;
        self
    }

    /// Sets how often the command is run at least. Defaults to ahead of the key's expiry, or every
    /// 60 s if it has none.
    pub const fn poll(mut self, poll: Duration) -> Self {
        self.poll = Some(poll);
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if matches!(self.keep_env, KeepEnv::Nothing) {
            command.env_clear();
        }
        if self.format == ExecFormat::ExecCredential {
            command.env("KUBERNETES_EXEC_INFO", EXEC_INFO);
        }
        let stderr = match self.stderr {
            Stderr::Discard => Stdio::null(),
            Stderr::Inherit => Stdio::inherit(),
        };
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr);
        command
    }
}

impl Source for ExecSource {
    type Value = Secret;

    async fn fetch(&mut self, ask: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        let output = run::run(self.command(), self.timeout).await?;
        let fetched = self.format.parse(&output)?;
        self.check
            .check_fetched(fetched, ask.purpose, "the command printed")
    }

    fn refresh_interval(&self) -> RefreshInterval {
        RefreshInterval {
            poll: self.poll,
            ..RefreshInterval::default()
        }
    }
}

impl fmt::Debug for ExecSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&OsStr> = self.env.iter().map(|(name, _)| name.as_os_str()).collect();
        f.debug_struct("ExecSource")
            .field("program", &self.program)
            .field("env", &names)
            .field("timeout", &self.timeout)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
