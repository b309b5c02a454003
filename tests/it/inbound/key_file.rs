//! Key files and lists of plain keys: what they may contain, and errors that quote no secret.

use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tower::Layer;
use tower_rotating_auth::{
    Rotating, Secret,
    inbound::{
        AuthError, AuthErrorKind, KeyDigest, KeyId, KeySet, KeySetError, KeySetErrorKind,
        RequireKeyLayer, verify_at,
    },
};

use super::keys::{ADMIN, UNKNOWN, VALID};
use super::layer::{Echo, ask, with};

/// The part of the tokens that no error may quote.
const PART: &str = "8Zk1tQ0mVd7RyXw3LpHs5N";

fn digest(token: &str) -> String {
    KeyDigest::of(token.as_bytes()).to_text()
}

/// Fields of a `[[key]]`, each with its value in TOML.
type Fields<'a> = &'a [(&'a str, &'a str)];

const HEAD: &str = "version = 1\n[[client]]\nid = \"c\"\nscopes = [\"a\", \"b\"]\n";

/// Returns a valid file of one client and one key, with `changes` to the fields of the key. An
/// empty value removes the field.
fn file(changes: Fields<'_>) -> String {
    let mut text = HEAD.to_owned();
    text += &key(changes);
    text
}

fn key(changes: Fields<'_>) -> String {
    let good = [
        ("id", "\"k\"".to_owned()),
        ("client", "\"c\"".to_owned()),
        ("digest", format!("\"{}\"", digest(VALID))),
    ];
    let mut text = "[[key]]\n".to_owned();
    for (name, value) in &good {
        if !changes.iter().any(|(changed, _)| changed == name) {
            writeln!(text, "{name} = {value}").unwrap();
        }
    }
    for (name, value) in changes.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(text, "{name} = {value}").unwrap();
    }
    text
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// Returns all that an error and its sources say, by `Display` and by `Debug`.
fn messages(error: &dyn Error) -> String {
    let mut messages = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(messages, ": {error} {error:?}").unwrap();
        cause = error.source();
    }
    messages
}

#[track_caller]
fn refused(text: &str) -> KeySetError {
    let error = KeySet::from_toml(text).unwrap_err();
    let messages = messages(&error);
    assert!(!messages.contains(PART), "{messages}");
    assert!(!messages.contains(&digest(VALID)[10..30]), "{messages}");
    error
}

