//! The file of audit lines, on a real file system.

use std::fs;
use std::path::Path;

use tower_rotating_auth::Rotating;
use tower_rotating_auth::audit::{AuditFile, AuditFileErrorKind, AuditLog};

use crate::support::secs;

/// Publishes a value so often, and returns once the file has all events.
fn publish(file: AuditFile, times: u64) {
    let audit = AuditLog::new(file.subscriber());
    let builder = Rotating::builder().name("value").observer(audit.observer());
    let (value, mut publisher) = builder.manual(0);
    for n in 1..=times {
        publisher.publish(n);
    }
    drop((value, publisher));
    let ended = audit.ended();
    drop(audit);
    assert!(ended.wait(secs(10)));
}

fn generations(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    let generation = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["generation"].as_u64().unwrap()
    };
    text.lines().map(generation).collect()
}

#[test]
fn file_rolls_over_between_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let open = || {
        AuditFile::builder()
            .max_bytes(1_000)
            .max_files(3)
            .open(&path)
            .unwrap()
    };
    // More than three files hold.
    publish(open(), 100);
    assert!(fs::metadata(&path).unwrap().len() <= 1_000);
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]);
    let mut all = Vec::new();
    for name in names.iter().rev() {
        all.extend(generations(&folder.path().join(name)));
    }
    assert_eq!(*all.last().unwrap(), 101);
    assert!(all.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{all:?}");
}

#[test]
fn no_more_files_are_kept_than_allowed() {
    for max_files in [1, 3] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let builder = AuditFile::builder().max_bytes(500).max_files(max_files);
        publish(builder.open(&path).unwrap(), 60);
        assert_eq!(
            fs::read_dir(&folder).unwrap().count() as u64,
            max_files,
            "of {max_files}"
        );
        assert_eq!(*generations(&path).last().unwrap(), 61);
    }
}

#[test]
fn file_that_was_moved_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let mut file = AuditFile::builder().max_bytes(1_000).open(&path).unwrap();
    let event = sample();
    file.write(&event).unwrap();
    fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    for _ in 0..40 {
        file.write(&event).unwrap();
    }
    assert!(path.exists());
}

#[test]
fn roll_over_that_failed_is_made_up_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let event = sample();
    let line = event.to_json().len() as u64 + 1;
    let mut file = AuditFile::builder()
        .max_bytes(line * 3)
        .open(&path)
        .unwrap();
    // What a process leaves that ended between the two steps of a roll-over.
    let pending = folder.path().join("audit.jsonl.pending.0");
    fs::rename(&path, &pending).unwrap();
    fs::write(&pending, "{\"generation\":7}\n").unwrap();
    for _ in 0..3 {
        file.write(&event).unwrap();
    }
    drop(file);
    drop(AuditFile::open(&path).unwrap());
    assert!(!pending.exists());
    let first = folder.path().join("audit.jsonl.1");
    assert_eq!(generations(&first), [7, 2, 2], "until the file was full");
    assert_eq!(generations(&path), [2]);
}

#[test]
fn line_that_broke_off_does_not_spoil_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    fs::write(&path, "{\"generation\":1}\n{\"gener").unwrap();
    AuditFile::open(&path).unwrap().write(&sample()).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let last = text.lines().last().unwrap();
    assert!(
        serde_json::from_str::<serde_json::Value>(last).is_ok(),
        "{text}"
    );
}

#[test]
fn file_is_appended_to_and_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    publish(AuditFile::open(&path).unwrap(), 1);
    publish(AuditFile::open(&path).unwrap(), 2);
    assert_eq!(generations(&path), [2, 2, 3]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn unusable_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |path: &Path| AuditFile::open(path).unwrap_err().kind();
    fs::write(folder.path().join("a-file"), "").unwrap();
    assert_eq!(
        kind(&folder.path().join("a-file/audit.jsonl")),
        AuditFileErrorKind::Io
    );
    assert_eq!(kind(folder.path()), AuditFileErrorKind::Io);
    assert_eq!(kind(Path::new("/")), AuditFileErrorKind::NoName);
    let none = AuditFile::builder()
        .max_files(0)
        .open(folder.path().join("audit.jsonl"));
    assert_eq!(none.unwrap_err().kind(), AuditFileErrorKind::NoRoom);
}

#[cfg(target_os = "linux")]
#[test]
fn lines_lost_to_a_full_disk_are_logged() {
    use super::metrics::Recorded;
    use crate::support::Traced;
    use metrics_util::debugging::DebuggingRecorder;

    let recorder = DebuggingRecorder::new();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    let mut file = AuditFile::open("/dev/full").unwrap();
    let traced = Traced::new();
    let event = sample();
    assert!(file.write(&event).is_err());
    let mut subscriber = file.subscriber();
    subscriber(&event);
    subscriber(&event);
    let text = traced.text();
    assert_eq!(
        text.matches("cannot write to the audit file").count(),
        1,
        "{text}"
    );
    let dropped = "rotating_auth_audit_events_dropped_total name=audit";
    assert_eq!(Recorded::of(&recorder.snapshotter()).get(dropped), 2.0);
}

#[cfg(target_os = "linux")]
#[test]
fn lost_lines_are_logged_after_recovery() {
    use crate::support::Traced;
    use std::process::Command;

    // A pipe without a reader takes no line, and with one it does.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let reader = || {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).open(&path).unwrap()
    };
    let first = reader();
    let mut subscriber = AuditFile::open(&path).unwrap().subscriber();
    let traced = Traced::new();
    let event = sample();
    subscriber(&event);
    drop(first);
    for _ in 0..3 {
        subscriber(&event);
    }
    let _second = reader();
    subscriber(&event);
    subscriber(&event);
    let text = traced.text();
    assert_eq!(text.matches("lost=3").count(), 1, "{text}");
}

fn sample() -> tower_rotating_auth::audit::AuditEvent {
    let (sender, events) = std::sync::mpsc::channel();
    let audit = AuditLog::new(move |event| drop(sender.send(event.clone())));
    let (value, mut publisher) = Rotating::builder().observer(audit.observer()).manual(0);
    publisher.publish(1);
    drop((value, publisher, audit));
    events.recv().unwrap()
}
