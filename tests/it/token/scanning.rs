//! The scanner rules of the documentation.

use regex::Regex;
use tower_rotating_auth::keyring::{NewKey, ParsedToken};

const PAGE: &str = include_str!("../../../docs/scanning.md");
const VECTOR: &str = "trk_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ0oSYWS";

/// Returns the code block after a marker.
fn block(marker: &str) -> &'static str {
    let (_, after) = PAGE.split_once(marker).unwrap();
    let (_, block) = after.split_once("```").unwrap();
    let (_, block) = block.split_once('\n').unwrap();
    block.split_once("```\n").unwrap().0
}

fn field(name: &str) -> &'static str {
    let lines = block("<!-- the gitleaks rule -->").lines();
    let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
    values.next().unwrap()
}

/// Returns the key that each scanner finds in a text.
fn found(text: &str) -> [Option<&str>; 2] {
    let gitleaks = Regex::new(field("regex").trim_matches('\'')).unwrap();
    // GitHub requires a character other than a letter or digit on both sides.
    let pattern = block("<!-- the GitHub pattern -->").trim_end();
    let github = Regex::new(&format!(
        r"(?:\A|[^0-9A-Za-z])(?<secret>{pattern})(?:\z|[^0-9A-Za-z])"
    ))
    .unwrap();
    [
        gitleaks.find(text).map(|found| found.as_str()),
        github
            .captures(text)
            .map(|found| found.name("secret").unwrap().as_str()),
    ]
}

fn text_of(key: &NewKey) -> String {
    String::from_utf8(key.token().expose_secret().to_vec()).unwrap()
}

#[test]
fn scanner_rules_find_keys() {
    for prefix in ["trk", "trk_live", "trk_test", "sk-trk", "sk-trk_live"] {
        for _ in 0..50 {
            let key = NewKey::with_prefix(&prefix.parse().unwrap()).unwrap();
            let token = text_of(&key);
            for text in [
                token.clone(),
                format!("OPENAI_API_KEY={token}\n"),
                format!("{{\"key\": \"{token}\"}}"),
                format!("https://example.com/?key={token}&a=b"),
            ] {
                assert_eq!(found(&text), [Some(&*token); 2], "{prefix}");
            }
            let parsed = ParsedToken::parse(token.as_bytes()).unwrap();
            assert_eq!(parsed.id(), key.id());
        }
    }
}

#[test]
fn scanner_rules_have_no_false_positives() {
    let swapped = VECTOR.replace("trk_", "trk-");
    let dashed = VECTOR.replacen("AB_", "AB-", 1);
    let shorter = &VECTOR[..VECTOR.len() - 1];
    for miss in [
        shorter,
        &format!("{VECTOR}0"),
        &format!("a{VECTOR}"),
        &swapped,
        &dashed,
        &VECTOR.replace('Q', "-"),
        &VECTOR.replace("trk", "TRK"),
        "trk_0123456789AB_[redacted]",
    ] {
        assert_eq!(found(miss), [None; 2], "{miss}");
    }
}

/// gitleaks also requires a keyword, and a minimum entropy.
#[test]
fn keys_meet_entropy_and_keyword_rules() {
    let keyword = field("keywords").trim_matches(&['[', ']', '"'][..]);
    let least: f64 = field("entropy").parse().unwrap();
    for _ in 0..1000 {
        let token = text_of(&NewKey::generate().unwrap());
        assert!(token.contains(keyword));
        let length = f64::from(u32::try_from(token.len()).unwrap());
        let entropy: f64 = (0..=u8::MAX)
            .map(|byte| token.bytes().filter(|other| *other == byte).count())
            .filter(|count| *count > 0)
            .map(|count| f64::from(u32::try_from(count).unwrap()) / length)
            .map(|share| -share * share.log2())
            .sum();
        assert!(entropy > least, "{entropy}");
    }
}
