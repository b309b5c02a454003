//! The built examples.

use std::path::PathBuf;

/// Beside the tests' own binary, which is in `deps`.
///
/// `cargo test` builds examples, but not when it is given a test's name: a program that is older
/// than what it is made of would be tested in vain.
pub(crate) fn example(name: &str) -> PathBuf {
    let build = format!("build it first: cargo build --example {name}");
    let tests = std::env::current_exe().unwrap();
    let examples = tests.ancestors().nth(2).unwrap().join("examples");
    let program = examples
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION);
    let built = std::fs::metadata(&program).expect(&build);
    let built = built.modified().unwrap();
    let dependencies = examples.join(name).with_extension("d");
    let made_of = std::fs::read_to_string(dependencies).expect(&build);
    for source in made_of.split_whitespace().skip(1) {
        let changed = std::fs::metadata(source).and_then(|file| file.modified());
        assert!(
            changed.is_ok_and(|changed| changed <= built),
            "{build} ({source})"
        );
    }
    program
}
