//! One run of a command, bounded in time and output.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStdout, Command};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::group::Group;
use crate::source::error::{SourceError, SourceErrorKind};

/// The longest output, in bytes.
const LONGEST: usize = 64 * 1024;

/// Runs a command and returns what it printed.
pub(crate) async fn run(
    mut command: Command,
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, SourceError> {
    let program = command.as_std().get_program().to_owned();
    let program = Path::new(&program);
    let spawned = Group::spawn(&mut command);
    let mut group = spawned.map_err(|error| not_started(program, error))?;
    let mut stdout = group.take_stdout();
    let run = async {
        let output = read(stdout.as_mut()).await?;
        let status = match output {
            Some(_) => Some(group.wait().await?),
            None => None,
        };
        Ok::<_, io::Error>(output.zip(status))
    };
    let Ok(ended) = timeout(limit, run).await else {
        group.terminate(stdout).await;
        return Err(SourceError::new(
            SourceErrorKind::TimedOut,
            format!("{program:?} did not end within {limit:?}, and was killed"),
        ));
    };
    let failed = |error| {
        SourceError::transient(format!("the output of {program:?} could not be read"))
            .with_source(error)
    };
    match ended.map_err(failed)? {
        Some((output, status)) if status.success() => Ok(output),
        Some((_, status)) => Err(SourceError::transient(format!(
            "{program:?} failed ({status}); run it by itself to see why"
        ))),
        None => Err(SourceError::invalid(format!(
            "{program:?} printed more than {LONGEST} bytes, and was killed"
        ))),
    }
}

fn not_started(program: &Path, error: io::Error) -> SourceError {
    let message = format!("{program:?} could not be started");
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied => SourceError::permanent(message),
        _ => SourceError::transient(message),
    }
    .with_source(error)
}

/// Reads to the end, or returns `None` if there is more than the longest output.
async fn read(stdout: Option<&mut ChildStdout>) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // At full length from the start: growing would leave unwiped copies behind.
    let mut bytes = Zeroizing::new(vec![0; LONGEST + 1]);
    let mut length = 0;
    let Some(stdout) = stdout else {
        return Ok(None);
    };
    while length < bytes.len() {
        match stdout.read(&mut bytes[length..]).await? {
            0 => {
                bytes.truncate(length);
                return Ok(Some(bytes));
            }
            more => length += more,
        }
    }
    Ok(None)
}
