//! What a key file and a list of plain keys may say, and that errors quote no secret.

use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tower::Layer;
use tower_rotating_auth::{
    Rotating, Secret,
    inbound::{
        AuthError, AuthErrorKind, KeyDigest, KeyId, KeySet, KeySetError, KeySetErrorKind,
        KeyStatus, RequireKeyLayer, verify_at,
    },
};

use super::keys::{ADMIN, UNKNOWN, VALID};
use super::layer::{Echo, ask, with};

/// What must not be quoted: a token, and the part of it that nothing else has.
const PART: &str = "8Zk1tQ0mVd7RyXw3LpHs5N";

fn digest(token: &str) -> String {
    KeyDigest::of(token.as_bytes()).to_text()
}

/// Fields of a `[[key]]`, each with its value as TOML has it.
type Fields<'a> = &'a [(&'a str, &'a str)];

const HEAD: &str = "version = 1\n[[client]]\nid = \"c\"\nscopes = [\"a\", \"b\"]\n";

/// A file of one client and one key, the fields of which are those of a good one but for `changes`; an
/// empty value takes the field away.
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

/// Everything that an error says, to people and to programmers, down to its last cause.
fn told(error: &dyn Error) -> String {
    let mut told = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(told, ": {error} {error:?}").unwrap();
        cause = error.source();
    }
    told
}

#[track_caller]
fn refused(text: &str) -> KeySetError {
    let error = KeySet::from_toml(text).unwrap_err();
    let told = told(&error);
    assert!(!told.contains(PART), "{told}");
    assert!(!told.contains(&digest(VALID)[10..30]), "{told}");
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
fn a_key_file_has_all_that_a_key_can_have() {
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
            .map_err(|error| error.status())
    };
    let tick = Duration::from_nanos(1);
    assert_eq!(verify(from - tick), Err(KeyStatus::NotYetValid));
    assert_eq!(verify(from), Ok("b".into()));
    assert_eq!(verify(until - tick), Ok("b".into()));
    assert_eq!(verify(until), Err(KeyStatus::Expired));
}

#[test]
fn a_key_without_scopes_of_its_own_has_those_of_its_client() {
    let keys = KeySet::from_toml(&file(&[])).unwrap();
    let record = verify_at(&keys, VALID.as_bytes(), SystemTime::now()).unwrap();
    assert_eq!(record.scopes().to_string(), "a b");
    assert_eq!((record.id().as_str(), record.client().as_str()), ("k", "c"));
}

#[test]
fn a_tombstone_says_that_a_key_is_revoked_whatever_its_date() {
    for date in ["\"2001-01-01T00:00:00Z\"", "\"2999-01-01T00:00:00Z\""] {
        let keys = KeySet::from_toml(&file(&[("revoked_at", date)])).unwrap();
        let verified = verify_at(&keys, VALID.as_bytes(), SystemTime::now());
        assert_eq!(verified.unwrap_err().status(), KeyStatus::Revoked);
        let unfit = keys.fit_at(SystemTime::now()).unwrap_err();
        assert_eq!(unfit.kind(), KeySetErrorKind::AllEnded);
    }
}

