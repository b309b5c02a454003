//! A source of a user's own.

#[test]
fn source_of_ones_own_takes_twenty_lines() {
    let example = include_str!("../../../examples/custom_source.rs");
    let begin = example.find("struct TokenEndpoint").unwrap();
    let end = example.find("#[tokio::main").unwrap();
    let lines = example[begin..end].lines().map(str::trim);
    let code = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    assert!(code.count() <= 20, "it is meant to be short");
}
