//! Follows the file: says when to fetch, and fetches.

use std::array;
use std::future::pending;
use std::mem::{Discriminant, discriminant};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::select;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::changes::{Changes, Mark};
use super::content::{Content, Digest, Fill};
use super::facts::Storage;
use super::fault::Fault;
use super::os::Signature;
use super::reader::{FileOptions, FileRead, PathState, Reader, Reading, WorldReadable, path_state};
use super::settle::{Found, LinkTarget, SettleStep, Settling, Steadiness, WhichFile, unsettled};
use super::warnings::Warnings;
use crate::blocking;
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::fetch::{Fetch, Fetched, Purpose};
use crate::source::key_check::KeyCheck;

/// How often to look whether the file has changed in a way that the watch cannot see: a folder
/// above was renamed, something was mounted, or another host or container wrote.
const LOOK: Duration = Duration::from_secs(1);
/// How long a fetch waits for a program that writes the file.
const LONGEST_WRITE: Duration = Duration::from_secs(10);
/// The pauses after which a missing file is looked up again, 260 ms together.
///
/// Kubernetes removes the old directory a moment after it swaps the link, and a writer may unlink
/// the file before it creates the new one. The tests in `tests/it/file_source/torn.rs` unlink and
/// create.
const MISSING: [Duration; 3] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(200),
];

/// What is known of the file, and how to learn more.
pub(crate) struct Follower {
    /// Locked while a read blocks, even if nobody waits for it any more: a file system that hangs
    /// costs one thread, not one for each attempt.
    reader: Arc<Mutex<Reader>>,
    changes: Arc<Changes>,
    look_every: Duration,
    next_look: Option<Instant>,
    /// What the last read saw before it began.
    seen: Option<Seen>,
    /// What the last fetch found. `None` if it did not end, or gave up on content that changes.
    fetched: Option<Summary>,
    accepted: Accepted,
    warnings: Warnings,
}

/// Where the content came from that was accepted last. New content is judged by what has happened
/// since.
#[derive(Default)]
struct Accepted {
    /// The last event before it was read.
    mark: Mark,
    /// Where the links of the path led then.
    target: Option<PathBuf>,
    /// The file that it was read from.
    file: Option<Signature>,
}

#[derive(Clone, Copy)]
struct Seen {
    mark: Mark,
    path_state: PathState,
    storage: Storage,
}

/// What a read found, so that two reads can be compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Summary {
    Content(Digest),
    Fault(Discriminant<Fault>),
}

/// The reads of one fetch.
struct Reads<'a> {
    ask: Fetch<'a, Secret>,
    settling: Settling,
    /// The pauses that are left for a file that is missing.
    pauses: array::IntoIter<Duration, 3>,
}

/// What follows a read.
enum Step {
    /// The engine has this content already.
    Unchanged,
    /// The content has settled.
    Accept(Content),
    ReadAgainAfter(Duration),
    /// Read again once the writer is done.
    AwaitWriter(Fill),
    GiveUp(Fault),
}

impl Follower {
    pub(crate) fn new() -> Self {
        let changes = Arc::default();
        Self {
            reader: Arc::new(Mutex::new(Reader::new(Arc::clone(&changes)))),
            changes,
            look_every: LOOK,
            next_look: None,
            seen: None,
            fetched: None,
            accepted: Accepted::default(),
            warnings: Warnings::default(),
        }
    }

    /// Leaves everything to the watch and the polls of the engine.
    #[cfg(all(test, unix, not(portable_only)))]
    pub(crate) fn without_looks(&mut self) {
        self.look_every = Duration::from_secs(365 * 24 * 3600);
    }

    #[cfg(all(test, unix, not(portable_only)))]
    pub(crate) fn changes(&self) -> Arc<Changes> {
        Arc::clone(&self.changes)
    }

