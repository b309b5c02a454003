//! A search in JSON that needs no parser.

/// Returns whether a JSON text has a member with this name and this string as its value, at any
/// depth.
///
/// The text may be cut off. Both are compared as the text writes them, so a name or a value that
/// the text escapes is not found. What looks like a member inside of a string is no member, since
/// its quotes are escaped.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::outbound::body_rejection::has_member;
///
/// let json = br#"[{"error": {"code" : "key_expired", "message": "\"code\":\"x\""}}]"#;
/// assert!(has_member(json, "code", "key_expired"));
/// assert!(!has_member(json, "code", "x"));
/// assert!(!has_member(json, "message", "key_expired"));
/// ```
#[must_use]
pub fn has_member(json: &[u8], name: &str, value: &str) -> bool {
    let mut rest = json;
    while let Some((string, after)) = next_string(rest) {
        rest = after;
        if string == name.as_bytes() && starts_with_value(after, value.as_bytes()) {
            return true;
        }
    }
    false
}

/// Splits off the first string of a text that starts outside of a string. Returns what is between
/// its quotes, and the rest.
fn next_string(json: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = json.iter().position(|byte| *byte == b'"')?;
    let text = &json[start + 1..];
    let mut escaped = false;
    let end = text.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })?;
    Some((&text[..end], &text[end + 1..]))
}

/// Returns whether a text that starts behind a name goes on with this string as the value.
fn starts_with_value(after_name: &[u8], value: &[u8]) -> bool {
    let Some(text) = trim_start(after_name).strip_prefix(b":") else {
        return false; // the string was a value itself
    };
    let text = trim_start(text);
    text.starts_with(b"\"") && next_string(text).is_some_and(|(string, _)| string == value)
}

fn trim_start(json: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let start = json.iter().position(|byte| !is_space(byte));
    &json[start.unwrap_or(json.len())..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::{Map, Value};

    use super::*;

    /// Searches a parsed text.
    fn oracle(json: &Value, name: &str, value: &str) -> bool {
        match json {
            Value::Array(items) => items.iter().any(|item| oracle(item, name, value)),
            Value::Object(members) => members.iter().any(|(its, member)| {
                (its == name && member == value) || oracle(member, name, value)
            }),
            _ => false,
        }
    }

    fn word() -> impl Strategy<Value = String> {
        let traps = [
            "\"",
            "\\",
            "\\\"a\":\"b\"",
            "a\":\"b",
            "\": \"",
            "{\"a\":\"b\"}",
            "\n",
            "é",
        ];
        let words = ["a", "b", "a", "b", "ab", ""].into_iter().chain(traps);
        select(words.map(str::to_owned).collect::<Vec<_>>())
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            3 => word().prop_map(Value::String),
            1 => select(vec![Value::Null, Value::Bool(true), 7.into()]),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::vec((word(), inner), 0..4)
                    .prop_map(|members| Value::Object(Map::from_iter(members))),
            ]
        })
    }

    proptest! {
        #[test]
        fn finds_what_a_parser_finds(json in json()) {
            let found = oracle(&json, "a", "b");
            for text in [serde_json::to_vec(&json), serde_json::to_vec_pretty(&json)] {
                let text = text.unwrap();
                prop_assert_eq!(has_member(&text, "a", "b"), found, "{}", json);
                if !found {
                    for end in 0..text.len() {
                        prop_assert!(!has_member(&text[..end], "a", "b"), "{} {}", json, end);
                    }
                }
            }
        }
    }

    #[test]
    fn text_around_the_member_does_not_matter() {
        for json in [
            "{\"a\":\"b\"}",
            "{ \"a\" : \"b\" }",
            "[{\"x\":1,\"a\"\n:\r\n\t\"b\"",
            "{\"a\":\"a\",\"c\":{\"a\":\"b\"",
            "{\"\\\\\":0,\"a\":\"b\"",
        ] {
            assert!(has_member(json.as_bytes(), "a", "b"), "{json}");
        }
        for json in [
            "",
            "{\"a\":\"b",
            "{\"a\":",
            "{\"a\"",
            "{\"a\":\"bb\"}",
            "{\"a\":\"b\\\"\"}",
            "{\"aa\":\"b\"}",
            "{\"\\\"a\":\"b\"}",
            "[\"a\",\"b\"]",
            "{\"a\":[\"b\"]}",
            "{\"a\":b}",
            "\"{\\\"a\\\":\\\"b\\\"}\"",
        ] {
            assert!(!has_member(json.as_bytes(), "a", "b"), "{json}");
        }
    }
}
