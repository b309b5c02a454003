//! A child process in a process group of its own.

use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

/// The time between the request to end and the end by force.
const GRACE: Duration = Duration::from_secs(2);
/// How often to look whether the leader has ended.
const LOOK: Duration = Duration::from_millis(20);

/// A child that leads a process group. Dropping it before it has ended kills the whole group.
///
/// A signal to the group needs the leader's process id. That id stays taken until the leader is
/// waited for, so every signal comes before that.
pub(crate) struct Group {
    child: Child,
}

impl Group {
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        #[cfg(unix)]
        command.process_group(0);
        let child = command.kill_on_drop(true).spawn()?;
        Ok(Self { child })
    }

    /// Takes the output, if it is piped and was not taken yet.
    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    pub(crate) async fn wait(&mut self) -> io::Result<std::process::ExitStatus> {
        self.child.wait().await
    }

    /// Asks the group to end, and kills it once its leader has ended and the output is closed, or
    /// 2 s later.
    pub(crate) async fn terminate(mut self, stdout: Option<ChildStdout>) {
        self.signal(Kill::Ask);
        let ended = async {
            if let Some(mut stdout) = stdout {
                let mut rest = Zeroizing::new([0; 1024]);
                while matches!(stdout.read(&mut rest[..]).await, Ok(1..)) {}
            }
            // A group may close its output long before it ends.
            while !self.child.id().is_none_or(has_ended) {
                sleep(LOOK).await;
            }
        };
        // Too long is the answer as well.
        let _ = timeout(GRACE, ended).await;
        self.signal(Kill::Force);
        // It was killed, so it ends; the result says nothing more.
        let _ = self.child.wait().await;
    }

    fn signal(&mut self, kill: Kill) {
        // Without an id the child was waited for, and the id may be another's by now.
        let Some(id) = self.child.id() else { return };
        send(&mut self.child, id, kill);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Kill::Force);
    }
}

#[derive(Clone, Copy)]
enum Kill {
    Ask,
    Force,
}

#[cfg(unix)]
fn send(_: &mut Child, id: u32, kill: Kill) {
    use rustix::process::{Pid, Signal, kill_process_group};

    let signal = match kill {
        Kill::Ask => Signal::TERM,
        Kill::Force => Signal::KILL,
    };
    let leader = i32::try_from(id).ok().and_then(Pid::from_raw);
    if let Some(leader) = leader {
        // A group that has ended needs no signal.
        let _ = kill_process_group(leader, signal);
    }
}

/// Returns whether a child has ended. It is not waited for, so its id stays taken.
#[cfg(all(unix, not(target_os = "openbsd")))]
fn has_ended(id: u32) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    let child = i32::try_from(id).ok().and_then(Pid::from_raw);
    child.is_none_or(|child| !matches!(waitid(WaitId::Pid(child), look), Ok(None)))
}

/// Elsewhere nobody can look without waiting, so the whole time passes.
#[cfg(not(all(unix, not(target_os = "openbsd"))))]
const fn has_ended(_: u32) -> bool {
    false
}

/// Without process groups, only the child itself can be killed.
#[cfg(not(unix))]
fn send(child: &mut Child, _: u32, kill: Kill) {
    if matches!(kill, Kill::Force) {
        // A child that has ended needs no signal.
        let _ = child.start_kill();
    }
}