#[tokio::test]
async fn the_keys_of_a_disabled_client_are_refused_as_any_other() {
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
fn a_field_that_is_not_known_is_an_error_and_is_named_with_its_line() {
    let misspelt = file(&[("not_aftr", "\"2027-02-21T00:00:00Z\"")]);
    let error = refused(&misspelt);
    assert_eq!(
        (error.kind(), error.line()),
        (KeySetErrorKind::Syntax, Some(9))
    );
    let says = error.to_string();
    assert!(says.ends_with("line 9: unknown field `not_aftr`"), "{says}");
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
fn a_file_has_the_one_version_that_is_read() {
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
fn no_two_keys_share_a_name_or_a_digest_and_no_two_clients_a_name() {
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
fn a_digest_has_one_form() {
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
fn a_key_that_could_never_be_valid_is_refused() {
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
fn a_key_itself_is_refused_by_name() {
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
        // Also where it stands for the digest.
        let error = refused(&file(&[("digest", ""), (field, &quoted(VALID))]));
        assert_eq!(error.kind(), KeySetErrorKind::PlainKey, "{error}");
    }
}

#[test]
fn a_key_belongs_to_a_client_of_the_file_and_may_do_no_more_than_it() {
    assert_eq!(wrong_field(&[("client", "\"d\"")]), "client");
    assert_eq!(wrong_field(&[("scopes", "[\"a\", \"c\"]")]), "scopes");
    assert_eq!(wrong_field(&[("scopes", "[\"a b\"]")]), "scopes");
    for missing in ["id", "client"] {
        let error = refused(&file(&[(missing, "")]));
        assert_eq!(error.kind(), KeySetErrorKind::Syntax, "{error}");
        let says = error.to_string();
        assert!(
            says.ends_with(&format!(": missing field `{missing}`")),
            "{says}"
        );
    }
    let none = KeySet::from_toml(&file(&[("scopes", "[]")])).unwrap();
    let record = verify_at(&none, VALID.as_bytes(), SystemTime::now()).unwrap();
    assert!(
        record.scopes().is_empty(),
        "none of its own, not all of its client's"
    );
}

#[test]
fn a_time_has_its_offset() {
    for field in ["created_at", "not_before", "not_after", "revoked_at"] {
        for bad in ["2026-11-21T00:00:00", "2026-11-21", "tomorrow", "", VALID] {
            assert_eq!(wrong_field(&[(field, &quoted(bad))]), field, "{bad}");
        }
        // TOML's own kind of date is not a text.
        let error = refused(&file(&[(field, "2026-11-21T00:00:00Z")]));
        assert_eq!(
            (error.kind(), error.line()),
            (KeySetErrorKind::Syntax, Some(9))
        );
    }
}

#[test]
fn names_can_be_shown() {
    for bad in ["", "a b", "a\\nb", "ä", &"k".repeat(129)] {
        for field in ["id", "replaces"] {
            assert_eq!(wrong_field(&[(field, &quoted(bad))]), field, "{bad}");
        }
    }
}

#[test]
fn a_well_known_key_is_refused_also_as_a_digest() {
    for known in ["changeme", "sk-1234", "ollama", "EMPTY"] {
        let error = refused(&file(&[("digest", &quoted(&digest(known)))]));
        assert_eq!(error.kind(), KeySetErrorKind::WellKnown);
        assert_eq!(error.key_ids(), ids(&["k"]));
    }
}

#[test]
fn a_set_without_a_key_is_refused() {
    for text in ["version = 1\n", HEAD] {
        assert_eq!(refused(text).kind(), KeySetErrorKind::Empty);
    }
}

/// A person who has a token puts it where it does not belong.
#[test]
fn a_token_in_the_wrong_place_is_not_quoted() {
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
fn a_token_for_a_name_is_refused_and_not_quoted() {
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
    fn no_text_makes_the_reader_panic(text in "\\PC*", at in 0..9_usize) {
        let mut lines: Vec<_> = HEAD.lines().chain(["[[key]]", "id = \"k\""]).collect();
        lines.insert(at.min(lines.len()), &text);
        let _ = KeySet::from_toml(&lines.join("\n"));
        let _ = KeySet::parse(&Secret::from(text));
    }

    #[test]
    fn a_file_that_is_cut_off_is_no_key_set_or_has_fewer_keys(end in 0..400_usize) {
        let whole = file(&[("not_after", "\"2999-01-01T00:00:00Z\"")])
            + &key(&[("id", "\"l\""), ("digest", &quoted(&digest(ADMIN)))]);
        let end = end.min(whole.len());
        if let Ok(keys) = KeySet::parse(&Secret::from(&whole[..end])) {
            // As many as there are whole digests in it.
            prop_assert_eq!(keys.len(), whole[..end].matches("digest").count());
        }
    }
}

fn plain(list: &str) -> Result<usize, KeySetError> {
    let keys = KeySet::from_plain_keys(&Secret::from(list.to_owned()))?;
    Ok(keys.len())
}

#[test]
fn a_list_of_plain_keys_has_spaces_lines_or_commas_between_them() {
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
        assert!(second.scopes().is_empty() && second.expires_at().is_none());
    }
}

#[test]
fn a_plain_key_that_protects_nothing_is_refused_by_its_position() {
    let second = |key: &str| {
        let error = plain(&format!("{VALID} {key}")).unwrap_err();
        let told = told(&error);
        assert!(!told.contains(PART) && !told.contains(key), "{told}");
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
fn a_plain_key_that_no_client_could_present_is_refused() {
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
fn a_list_without_a_key_or_with_one_twice_is_refused() {
    for empty in ["", " \n", ",", " , ,\n"] {
        let error = plain(empty).unwrap_err();
        assert_eq!(error.kind(), KeySetErrorKind::Empty, "{empty:?}");
    }
    let error = plain(&format!("{VALID} {ADMIN} {VALID}")).unwrap_err();
    assert_eq!(error.kind(), KeySetErrorKind::DuplicateKey);
    assert_eq!(error.key_ids(), ids(&["key-1", "key-3"]));
}

#[test]
fn a_serial_that_no_change_could_count_on_is_refused() {
    let text = format!("version = 1\nserial = {}\n", u64::MAX);
    let error = KeySet::from_toml(&text).unwrap_err().to_string();
    assert!(error.contains("serial"), "{error}");
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