    /// Waits until the file holds something else than the last fetch found.
    ///
    /// # Cancel safety
    ///
    /// Events are counted, and `seen` changes only after a read.
    pub(crate) async fn changed(&mut self, options: &FileOptions) {
        loop {
            self.hinted(options).await;
            let Ok(reading) = self.read(options).await else {
                return pending().await;
            };
            if self.fetched != Some(summary(&reading)) {
                return;
            }
            if let Ok(file) = reading.file {
                // The content is the accepted one: what was known of its writer has served.
                self.accepted = Accepted {
                    mark: reading.mark,
                    target: reading.target,
                    file: Some(file.signature),
                };
            }
        }
    }

    /// Waits until a read may find something new.
    async fn hinted(&mut self, options: &FileOptions) {
        let Some(seen) = self.seen else {
            return;
        };
        loop {
            let next_look = *self
                .next_look
                .get_or_insert_with(|| next_look(Instant::now(), self.look_every));
            select! {
                biased;
                () = self.changes.after(seen.mark) => return,
                () = sleep_until(next_look) => {}
            }
            let now = match seen.storage {
                // To hand it over would cost much more than the look itself.
                Storage::Local => Ok(path_state(&options.path)),
                Storage::Unknown => {
                    let path = options.path.clone();
                    self.block_on(move |_| path_state(&path)).await
                }
            };
            match now {
                Ok(now) if now == seen.path_state => self.next_look = None,
                Ok(_) => return,
                Err(_) => return pending().await,
            }
        }
    }

    /// Reads the file until its content has settled.
    pub(crate) async fn fetch(
        &mut self,
        options: &FileOptions,
        ask: Fetch<'_, Secret>,
    ) -> Result<Fetched<Secret>, SourceError> {
        self.fetched = None;
        let give_up = Instant::now() + LONGEST_WRITE;
        let mut reads = Reads {
            settling: Settling::new(ask.purpose),
            pauses: MISSING.into_iter(),
            ask,
        };
        loop {
            let reading = self.read(options).await?;
            match self.judge(reading, &mut reads) {
                Step::Unchanged => return Ok(Fetched::unchanged()),
                Step::Accept(content) => {
                    let digest = content.digest();
                    let key = key(content, options.check, reads.ask.purpose)
                        .map_err(|fault| fault.at(&options.path))?;
                    return Ok(Fetched::new(key).revision(digest.into()));
                }
                Step::ReadAgainAfter(pause) => sleep(pause).await,
                Step::AwaitWriter(fill) => timeout_at(give_up, self.changes.written())
                    .await
                    .map_err(|_elapsed| unsettled(fill).at(&options.path))?,
                Step::GiveUp(fault) => return Err(fault.at(&options.path)),
            }
        }
    }

    /// Judges a read, and remembers it if it ends the fetch.
    fn judge(&mut self, reading: Reading, reads: &mut Reads<'_>) -> Step {
        let summary = summary(&reading);
        let Reading {
            mark,
            written,
            target,
            file,
            ..
        } = reading;
        let file = match file {
            Ok(file) => file,
            Err(fault) => match reads.pauses.next().filter(|_| fault.may_be_a_swap()) {
                Some(pause) => return Step::ReadAgainAfter(pause),
                None => {
                    self.fetched = Some(summary);
                    return Step::GiveUp(fault);
                }
            },
        };
        let digest = file.content.digest();
        let unchanged = (reads.ask.revision).is_some_and(|current| digest.is_of(current));
        if !unchanged {
            let fill = file.content.fill();
            match reads
                .settling
                .judge(self.found(&file, target.as_ref(), written))
            {
                SettleStep::Accept => {}
                SettleStep::ReadAgainAfter(pause) => return Step::ReadAgainAfter(pause),
                SettleStep::AwaitWriter => return Step::AwaitWriter(fill),
                SettleStep::GiveUp(fault) => {
                    self.fetched = Some(summary).filter(|_| fill == Fill::Empty);
                    return Step::GiveUp(fault);
                }
            }
        }
        self.fetched = Some(summary);
        self.accepted = Accepted {
            mark,
            target,
            file: Some(file.signature),
        };
        if unchanged {
            Step::Unchanged
        } else {
            Step::Accept(file.content)
        }
    }

