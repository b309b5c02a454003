//! The text of the file, as a key ring and as a service reads it.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::key;
use crate::idempotency::IdempotencyKey;
use crate::inbound::{
    CertificateDigest, KeyDigest, KeyId, KeySet, Networks, Provenance, Role, Scopes, Unwritable,
};
use crate::keyring::file_store::format;
use crate::keyring::state::{ClientEntry, ClientState, KeyEntry, KeyRingState};

/// Any moment of the years 1901 to 2500 or so.
fn moments() -> impl Strategy<Value = SystemTime> {
    (any::<i32>(), 0_u64..1 << 34, 0_u32..1_000_000_000).prop_map(|(before, after, nanos)| {
        let past = Duration::from_secs(before.unsigned_abs().into());
        SystemTime::UNIX_EPOCH - past + Duration::new(after, nanos)
    })
}

fn maybe(moment: impl Strategy<Value = SystemTime>) -> impl Strategy<Value = Option<SystemTime>> {
    prop::option::of(moment)
}

/// The roles of a key, the networks it is accepted from, and its certificate.
fn limits() -> impl Strategy<
    Value = (
        Option<Vec<Role>>,
        Option<Networks>,
        Option<CertificateDigest>,
    ),
> {
    let role = || vec!["reader".parse::<Role>().unwrap()];
    let networks = prop_oneof![Just("10.0.0.0/8 2001:db8::/32"), Just("192.0.2.7")];
    let certificate = prop::option::of(any::<[u8; 4]>());
    (any::<bool>(), prop::option::of(networks), certificate).prop_map(
        move |(narrow, networks, certificate)| {
            (
                narrow.then(role),
                networks.map(|networks| networks.parse().unwrap()),
                certificate.map(|der| CertificateDigest::of_der(&der)),
            )
        },
    )
}

fn keys() -> impl Strategy<Value = KeyEntry> {
    let times = (
        maybe(moments()),
        maybe(moments()),
        maybe(moments()),
        maybe(moments()),
    );
    let provenances = prop_oneof![
        Just(Provenance::Issued),
        Just(Provenance::Imported),
        Just(Provenance::Unchecked)
    ];
    let names = (
        prop::option::of("[!-~]{1,20}"),
        prop::option::of("[!-~]{1,20}"),
    );
    (times, maybe(moments()), provenances, names, any::<bool>()).prop_map(
        |((created, from, until, retires), revoked, provenance, (replaces, asked), narrow)| {
            let until = until.filter(|until| from.is_none_or(|from| from < *until));
            key("k")
                .with_scopes(narrow.then(|| "a".parse::<Scopes>().unwrap()))
                .with_created_at(created)
                .with_not_before(from)
                .with_not_after(until)
                .with_retires_at(retires)
                .with_revoked_at(revoked)
                .with_replaces(replaces.map(|id| id.parse::<KeyId>().unwrap()))
                .with_provenance(provenance)
                .with_idempotency_key(asked.map(|key| key.parse::<IdempotencyKey>().unwrap()))
        },
    )
}

proptest! {
    #[test]
    fn written_file_reads_back_as_state_and_key_set(
        entry in keys(),
        (roles, networks, certificate) in limits(),
        serial in 0..u64::MAX,
        disabled in any::<bool>(),
    ) {
        let state = if disabled { ClientState::Disabled } else { ClientState::Enabled };
        let scopes: Scopes = "a b:c".parse().unwrap();
        let role: Role = "reader".parse().unwrap();
        let client = ClientEntry::new("c".parse().unwrap(), scopes).with_state(state);
        let client = client.with_roles([role.clone()]);
        let entry = entry.with_roles(roles).with_networks(networks).with_certificate(certificate);
        let roles = [(role, "read list".parse().unwrap())];
        let state = KeyRingState::with_roles(serial, roles, [client], [entry]).unwrap();
        let text = format::write(&state).unwrap();
        prop_assert_eq!(&format::read(&text, "f".as_ref()).unwrap(), &state);
        prop_assert_eq!(&KeySet::from_toml(&text).unwrap(), state.key_set());
    }
}

#[test]
fn text_lists_the_keys_of_a_client_in_order() {
    let clients = ["b", "a"].map(|id| ClientEntry::new(id.parse().unwrap(), Scopes::default()));
    let of = |client: &str, id: &str| {
        let digest = KeyDigest::of(format!("the key {id}").as_bytes());
        KeyEntry::new(id.parse().unwrap(), client.parse().unwrap(), digest)
    };
    let second = of("a", "1").with_replaces("9".parse::<KeyId>().unwrap());
    let state = KeyRingState::new(7, clients, [of("b", "5"), of("a", "9"), second]).unwrap();
    let text = format::write(&state).unwrap();
    assert!(text.starts_with("# "), "{text}");
    assert!(text.contains("\nversion = 1\nserial = 7\n"), "{text}");
    let ids: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("id = "))
        .collect();
    assert_eq!(ids, [r#""a""#, r#""b""#, r#""9""#, r#""1""#, r#""5""#]);
    let again = format::read(&text, "f".as_ref()).unwrap();
    assert_eq!(format::write(&again).unwrap(), text);
}

#[test]
fn time_out_of_range_is_not_written() {
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
    let client = || ClientEntry::new("c".parse().unwrap(), Scopes::default());
    let far = KeyRingState::new(1, [client()], [key("k").with_not_after(far)]).unwrap();
    let error = format::write(&far).unwrap_err();
    assert!(matches!(error, Unwritable::Time(id) if id.as_str() == "k"));
}
