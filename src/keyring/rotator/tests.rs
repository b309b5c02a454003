//! A process that is killed while it writes the file of the store or of the sink, and its
//! successor.

use std::env;
use std::io::{self, BufRead, BufReader};
use std::iter;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, abort};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::Rotator;
use super::file_sink::SinkFile;
use super::sink::Sink;
use crate::inbound::{KeyDigest, KeyStatus, Scopes};
use crate::keyring::file_store::commit;
use crate::keyring::request::IssueRequest;
use crate::keyring::ring::KeyRing;
use crate::keyring::state::KeyRingState;
use crate::keyring::store::{Commit, Store, StoreError};
use crate::keyring::token::NewKey;

const HOUR: Duration = Duration::from_secs(60 * 60);
/// In hours.
const PERIOD: u64 = 48;
const OVERLAP: u64 = 24;

const FOLDER: &str = "TEST_ROTATES_IN_THIS_FOLDER";
const BEGIN: &str = "TEST_ROTATES_FROM_THIS_HOUR";
const STEPS: &str = "TEST_ROTATES_FOR_SO_MANY_STEPS";
const CLIENT: &str = "TEST_CLIENT_HAS_THIS_KEY";

fn at(hour: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + HOUR * 24 * 20_000 + HOUR * u32::try_from(hour).unwrap()
}

/// How many steps the process may take. It ends before the next one.
#[derive(Clone)]
struct Fuse(Arc<AtomicUsize>);

impl Fuse {
    fn of(steps: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(steps)))
    }

    fn endless() -> Self {
        Self::of(usize::MAX)
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "a step may fail, and this one ends the process"
    )]
    fn burn(&self) -> io::Result<()> {
        if self.0.fetch_sub(1, Ordering::SeqCst) == 0 {
            abort();
        }
        Ok(())
    }
}

struct Kept(PathBuf, Fuse);

impl Store for Kept {
    async fn load(&mut self) -> Result<KeyRingState, StoreError> {
        commit::load(&self.0)
    }

    async fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        commit::commit(&self.0, commit.base, commit.next, |_| self.1.burn())
    }
}

struct Delivered(SinkFile, Fuse);

impl Sink for Delivered {
    async fn deliver(&mut self, key: &NewKey) -> Result<(), StoreError> {
        let token = key.token().expose_secret();
        let delivered = self.0.deliver(token, |_| self.1.burn());
        delivered.map_err(|error| StoreError::new("not delivered").with_source(error))
    }

    async fn held(&mut self) -> Result<Option<KeyDigest>, StoreError> {
        let held = self.0.held(|_| self.1.burn());
        held.map_err(|error| StoreError::new("not held").with_source(error))
    }
}

/// A process: a ring and a rotator on the files of a directory, with a clock that the test sets.
struct Process {
    rotator: Rotator<Delivered>,
    hour: Arc<AtomicU64>,
}

impl Process {
    async fn start(folder: &Path, hour: u64, fuse: Fuse) -> Self {
        let hour = Arc::new(AtomicU64::new(hour));
        let clock = Arc::clone(&hour);
        let ring = KeyRing::builder().wall_clock(move || at(clock.load(Ordering::SeqCst)));
        let store = Kept(folder.join("keys.toml"), fuse.clone());
        let ring = ring.start(store).await.unwrap();
        let request = IssueRequest::new("batch".parse().unwrap()).or_new_client(Scopes::default());
        let sink = Delivered(SinkFile::new(folder.join("batch.key")), fuse);
        let rotator = Rotator::new(ring, request, sink)
            .period(HOUR * u32::try_from(PERIOD).unwrap())
            .overlap(HOUR * u32::try_from(OVERLAP).unwrap());
        Self { rotator, hour }
    }

    async fn catch_up(&mut self, hour: u64) {
        self.hour.store(hour, Ordering::SeqCst);
        self.rotator.catch_up().await.unwrap();
    }
}