    /// Returns what is known of content that was read. `written` is the last event about its writer
    /// before that.
    fn found(&self, file: &FileRead, target: Option<&PathBuf>, written: Mark) -> Found {
        let writer = self.changes.writer_since(self.accepted.mark);
        // Later events are about later content. This comes second, so that none is missed.
        let steadiness = if self.changes.last_written() == written {
            file.steadiness
        } else {
            Steadiness::Unsteady
        };
        Found {
            digest: file.content.digest(),
            fill: file.content.fill(),
            steadiness,
            file: which_file(self.accepted.file.as_ref(), &file.signature),
            link: link_target(self.accepted.target.as_ref(), target),
            writer,
        }
    }

    /// Reads the file once, off the runtime.
    async fn read(&mut self, options: &FileOptions) -> Result<Reading, SourceError> {
        let reading = {
            let options = options.clone();
            self.block_on(move |reader| reader.read(&options)).await?
        };
        self.seen = Some(Seen {
            mark: reading.mark,
            path_state: reading.path_state,
            storage: reading.storage,
        });
        self.next_look = None;
        if let Err(error) = &reading.watch {
            self.warnings.unwatched(&options.path, error);
        }
        if let Ok(file) = &reading.file {
            if options.world_readable != WorldReadable::Allow {
                self.warnings.exposed(&options.path, file.exposure);
            }
            self.warnings
                .distrusted(&options.path, file.distrust.as_ref());
            if let Some(pinned) = file.pinned {
                self.warnings.pinned(&options.path, pinned);
            }
        }
        Ok(reading)
    }

    async fn block_on<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Reader) -> T + Send + 'static,
    ) -> Result<T, SourceError> {
        let mut reader = Arc::clone(&self.reader).lock_owned().await;
        let done = blocking::run(move || work(&mut reader)).await;
        done.map_err(|reason| SourceError::transient(reason.to_string()))
    }
}

/// Returns when to look, at most `every` from now.
///
/// All sources look at the same moments. To wake a process costs more than a look.
fn next_look(now: Instant, every: Duration) -> Instant {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let since_start = now.saturating_duration_since(*START);
    let since_second = Duration::from_nanos(since_start.subsec_nanos().into());
    now + every.saturating_sub(since_second)
}

/// Returns the key that the content holds, or what is wrong with it.
fn key(content: Content, check: KeyCheck, purpose: Purpose) -> Result<Secret, Fault> {
    let secret = content.secret().map_err(Fault::Field)?;
    checked(secret, check, purpose)
}

/// Refuses a secret that is no key.
fn checked(secret: Secret, check: KeyCheck, purpose: Purpose) -> Result<Secret, Fault> {
    let check = match purpose {
        Purpose::Secret => check,
        Purpose::KeySet => KeyCheck::Off,
    };
    match check.check(secret.expose_secret()) {
        Ok(()) => Ok(secret),
        Err(found) => Err(Fault::NotAKey(found)),
    }
}

fn summary(reading: &Reading) -> Summary {
    match &reading.file {
        Ok(file) => Summary::Content(file.content.digest()),
        Err(fault) => Summary::Fault(discriminant(fault)),
    }
}

fn which_file(accepted: Option<&Signature>, now: &Signature) -> WhichFile {
    match accepted {
        Some(accepted) if accepted.is_same_file(now) => WhichFile::Accepted,
        _ => WhichFile::Another,
    }
}

fn link_target(before: Option<&PathBuf>, now: Option<&PathBuf>) -> LinkTarget {
    match (before, now) {
        (Some(before), Some(now)) if before != now => LinkTarget::Swapped,
        _ => LinkTarget::Unchanged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_look_at_the_same_moments() {
        let first = Instant::now() + LOOK;
        let look = next_look(first, LOOK);
        for later in [1, 300, 999].map(Duration::from_millis) {
            let now = first + later;
            let next = next_look(now, LOOK);
            assert!(now < next && next <= now + LOOK);
            assert!(next == look || next == look + LOOK, "{later:?}");
        }
    }
}