#[track_caller]
fn wrong_field(changes: Fields<'_>) -> &'static str {
    let error = refused(&file(changes));
    assert_eq!(error.kind(), KeySetErrorKind::InvalidField, "{error}");
    assert_eq!(error.position(), Some(1));
    assert!(
        error.to_string().starts_with("[[key]] number 1: "),
        "{error}"
    );
    error.field().unwrap()
}

fn ids(names: &[&str]) -> Vec<KeyId> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[test]
fn key_file_reads_every_field() {
    let text = file(&[
        ("created_at", "\"2026-11-21T00:00:00Z\""),
        ("not_before", "\"2026-11-21T02:00:00+02:00\""),
        ("not_after", "\"2027-02-21T00:00:00.5Z\""),
        ("replaces", "\"zzzzzzzzzzzz\""),
        ("scopes", "[\"b\"]"),
    ]);
    let keys = KeySet::from_toml(&text.replace("= 1\n", "= 1\nserial = 42\n")).unwrap();
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    // 2026-11-21T00:00:00Z and 2027-02-21T00:00:00Z
    let (from, until) = (
        at(1_795_219_200),
        at(1_803_168_000) + Duration::from_millis(500),
    );
    let verify = |now| {
        verify_at(&keys, VALID.as_bytes(), now)
            .map(|record| record.scopes().to_string())
            .map_err(|error| error.kind())
    };
    let tick = Duration::from_nanos(1);
    assert_eq!(verify(from - tick), Err(AuthErrorKind::NotYetValid));
    assert_eq!(verify(from), Ok("b".into()));
    assert_eq!(verify(until - tick), Ok("b".into()));
    assert_eq!(verify(until), Err(AuthErrorKind::Expired));
}

#[test]
fn key_without_scopes_inherits_client_scopes() {
    let keys = KeySet::from_toml(&file(&[])).unwrap();
    let record = verify_at(&keys, VALID.as_bytes(), SystemTime::now()).unwrap();
    assert_eq!(record.scopes().to_string(), "a b");
    assert_eq!((record.id().as_str(), record.client().as_str()), ("k", "c"));
}

#[test]
fn revoked_at_revokes_whatever_its_date() {
    for date in ["\"2001-01-01T00:00:00Z\"", "\"2999-01-01T00:00:00Z\""] {
        let keys = KeySet::from_toml(&file(&[("revoked_at", date)])).unwrap();
        let verified = verify_at(&keys, VALID.as_bytes(), SystemTime::now());
        assert_eq!(verified.unwrap_err().kind(), AuthErrorKind::Revoked);
        let unfit = keys.fit_at(SystemTime::now()).unwrap_err();
        assert_eq!(unfit.kind(), KeySetErrorKind::AllEnded);
    }
}

#[tokio::test]
async fn disabled_client_is_answered_as_unknown_key() {
    let text = file(&[]).replace("id = \"c\"\n", "id = \"c\"\nenabled = false\n");
    let (keys, _publisher) = Rotating::manual(KeySet::from_toml(&text).unwrap());
    let service = RequireKeyLayer::new(keys).layer(Echo);
    let disabled = ask(&service, with("/", VALID)).await;
    let unknown = ask(&service, with("/", UNKNOWN)).await;
    assert_eq!(
        disabled.extensions().get().map(AuthError::kind),
        Some(AuthErrorKind::Disabled)
    );
    assert_eq!(
        unknown.extensions().get().map(AuthError::kind),
        Some(AuthErrorKind::Unknown)
    );
    assert_eq!(disabled.headers(), unknown.headers());
    assert_eq!(
        (disabled.status(), disabled.body()),
        (unknown.status(), unknown.body())
    );
}

#[test]
fn unknown_field_error_names_field_and_line() {
    let misspelt = file(&[("not_aftr", "\"2027-02-21T00:00:00Z\"")]);
    let error = refused(&misspelt);
    assert_eq!(
        (error.kind(), error.line()),
        (KeySetErrorKind::Syntax, Some(9))
    );
    let says = error.to_string();
    assert!(
        says.contains("line 9: unknown field `not_aftr`; "),
        "{says}"
    );
    for text in [
        file(&[]).replace("version = 1\n", "version = 1\nexpires = 7\n"),
        file(&[]).replace("[[client]]\n", "[[client]]\nscope = \"a\"\n"),
        format!("{}[[keys]]\n", file(&[])),
    ] {
        let error = refused(&text);
        assert_eq!(error.kind(), KeySetErrorKind::Syntax, "{text}");
        assert!(error.to_string().contains(": unknown field"), "{error}");
    }
}

#[test]
fn only_version_one_is_read() {
    for (version, error) in [(0, "version 0, not 1"), (2, "version 2, not 1")] {
        let text = file(&[]).replace("version = 1", &format!("version = {version}"));
        let refused = refused(&text);
        assert_eq!(refused.kind(), KeySetErrorKind::UnsupportedVersion);
        assert!(refused.to_string().contains(error), "{refused}");
    }
    for text in [
        file(&[]).replace("version = 1", ""),
        file(&[]).replace("version = 1", "version = \"1\""),
        file(&[]).replace("version = 1", "version = -1"),
    ] {
        assert_eq!(refused(&text).kind(), KeySetErrorKind::Syntax, "{text}");
    }
}

#[test]
fn duplicate_names_and_digests_are_errors() {
    let other = digest(ADMIN);
    let same_id = file(&[]) + &key(&[("digest", &quoted(&other))]);
    let error = refused(&same_id);
    assert_eq!(error.kind(), KeySetErrorKind::DuplicateId);
    assert_eq!(error.key_ids(), ids(&["k"]));
    let same_digest = file(&[]) + &key(&[("id", "\"l\"")]);
    let error = refused(&same_digest);
    assert_eq!(error.kind(), KeySetErrorKind::DuplicateKey);
    assert_eq!(error.key_ids(), ids(&["k", "l"]));
    let same_client = file(&[]) + "[[client]]\nid = \"c\"\n";
    let error = refused(&same_client);
    assert_eq!(error.kind(), KeySetErrorKind::InvalidField);
    assert_eq!((error.position(), error.field()), (Some(2), Some("id")));
    assert!(
        error.to_string().starts_with("[[client]] number 2: "),
        "{error}"
    );
}

#[test]
fn digest_has_one_text_form() {
    let good = digest(VALID);
    for bad in [
        good.to_uppercase(),
        good.replace("sha256:", ""),
        good.replace("sha256:", "SHA256:"),
        good.replace("sha256:", "sha512:"),
        good[..good.len() - 1].to_owned(),
        format!("{good}0"),
        format!("{}g", &good[..good.len() - 1]),
        format!(" {good}"),
        String::new(),
        VALID.to_owned(),
        format!("sha256:{VALID}"),
    ] {
        assert_eq!(wrong_field(&[("digest", &quoted(&bad))]), "digest", "{bad}");
    }
    assert_eq!(wrong_field(&[("digest", "")]), "digest");
}

#[test]
fn key_that_expires_before_its_start_is_error() {
    for (from, until) in [
        ("\"2026-01-01T00:00:00Z\"", "\"2026-01-01T00:00:00Z\""),
        ("\"2026-01-01T00:00:00Z\"", "\"2026-01-01T02:00:00+02:00\""),
        ("\"2026-01-02T00:00:00Z\"", "\"2026-01-01T00:00:00Z\""),
    ] {
        let error = refused(&file(&[("not_before", from), ("not_after", until)]));
        assert_eq!(error.kind(), KeySetErrorKind::NeverValid);
        assert_eq!(error.key_ids(), ids(&["k"]));
    }
}

#[test]
fn plain_key_field_is_error() {
    for field in ["token", "secret", "key"] {
        for value in [quoted(VALID), "1".into(), "{ a = 1 }".into()] {
            let error = refused(&file(&[(field, &value)]));
            assert_eq!(error.kind(), KeySetErrorKind::PlainKey);
            assert_eq!(error.position(), Some(1));
            assert!(
                error.to_string().starts_with("[[key]] number 1: "),
                "{error}"
            );
            assert!(error.to_string().contains("store its digest"), "{error}");
        }
        // Also in place of the digest.
        let error = refused(&file(&[("digest", ""), (field, &quoted(VALID))]));
        assert_eq!(error.kind(), KeySetErrorKind::PlainKey, "{error}");
    }
}

#[test]
fn key_needs_its_client_and_client_scopes() {
    assert_eq!(wrong_field(&[("client", "\"d\"")]), "client");
    assert_eq!(wrong_field(&[("scopes", "[\"a\", \"c\"]")]), "scopes");
    assert_eq!(wrong_field(&[("scopes", "[\"a b\"]")]), "scopes");
    for missing in ["id", "client"] {
        let error = refused(&file(&[(missing, "")]));
        assert_eq!(error.kind(), KeySetErrorKind::Syntax, "{error}");
        let says = error.to_string();
        assert!(
            says.contains(&format!(": missing field `{missing}`; ")),
            "{says}"
        );
    }
    let none = KeySet::from_toml(&file(&[("scopes", "[]")])).unwrap();
    let record = verify_at(&none, VALID.as_bytes(), SystemTime::now()).unwrap();
    assert!(record.scopes().is_empty(), "an empty list grants nothing");
}

#[test]
fn time_without_offset_is_error() {
    for field in ["created_at", "not_before", "not_after", "revoked_at"] {
        for bad in ["2026-11-21T00:00:00", "2026-11-21", "tomorrow", "", VALID] {
            assert_eq!(wrong_field(&[(field, &quoted(bad))]), field, "{bad}");
        }
        for bad in ["2026-11-21T00:00:00", "2026-11-21", "00:00:00"] {
            assert_eq!(wrong_field(&[(field, bad)]), field, "{bad}");
        }
    }
}

#[test]
fn invalid_names_are_errors() {
    for bad in ["", "a b", "a\\nb", "ä", &"k".repeat(129)] {
        for field in ["id", "replaces"] {
            assert_eq!(wrong_field(&[(field, &quoted(bad))]), field, "{bad}");
        }
    }
}

#[test]
fn digest_of_well_known_key_is_error() {
    for known in ["changeme", "sk-1234", "ollama", "EMPTY"] {
        let error = refused(&file(&[("digest", &quoted(&digest(known)))]));
        assert_eq!(error.kind(), KeySetErrorKind::WellKnown);
        assert_eq!(error.key_ids(), ids(&["k"]));
    }
}

#[test]
fn file_without_keys_is_error() {
    for text in ["version = 1\n", HEAD] {
        assert_eq!(refused(text).kind(), KeySetErrorKind::Empty);
    }
}

/// People put a token where it does not belong.
#[test]
fn errors_do_not_quote_misplaced_token() {
    let token = quoted(VALID);
    for field in [
        "digest",
        "not_after",
        "not_before",
        "created_at",
        "revoked_at",
        "client",
    ] {
        refused(&file(&[(field, &token)]));
    }
    for (from, to) in [
        ("version = 1", format!("version = {token}")),
        ("version = 1", format!("version = 1\nserial = {token}")),
        ("version = 1", format!("version = 1\n{VALID} = 1")),
        ("version = 1", format!("version = 1\n{token} = 1")),
        ("version = 1", format!("version = 1\n{VALID}")),
        ("version = 1", format!("version = 1\nversion = {token}")),
        ("[[key]]", format!("[[{VALID}]]")),
        ("[[key]]", format!("[[key]]\n{VALID} = {token}")),
        ("[[key]]", format!("[[key]]\n'{VALID}")),
        ("[[key]]", format!("[[key]]\nunknown = {token}")),
        ("[[client]]", format!("[[client]]\nenabled = {token}")),
        ("[[client]]", format!("[[client]]\nkey = {token}")),
        ("[\"a\", \"b\"]", token.clone()),
        ("[\"a\", \"b\"]", format!("[\"{VALID} x\"]")),
        ("\"c\"", format!("\"{VALID} x\"")),
    ] {
        refused(&file(&[]).replacen(from, &to, 1));
    }
}

#[test]
fn token_as_name_is_error_and_not_quoted() {
    let token = quoted(VALID);
    let name = |error: KeySetError| error.kind() == KeySetErrorKind::PlainKey;
    assert!(name(refused(&file(&[("id", &token)]))));
    assert!(name(refused(&file(&[("replaces", &token)]))));
    let client = file(&[("client", &token)]).replacen("\"c\"", &token, 1);
    assert!(name(refused(&client)));
    let twice =
        file(&[("id", &token)]) + &key(&[("id", &token), ("digest", &quoted(&digest(ADMIN)))]);
    assert!(name(refused(&twice)));
}

proptest! {
    #[test]
    fn reader_never_panics(text in "\\PC*", at in 0..9_usize) {
        let mut lines: Vec<_> = HEAD.lines().chain(["[[key]]", "id = \"k\""]).collect();
        lines.insert(at.min(lines.len()), &text);
        let _ = KeySet::from_toml(&lines.join("\n"));
        let _ = KeySet::parse(&Secret::from(text));
    }

    #[test]
    fn truncated_file_holds_only_whole_keys(end in 0..400_usize) {
        let whole = file(&[("not_after", "\"2999-01-01T00:00:00Z\"")])
            + &key(&[("id", "\"l\""), ("digest", &quoted(&digest(ADMIN)))]);
        let end = end.min(whole.len());
        if let Ok(keys) = KeySet::parse(&Secret::from(&whole[..end])) {
            // One key for each whole digest.
            prop_assert_eq!(keys.len(), whole[..end].matches("digest").count());
        }
    }
}

fn plain(list: &str) -> Result<usize, KeySetError> {
    let keys = KeySet::from_plain_keys(&Secret::from(list.to_owned()))?;
    Ok(keys.len())
}

#[test]
fn plain_keys_split_at_spaces_lines_and_commas() {
    for list in [
        format!("{VALID},{ADMIN}"),
        format!(" {VALID}\r\n{ADMIN}\n"),
        format!("{VALID}, \t{ADMIN},,"),
    ] {
        assert_eq!(plain(&list), Ok(2), "{list:?}");
        let keys = KeySet::parse(&Secret::from(list)).unwrap();
        let second = verify_at(&keys, ADMIN.as_bytes(), SystemTime::now()).unwrap();
        assert_eq!(
            (second.id().as_str(), second.client().as_str()),
            ("key-2", "client-2")
        );
        assert!(second.scopes().is_empty() && second.not_after().is_none());
    }
}

#[test]
fn weak_plain_key_error_tells_position() {
    let second = |key: &str| {
        let error = plain(&format!("{VALID} {key}")).unwrap_err();
        let messages = messages(&error);
        assert!(
            !messages.contains(PART) && !messages.contains(key),
            "{messages}"
        );
        assert_eq!(error.position(), Some(2));
        error.kind()
    };
    for known in [
        "changeme",
        "CHANGEME",
        "sk-1234",
        "ollama",
        "not-needed",
        "your-api-key",
    ] {
        assert_eq!(second(known), KeySetErrorKind::WellKnown, "{known}");
    }
    for weak in [
        "Tr0ub4dor-and-3",
        "0123456789abcdef0123456789abcde",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        assert_eq!(second(weak), KeySetErrorKind::Weak, "{weak}");
    }
    for placeholder in [
        "${A_KEY_THAT_NOBODY_PUT_HERE_YET}",
        "$A_KEY_THAT_NOBODY_PUT_HERE_YET",
        "<put-a-key-that-is-your-own-here>",
        "{{put-a-key-that-is-your-own-here}}",
        "$ENV://A_KEY_THAT_NOBODY_PUT_HERE",
        "os.environ/A_KEY_THAT_NOBODY_PUT_HERE",
    ] {
        assert_eq!(second(placeholder), KeySetErrorKind::InvalidKey);
    }
}

#[test]
fn plain_key_outside_token_alphabet_is_error() {
    for key in [
        "pass:8Zk1tQ0mVd7RyXw3LpHs5Nb",
        "8Zk1tQ0mVd7RyXw3\u{e9}LpHs5NbGc",
        "8Zk1tQ0mV=d7RyXw3LpHs5Nb",
    ] {
        assert!(plain(key).is_err(), "{key}");
    }
    let padded = "8Zk1tQ0mVd7RyXw3LpHs5N==";
    assert_eq!(plain(padded), Ok(1));
}

#[test]
fn empty_list_and_duplicate_key_are_errors() {
    for empty in ["", " \n", ",", " , ,\n"] {
        let error = plain(empty).unwrap_err();
        assert_eq!(error.kind(), KeySetErrorKind::Empty, "{empty:?}");
    }
    let error = plain(&format!("{VALID} {ADMIN} {VALID}")).unwrap_err();
    assert_eq!(error.kind(), KeySetErrorKind::DuplicateKey);
    assert_eq!(error.key_ids(), ids(&["key-1", "key-3"]));
}

#[test]
fn greatest_serial_is_error() {
    let text = format!("version = 1\nserial = {}\n", u64::MAX);
    let error = KeySet::from_toml(&text).unwrap_err();
    assert_eq!(error.kind(), KeySetErrorKind::InvalidField);
    assert_eq!(error.field(), Some("serial"));
}

#[test]
fn key_file_serial_may_be_named_generation() {
    let text = |name| {
        format!(
            "version = 1\n{name} = 42\n[[client]]\nid = \"c\"\n[[key]]\nid = \"k\"\nclient = \"c\"\ndigest = \"{}\"\n",
            KeyDigest::of(b"any key").to_text()
        )
    };
    let keys = KeySet::from_toml(&text("serial")).unwrap();
    assert_eq!(KeySet::from_toml(&text("generation")).unwrap(), keys);
    assert_ne!(
        KeySet::from_toml(&text("serial").replace("42", "41")).unwrap(),
        keys
    );
    let both = text("serial").replace("serial", "generation = 42\nserial");
    KeySet::from_toml(&both).unwrap_err();
}