/// Returns the key that a client finds in the directory.
fn delivered(folder: &Path) -> Option<KeyDigest> {
    match std::fs::read(folder.join("batch.key")) {
        Ok(token) => Some(KeyDigest::of(&token)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => panic!("{error}"),
    }
}

fn is_valid(folder: &Path, key: &KeyDigest, hour: u64) -> bool {
    let state = commit::load(&folder.join("keys.toml")).unwrap();
    let record = state.key_set().find(key);
    record.is_some_and(|record| record.status_at(at(hour)) == KeyStatus::Active)
}

/// Asserts what holds whenever the process ends: a client has a valid key, whether it reads it now
/// or has read it before.
fn nobody_is_without_a_key(folder: &Path, client: Option<&KeyDigest>, hour: u64) {
    let found = delivered(folder);
    assert!(
        found.is_some() || client.is_none(),
        "what was delivered is still there"
    );
    for key in [found.as_ref(), client].into_iter().flatten() {
        assert!(is_valid(folder, key, hour), "in hour {hour}");
    }
    assert!(live(folder, hour) <= 2, "in hour {hour}");
}

/// Returns how many keys are valid.
fn live(folder: &Path, hour: u64) -> usize {
    let state = commit::load(&folder.join("keys.toml")).unwrap();
    let live = state.keys().filter(|key| state.is_live(key, at(hour)));
    live.count()
}

/// Runs the test of this name in a process of its own.
fn child(folder: &Path, test: &str, begin: u64) -> Command {
    let mut child = Command::new(env::current_exe().unwrap());
    let test = format!("keyring::rotator::tests::{test}");
    child
        .args(["--exact", "--nocapture", &test])
        .env(FOLDER, folder)
        .env(BEGIN, begin.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    child
}

/// Returns the directory and the first hour, in a child.
fn in_child() -> Option<(PathBuf, u64)> {
    let folder = env::var_os(FOLDER)?;
    Some((folder.into(), env::var(BEGIN).unwrap().parse().unwrap()))
}

/// Prints the hour and the key that the client has, in a child.
fn say(hour: u64, client: Option<&KeyDigest>) {
    let client = client.map_or_else(|| "none".to_owned(), KeyDigest::to_text);
    println!("\nhour {hour} {client}");
}

fn said(line: &str) -> Option<(u64, Option<KeyDigest>)> {
    let (hour, client) = line.strip_prefix("hour ")?.split_once(' ')?;
    let client = match client {
        "none" => None,
        digest => Some(digest.parse().ok()?),
    };
    Some((hour.parse().ok()?, client))
}

/// How far a process got.
struct Life {
    hour: u64,
    client: Option<KeyDigest>,
    is_complete: bool,
}

impl Life {
    /// Runs a process that begins in this hour and ends after this many steps.
    fn of(folder: &Path, test: &str, begin: u64, steps: usize) -> Self {
        let mut child = child(folder, test, begin);
        let output = child.env(STEPS, steps.to_string()).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let (hour, client) = lines.lines().filter_map(said).next_back().unwrap();
        nobody_is_without_a_key(folder, client.as_ref(), hour);
        Self {
            hour,
            client,
            is_complete: output.status.success(),
        }
    }
}

/// Starts the next process, which continues and completes the rotation.
async fn the_next_one_goes_on(folder: &Path, client: Option<&KeyDigest>, hour: u64) {
    let mut process = Process::start(folder, hour, Fuse::endless()).await;
    process.catch_up(hour).await;
    nobody_is_without_a_key(folder, client, hour);
    let found = delivered(folder).unwrap();
    process.catch_up(hour + OVERLAP).await;
    nobody_is_without_a_key(folder, Some(&found), hour + OVERLAP);
    let is_next_due = delivered(folder).unwrap() != found;
    assert!(
        is_next_due || live(folder, hour + OVERLAP) == 1,
        "the others have ended"
    );
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let expected = [
        "batch.key",
        "batch.key.lock",
        "keys.toml",
        "keys.toml.lock",
        "keys.toml.serial",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn crash_at_any_write_step_leaves_the_client_a_key() {
    if let Some((folder, begin)) = in_child() {
        let steps = env::var(STEPS).unwrap().parse().unwrap();
        let mut process = Process::start(&folder, begin, Fuse::of(steps)).await;
        // The first key, its successor, and the end of their overlap.
        for hour in [0, PERIOD, PERIOD + OVERLAP] {
            if begin <= hour {
                say(hour, delivered(&folder).as_ref());
                process.catch_up(hour).await;
            }
        }
        return;
    }
    let test = "crash_at_any_write_step_leaves_the_client_a_key";
    for steps in 0.. {
        let mut is_first_complete = false;
        // Once more, and with another process in between that ends, too: at each of its steps.
        for again in iter::once(None).chain((0..).map(Some)) {
            let home = TempDir::new().unwrap();
            let folder = home.path();
            let mut life = Life::of(folder, test, 0, steps);
            is_first_complete = life.is_complete;
            if let Some(steps) = again {
                life = Life::of(folder, test, life.hour, steps);
            }
            the_next_one_goes_on(folder, life.client.as_ref(), life.hour).await;
            // Two first keys that nobody was given are not replaced before they are as old as the
            // overlap.
            if life.is_complete || life.hour == 0 {
                break;
            }
        }
        if is_first_complete {
            // The sink's lock; eight steps of each write of the store's file, and five of the
            // sink's.
            assert_eq!(steps, 1 + (8 + 5) + (8 + 5) + 8);
            break;
        }
    }
}

#[tokio::test]
async fn kill_at_any_moment_leaves_the_client_a_key() {
    if let Some((folder, begin)) = in_child() {
        let mut process = Process::start(&folder, begin, Fuse::endless()).await;
        let mut client: Option<KeyDigest> = env::var(CLIENT).ok().map(|key| key.parse().unwrap());
        for hour in begin.. {
            process.catch_up(hour).await;
            // Twice a day, the client looks for a new key.
            if hour % 12 == 7 || client.is_none() {
                client = delivered(&folder);
            }
            say(hour, client.as_ref());
        }
    }
    let test = "kill_at_any_moment_leaves_the_client_a_key";
    let home = TempDir::new().unwrap();
    let folder = home.path();
    let (mut begin, mut client) = (0, None::<KeyDigest>);
    for round in 0..20 {
        let mut child = child(folder, test, begin);
        if let Some(client) = &client {
            child.env(CLIENT, client.to_text());
        }
        let mut child = child.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.filter_map(|line| said(&line.unwrap()));
        let early = lines.nth(round * 7 % 48).unwrap();
        // Not always as soon as it has said so: a write takes longer than this.
        for _ in 0..round * 5000 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let (hour, has) = lines.last().unwrap_or(early);
        nobody_is_without_a_key(folder, has.as_ref(), hour + 1);
        (begin, client) = (hour + 1, has);
    }
    the_next_one_goes_on(folder, client.as_ref(), begin).await;
    let made = commit::load(&folder.join("keys.toml")).unwrap();
    let made = u64::try_from(made.keys().count()).unwrap();
    // One for each period, or fewer, where each process waits for its overlap anew; and one more
    // for each that was lost.
    assert!((3..=begin / PERIOD + 21).contains(&made), "{made} keys");
}
