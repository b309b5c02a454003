//! Valid and invalid states of a key ring.

use std::time::{Duration, SystemTime};

use tower_rotating_auth::{
    inbound::{KeyDigest, KeyId, KeySetErrorKind},
    keyring::{Change, ClientEntry, KeyEntry, KeyRingState},
};

fn client(id: &str) -> ClientEntry {
    ClientEntry::new(id.parse().unwrap(), "a b".parse().unwrap())
}

fn key(id: &str, client: &str, token: &str) -> KeyEntry {
    let digest = KeyDigest::of(token.as_bytes());
    KeyEntry::new(id.parse().unwrap(), client.parse().unwrap(), digest)
}

#[test]
fn conflicting_entries_are_refused_and_named() {
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_000_000);
    let id = |id: &str| id.parse::<KeyId>().unwrap();
    let first = || key("1", "ui", "one");
    let wide = first().with_scopes("a c".parse().ok());
    let never = first().with_not_before(moment).with_not_after(moment);
    for (keys, kind, named) in [
        (
            vec![first(), key("1", "ui", "two")],
            KeySetErrorKind::DuplicateId,
            "1",
        ),
        (vec![first(), first()], KeySetErrorKind::DuplicateId, "1"),
        (
            vec![first(), key("2", "ui", "one")],
            KeySetErrorKind::DuplicateKey,
            "2",
        ),
        (
            vec![key("1", "nobody", "one")],
            KeySetErrorKind::UnknownClient,
            "1",
        ),
        (vec![wide], KeySetErrorKind::ScopeExceedsClient, "1"),
        (vec![never], KeySetErrorKind::NeverValid, "1"),
        (
            vec![key("1", "ui", "sk-1234")],
            KeySetErrorKind::WellKnown,
            "1",
        ),
    ] {
        let error = KeyRingState::new(1, [client("ui")], keys).unwrap_err();
        assert_eq!(
            (error.kind(), error.key_ids().last()),
            (kind, Some(&id(named)))
        );
        let text = error.to_string();
        match kind {
            KeySetErrorKind::DuplicateKey => assert!(text.contains("1 and 2"), "{text}"),
            KeySetErrorKind::UnknownClient => {
                assert_eq!(error.client_id(), Some(&"nobody".parse().unwrap()));
            }
            _ => assert_eq!(error.client_id(), None),
        }
    }
    let error = KeyRingState::new(1, [client("ui"), client("ui")], []).unwrap_err();
    assert_eq!(error.kind(), KeySetErrorKind::DuplicateClient);
    assert_eq!(error.client_id(), Some(&"ui".parse().unwrap()));
}

#[test]
fn keys_keep_order_and_are_found_by_id_and_digest() {
    let keys = [
        key("9", "b", "one"),
        key("5", "a", "two"),
        key("1", "b", "three"),
    ];
    let state = KeyRingState::new(7, ["a", "b"].map(client), keys.clone()).unwrap();
    let of_b: Vec<_> = state.keys_of(&"b".parse().unwrap()).collect();
    assert_eq!(of_b, [&keys[0], &keys[2]]);
    for key in &keys {
        assert_eq!(state.key(key.id()), Some(key));
        assert_eq!(state.key_of(key.digest()), Some(key));
    }
    assert_eq!((state.serial(), state.key_set().len()), (7, 3));
}

#[test]
fn state_at_last_serial_cannot_change() {
    let state = KeyRingState::new(u64::MAX, [client("ui")], []).unwrap();
    let changed = state.apply(&Change::default());
    assert_eq!(changed.unwrap_err().kind(), KeySetErrorKind::LastSerial);
}
