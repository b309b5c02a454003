//! Lines in a file that rolls over, which goes on after an error.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use logroller::{LogRoller, LogRollerBuilder, Rotation, RotationSize};

/// A file that is renamed to `FILE.1` when it is full, what had that name to `FILE.2`, and so on.
pub(super) struct RollingFile {
    path: PathBuf,
    limits: Limits,
    roller: LogRoller,
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The size of a file, in bytes.
    pub(super) max_bytes: u64,
    /// The number of files, the current one among them. At least one.
    pub(super) max_files: u64,
}

impl RollingFile {
    pub(super) fn open(path: &Path, limits: Limits) -> io::Result<Self> {
        let roller = open(path, limits)?;
        let path = path.to_owned();
        Ok(Self {
            path,
            limits,
            roller,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line, which ends with a newline.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        let Err(error) = append(&mut self.roller, line) else {
            return Ok(());
        };
        // A pipe would be opened for as long as nobody reads it.
        if fs::metadata(&self.path).is_ok_and(|found| !found.is_file()) {
            return Err(error);
        }
        // The roller would never find its file again that somebody has moved, or that it renamed
        // itself before it failed.
        self.roller = open(&self.path, self.limits)?;
        append(&mut self.roller, line)
    }
}

fn append(roller: &mut LogRoller, line: &str) -> io::Result<()> {
    roller.write_all(line.as_bytes())?;
    roller.flush()
}

fn open(path: &Path, limits: Limits) -> io::Result<LogRoller> {
    let folder = folder(path);
    let name = path.file_name().unwrap_or_default();
    publish_pending(folder, &name.to_string_lossy())?;
    let builder = LogRollerBuilder::new(folder, Path::new(name))
        .rotation(Rotation::SizeBased(RotationSize::Bytes(limits.max_bytes)))
        // The roller does not count the current file.
        .max_keep_files(limits.max_files - 1)
        // Else a thread of its own renames files, and is cut off at the end of the program.
        .graceful_shutdown(true);
    #[cfg(unix)]
    let builder = builder.file_mode(0o600);
    let mut roller = builder.build().map_err(io::Error::other)?;
    if ends_within_a_line(path) {
        append(&mut roller, "\n")?;
    }
    Ok(roller)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Gives the files their number that a roll-over which broke off has left as `FILE.pending.N`.
fn publish_pending(folder: &Path, name: &str) -> io::Result<()> {
    let prefix = format!("{name}.pending.");
    let sequence = |file: &str| file.strip_prefix(&prefix)?.parse::<u64>().ok();
    let mut pending = Vec::new();
    for entry in fs::read_dir(folder)? {
        pending.extend(entry?.file_name().to_str().and_then(sequence));
    }
    pending.sort_unstable();
    let numbered = |number: u64| folder.join(format!("{name}.{number}"));
    for sequence in pending {
        let last = (1..).take_while(|&number| numbered(number).exists()).last();
        for number in (1..=last.unwrap_or(0)).rev() {
            fs::rename(numbered(number), numbered(number + 1))?;
        }
        fs::rename(folder.join(format!("{prefix}{sequence}")), numbered(1))?;
    }
    Ok(())
}

/// Returns whether the last line lacks its end, as after a full disk or the loss of power.
fn ends_within_a_line(path: &Path) -> bool {
    let last = || {
        let mut file = File::open(path).ok()?;
        file.seek(SeekFrom::End(-1)).ok()?;
        let mut last = [0];
        file.read_exact(&mut last).ok()?;
        Some(last)
    };
    fs::metadata(path).is_ok_and(|found| found.is_file())
        && last().is_some_and(|last| last != *b"\n")
}
