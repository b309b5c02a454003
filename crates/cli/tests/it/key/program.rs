//! The program under test, in a folder of its own.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use jiff::{Timestamp, ToSpan};
use tempfile::{TempDir, tempdir};
use tower_rotating_auth::inbound::KeySet;

use crate::PROGRAM;

/// A folder in which operators run commands.
pub(super) struct Workspace {
    pub(super) folder: TempDir,
}

/// The end and the output of the program.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Workspace {
    pub(super) fn new() -> Self {
        let folder = tempdir().unwrap();
        Self { folder }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("keys.toml")
    }

    pub(super) fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// Everything that the file says of the past and of the future is so many days earlier.
    pub(super) fn let_days_pass(&self, days: i64) {
        let line = |line: &str| match line.split_once(" = \"") {
            Some((field @ ("created_at" | "not_after"), moment)) => {
                let moment: Timestamp = moment.trim_end_matches('"').parse().unwrap();
                let moment = moment - (24 * days).hours();
                format!("{field} = \"{moment}\"\n")
            }
            _ => format!("{line}\n"),
        };
        let text: String = self.text().lines().map(line).collect();
        fs::write(self.file(), text).unwrap();
    }

    /// A service has noted since that day that these keys were used on it.
    pub(super) fn note_uses(&self, day: &str, keys: &[&str]) {
        let uses = keys.iter().map(|key| format!("{key} = \"{day}\"\n"));
        let uses: String = uses.collect();
        let text = format!("version = 1\nsince = \"{day}\"\n\n[last_used]\n{uses}");
        fs::write(self.folder.path().join("keys.toml.used"), text).unwrap();
    }

    /// What a service makes of the file.
    pub(super) fn key_set(&self) -> KeySet {
        KeySet::from_toml(&self.text()).unwrap()
    }

    /// The program, told so much; on standard input there is nothing.
    pub(super) fn keyctl(&self, arguments: &str) -> Ended {
        self.keyctl_with(arguments, "")
    }

    /// The same with something on standard input.
    pub(super) fn keyctl_with(&self, arguments: &str, stdin: &str) -> Ended {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read it is none that this tests.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    pub(super) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .current_dir(&self.folder)
            .arg("key")
            .args(arguments.split_whitespace());
        command
    }

    /// The new key that the program printed, alone.
    #[track_caller]
    pub(super) fn key(&self, arguments: &str) -> String {
        let ended = self.keyctl(arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let (key, rest) = ended.stdout.split_once('\n').unwrap();
        assert_eq!(rest, "", "the key stands alone");
        assert!(!ended.stderr.contains(key), "{}", ended.stderr);
        key.to_owned()
    }

    /// What `verify` says of a key: the exit code, and a line.
    pub(super) fn verified(&self, key: &str) -> (Option<i32>, String) {
        let ended = self.keyctl_with("verify --file keys.toml", key);
        (ended.code, ended.stdout + &ended.stderr)
    }

    pub(super) fn is_valid(&self, key: &str) -> bool {
        self.verified(key).0 == Some(0)
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// The name of a key, which stands in its token.
pub(super) fn id_of(key: &str) -> String {
    key.split('_').nth(1).unwrap().to_owned()
}
