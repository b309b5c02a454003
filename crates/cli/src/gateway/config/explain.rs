//! The configuration file with every field, its help and its default.

use super::fields::{Field, Fields, Kind};

const HEAD: &str = "\
# The configuration of `rotating-auth gateway --config FILE`.
#
# Every field is an option of the gateway, with the same meaning. An option on the command line wins
# over an environment variable, which wins over this file. Fields that are commented out show their
# default, or a placeholder in capitals.
";

/// The length of a line of help.
const WIDTH: usize = 98;

const UPSTREAMS: &str = "\
# Upstreams. With these tables, leave out the fields about the one upstream. A request goes to the
# upstream with the longest path that its own path is under. `key` is text as below, or a table such as
#   key = { type = \"file\", path = \"/run/secrets/openai\" }
";

/// Returns a file that sets nothing, and says what could be set.
pub(crate) fn explain() -> String {
    let mut text = HEAD.to_owned();
    let mut heading = None;
    let file = Fields::of_file();
    let (plain, grouped): (Vec<_>, Vec<_>) =
        file.iter().partition(|field| field.heading().is_none());
    for field in plain.into_iter().chain(grouped) {
        if field.heading() != heading {
            heading = field.heading();
            text += &format!("\n# {}\n", heading.unwrap_or_default());
        }
        text += &one(field);
    }
    text += &format!("\n{UPSTREAMS}#[[upstream]]\n");
    for field in Fields::of_upstream().iter() {
        text += &one(field);
    }
    text
}

fn one(field: &Field) -> String {
    let mut text = "\n".to_owned();
    for line in field.help().lines().flat_map(wrapped) {
        text += format!("# {line}").trim_end();
        text.push('\n');
    }
    if let Some(variable) = field.variable() {
        text += &format!("# Variable: {variable}\n");
    }
    text + &format!("#{} = {}\n", field.name, value(field))
}

/// Breaks a line of help between words.
fn wrapped(line: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        match lines.last_mut() {
            Some(last) if last.is_empty() => word.clone_into(last),
            Some(last) if last.len() + word.len() < WIDTH => *last += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Returns the default as TOML, or a placeholder.
fn value(field: &Field) -> String {
    let shown = field.default().unwrap_or_else(|| field.placeholder());
    match field.kind {
        Kind::Switch => shown.to_owned(),
        Kind::Number if shown.parse::<f64>().is_ok() => shown.to_owned(),
        Kind::List => format!("[\"{shown}\"]"),
        Kind::Number | Kind::Text => format!("\"{shown}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::config::document::Document;

    /// Removes the comment signs of fields and tables.
    fn uncommented(text: &str) -> String {
        let lines = text.lines().map(|line| match line.strip_prefix('#') {
            Some(field) if !field.starts_with(' ') && !field.is_empty() => field,
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn explained_file_sets_nothing() {
        let document = Document::parse(&explain()).unwrap();
        assert!(document.entries.is_empty() && document.upstreams.is_empty());
    }

    #[test]
    fn explained_defaults_are_valid_values() {
        for fields in [Fields::of_file(), Fields::of_upstream()] {
            for field in fields.iter().filter(|field| field.default().is_some()) {
                let is_upstream = fields.get("url").is_some();
                let table = if is_upstream { "[[upstream]]\n" } else { "" };
                let text = format!("{table}{} = {}", field.name, value(field));
                assert!(Document::parse(&text).is_ok(), "{text}");
            }
        }
        let all = uncommented(&explain());
        for field in Fields::of_file().iter() {
            assert!(
                all.contains(&format!("\n{} = ", field.name)),
                "{}",
                field.name
            );
        }
    }
}
