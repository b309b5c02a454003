//! The first day of an operator, as the pages in `docs/` have it: each command is run, each answer
//! compared.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use regex::{Captures, Regex};
use tempfile::tempdir;

use crate::PROGRAM;
use crate::gateway::harness::{Recorder, closed_port};

const KEY_COMMANDS: &str = include_str!("../../../../../docs/key-commands.md");
const OPERATING: &str = include_str!("../../../../../docs/operating.md");
/// Between one command's output and the next one's.
const END: &str = "-- that was all of it --";

/// A command, and what it says.
struct Step {
    command: String,
    says: Vec<&'static str>,
}

fn steps(page: &'static str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let blocks = page.split("```console\n").skip(1);
    for line in blocks.flat_map(|block| block.split("```").next().unwrap().lines()) {
        let last = steps.last_mut();
        match (line.strip_prefix("$ "), line.strip_prefix("> "), last) {
            (Some(command), ..) => steps.push(Step {
                command: command.to_owned(),
                says: Vec::new(),
            }),
            (None, Some(more), Some(step)) if step.says.is_empty() => {
                step.command += "\n";
                step.command += more;
            }
            (None, _, Some(step)) => step.says.push(line),
            (None, _, None) => panic!("{line:?} stands before the first command"),
        }
    }
    steps
}

/// A line without what is different each time: names of keys, dates, times of day.
fn alike(line: &str) -> String {
    let replace = |line: &str, pattern: &str, by: &str| {
        let pattern = Regex::new(pattern).unwrap();
        pattern.replace_all(line, by).into_owned()
    };
    let line = replace(line, "sha256:(DIGEST|[0-9a-f]{64})", "<digest>");
    let line = replace(&line, "[0-9A-Za-z]{12}", "<name>");
    let line = replace(&line, "[0-9]{4}-[0-9]{2}-[0-9]{2}", "<date>");
    replace(
        &line,
        r"[0-9]{2}:[0-9]{2}(:[0-9]{2}\.[0-9]{3,9}Z)?",
        "<time>",
    )
}

/// One shell for all commands.
struct Shell {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Shell {
    fn run(&mut self, command: &str) -> Vec<String> {
        writeln!(self.stdin, "{command}\necho '{END}'").unwrap();
        let mut said = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(
                self.stdout.read_line(&mut line).unwrap(),
                0,
                "the shell ended: {said:?}"
            );
            let line = line.trim_end_matches('\n');
            if line == END {
                return said;
            }
            said.push(line.to_owned());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_commands_print_what_the_page_says() {
    let (upstream, _) = Recorder::start().await;
    follow(KEY_COMMANDS, upstream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn first_day_goes_as_the_guide_says() {
    // The page brings an API of its own.
    follow(OPERATING, closed_port().await).await;
}

/// Runs the commands of a page, with ports of this test.
async fn follow(page: &'static str, upstream: SocketAddr) {
    let ports = [
        ("11434", upstream),
        ("8080", closed_port().await),
        ("9090", closed_port().await),
    ];
    let pattern = Regex::new(r"\b(11434|8080|9090)\b").unwrap();
    let here = |text: &str| {
        let ours = |found: &Captures<'_>| {
            let (_, ours) = ports.iter().find(|(port, _)| *port == &found[0]).unwrap();
            ours.port().to_string()
        };
        pattern.replace_all(text, ours).into_owned()
    };
    let folder = tempdir().unwrap();
    let mut path = Path::new(PROGRAM).parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(env::var_os("PATH").unwrap());
    let mut bash = Command::new("bash")
        .current_dir(&folder)
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shell = Shell {
        stdin: bash.stdin.take().unwrap(),
        stdout: BufReader::new(bash.stdout.take().unwrap()),
    };
    shell.run("exec 2>&1; trap 'kill $(jobs -p)' EXIT");
    let steps = steps(page);
    assert!(steps.len() > 10);
    for Step { command, says } in steps {
        let said = shell.run(&here(&command));
        let said: Vec<_> = said.iter().map(|line| alike(line)).collect();
        let says: Vec<_> = says.iter().map(|line| alike(&here(line))).collect();
        assert_eq!(said, says, "$ {command}");
    }
    drop(shell);
    bash.wait().unwrap();
}
