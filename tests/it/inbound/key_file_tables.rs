//! The tables of a key file, which are parsed one at a time: errors say where, and a large file
//! takes little more memory than its keys.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tower_rotating_auth::inbound::{KeyDigest, KeySet, KeySetError, KeySetErrorKind, KeyStatus};

/// A comment that keeps the file from being cut into its tables.
const UNCUT: &str = "\n# '''\n";

fn key(n: usize) -> String {
    let digest = KeyDigest::of(format!("key {n}").as_bytes()).to_text();
    format!("[[key]]\nid = \"k{n}\"\nclient = \"c{n}\"\ndigest = \"{digest}\"\n")
}

/// A file of so many keys, each with a client of its own.
fn file(keys: usize) -> String {
    let mut text = "version = 1\nserial = 7\n\n".to_owned();
    for n in 0..keys {
        writeln!(
            text,
            "[[client]]\nid = \"c{n}\"\nscopes = [\n  \"a\",\n  \"b\",\n]\n"
        )
        .unwrap();
    }
    for n in 0..keys {
        text += &key(n);
    }
    text
}

fn both(text: &str) -> [Result<KeySet, KeySetError>; 2] {
    [
        KeySet::from_toml(text),
        KeySet::from_toml(&(text.to_owned() + UNCUT)),
    ]
}

#[test]
fn error_names_line_field_and_remedy() {
    let good = file(2);
    let lines: Vec<_> = good.lines().collect();
    let at = |needle: &str| 1 + lines.iter().position(|line| *line == needle).unwrap();
    for (from, to, field, remedy) in [
        ("id = \"k1\"", "id = 7", "id", "text in quotes"),
        ("id = \"k1\"", "id = \"k 1\"", "id", "id"),
        (
            "client = \"c1\"",
            "client = \"c2\"",
            "client",
            "[[client]] in this file",
        ),
        ("serial = 7", "serial = \"7\"", "serial", "whole number"),
        ("id = \"c1\"", "id = \"c0\"", "id", "no other client"),
        ("id = \"c1\"", "enabled = 1", "enabled", "true or false"),
        (
            "id = \"k1\"",
            "not_after = \"soon\"",
            "not_after",
            "2026-11-21T00:00:00Z",
        ),
        (
            "id = \"k1\"",
            "not_after = 7",
            "not_after",
            "2026-11-21T00:00:00Z",
        ),
    ] {
        let text = if to.starts_with(field) && from.starts_with(field) {
            good.replace(from, to)
        } else {
            good.replace(from, &format!("{to}\n{from}"))
        };
        let error = KeySet::from_toml(&text).unwrap_err();
        assert_eq!(
            (error.line(), error.field()),
            (Some(at(from)), Some(field)),
            "{to}: {error}"
        );
        let says = error.to_string();
        assert!(says.contains(remedy), "{says}");
        assert!(says.contains(&format!("line {}", at(from))), "{says}");
    }
    for (from, to) in [
        ("id = \"k1\"", "id = \"k1"),
        ("id = \"k1\"", "idd = \"k1\""),
        ("id = \"k1\"", "id: k1"),
    ] {
        let error = KeySet::from_toml(&good.replace(from, to)).unwrap_err();
        assert_eq!(error.kind(), KeySetErrorKind::Syntax);
        assert_eq!(error.line(), Some(at(from)), "{to}: {error}");
    }
}

#[test]
fn unquoted_dates_and_far_years_are_read() {
    let ends =
        |text: &str| KeySet::from_toml(&(file(1) + &format!("not_after = {text}\n"))).unwrap();
    let expected = ends("\"2026-11-21T00:00:00Z\"");
    for same in [
        "2026-11-21T00:00:00Z",
        "2026-11-21 00:00:00Z",
        "2026-11-21T02:00:00+02:00",
    ] {
        assert_eq!(ends(same), expected, "{same}");
    }
    for far in ["9999-12-31T23:59:59Z", "\"9999-12-31T23:59:59Z\""] {
        let keys = ends(far);
        // In the year 9000.
        let late = SystemTime::UNIX_EPOCH + Duration::from_secs(221_845_392_000);
        let record = keys.records().next().unwrap();
        assert_eq!(record.status_at(late), KeyStatus::Active, "{far}");
    }
    for wrong in ["\"10000-01-01T00:00:00Z\"", "\"9999-12-31T23:59:59\""] {
        let text = file(1) + &format!("not_after = {wrong}\n");
        let error = KeySet::from_toml(&text).unwrap_err();
        assert_eq!(error.field(), Some("not_after"), "{error}");
        assert!(error.to_string().contains("year 9999"), "{error}");
    }
}

#[test]
fn order_and_spelling_of_tables_do_not_matter() {
    let good = file(3);
    let expected = KeySet::from_toml(&good).unwrap();
    let (head, keys) = good.split_at(good.find("[[key]]").unwrap());
    let (version, clients) = head.split_at(head.find("[[client]]").unwrap());
    let inline = "key = []\n";
    for text in [
        format!("{version}{keys}{clients}"),
        good.replace("[[key]]", "[[ key ]]"),
        good.replace("[[client]]", "[[\"client\"]] # quoted"),
        good.replace('\n', "\r\n"),
        good.replace("[[key]]", "  [[key]] # a key"),
        format!("\u{feff}{good}"),
    ] {
        assert_eq!(KeySet::from_toml(&text).unwrap(), expected, "{text}");
    }
    // TOML does not have it both ways, cut or not.
    let text = format!("{version}{inline}{clients}{keys}");
    for read in both(&text) {
        assert_eq!(read.unwrap_err().kind(), KeySetErrorKind::Syntax);
    }
}

proptest! {
    #[test]
    fn cut_file_reads_as_the_whole_one(
        lines in prop::collection::vec((0..40_usize, 0..12_usize), 0..4),
    ) {
        const OTHERS: [&str; 12] = [
            "[[key]]", "[[client]]", "[key]", "[[other]]", "]", "[", "id = \"x\"", "version = 1",
            "# [[key]]", "scopes = []", "\"", "key = []",
        ];
        let mut text: Vec<_> = file(2).lines().map(str::to_owned).collect();
        for (at, other) in lines {
            let at = at.min(text.len());
            text.insert(at, OTHERS[other].to_owned());
        }
        let [cut, whole] = both(&text.join("\n"));
        prop_assert_eq!(cut.is_ok(), whole.is_ok());
        if let (Ok(cut), Ok(whole)) = (cut, whole) {
            prop_assert_eq!(cut, whole);
        }
    }
}

#[test]
fn million_keys_would_fit_into_a_gibibyte() {
    const KEYS: usize = 20_000;
    let text = file(KEYS);
    let mut set = None;
    let measured = allocation_counter::measure(|| set = Some(KeySet::from_toml(&text).unwrap()));
    assert_eq!(set.unwrap().len(), KEYS);
    let each = (measured.bytes_max + text.len() as u64) / KEYS as u64;
    assert!(
        each <= (1 << 30) / 1_000_000,
        "{each} bytes a key, with its text"
    );
}
