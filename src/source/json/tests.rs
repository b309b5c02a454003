use serde_json::json;

use super::*;
use crate::source::SourceErrorKind;

#[test]
fn secret_is_trimmed_and_never_empty() {
    let json = Json::parse(br#"{"a":{"b":" sk-1\n"},"c":" ","d":7,"e":null}"#).unwrap();
    assert_eq!(json.secret_at("/a/b"), Some(Secret::from("sk-1")));
    for absent in ["/c", "/d", "/e", "/f", "/a", "a"] {
        assert_eq!(json.secret_at(absent), None, "{absent}");
    }
}

#[test]
fn moment_takes_rfc_3339_and_unix_seconds() {
    let at = |seconds| Expiry::At(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    for (value, seconds) in [
        (json!("2026-11-28T00:00:00Z"), 1_795_824_000),
        (json!("2026-11-28T01:00:00+01:00"), 1_795_824_000),
        (json!(1_795_824_000), 1_795_824_000),
    ] {
        assert_eq!(moment(&value).unwrap(), at(seconds), "{value}");
    }
    for refused in [
        json!("soon"),
        json!(-1),
        json!(1e300),
        json!(true),
        json!([]),
    ] {
        let error = moment(&refused).unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Invalid, "{refused}");
    }
}

#[cfg(feature = "http")]
#[test]
fn lifetime_takes_numbers_and_text() {
    for value in [json!(60), json!(60.0), json!("60")] {
        let expiry = Expiry::In(Duration::from_secs(60));
        assert_eq!(lifetime(&value).unwrap(), expiry, "{value}");
    }
    for refused in [json!(0), json!(-1), json!("NaN"), json!(true), json!({})] {
        let error = lifetime(&refused).unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Invalid, "{refused}");
    }
}
