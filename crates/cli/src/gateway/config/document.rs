//! A configuration file as it is written: its fields, each with its line, as the arguments that
//! mean the same.

use std::ffi::OsString;

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use tower_rotating_auth::source::SourceConfig;

use super::error::{ConfigError, ConfigErrorKind};
use super::fields::{Field, Fields};

/// A configuration file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    pub(crate) entries: Vec<Entry>,
    pub(crate) upstreams: Vec<UpstreamTable>,
}

/// A field, and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) option: String,
    /// Starts at 1.
    pub(crate) line: usize,
    pub(crate) arguments: Vec<OsString>,
}

/// A table `[[upstream]]`.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamTable {
    pub(crate) line: usize,
    pub(crate) entries: Vec<Entry>,
    /// The table `key`, if it is one.
    pub(crate) key: Option<SourceConfig>,
}

/// The name of the tables of upstreams, and of the option for the URL of one.
const UPSTREAM: &str = "upstream";
/// The field of an upstream that may be a table.
const KEY: &str = "key";

impl Document {
    /// Parses a file. Checks each field by itself.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let lines = Lines(text);
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map(|span| lines.at(span.start));
            ConfigError::new(ConfigErrorKind::Syntax, error.message()).at_line(line)
        })?;
        let fields = Fields::of_file();
        let mut document = Self::default();
        for (name, value) in in_order(table.get_ref()) {
            let line = lines.at(name.span().start);
            let tables = value.get_ref().as_array().filter(|items| {
                !items.is_empty() && items.iter().all(|item| item.get_ref().is_table())
            });
            match (&**name.get_ref(), tables) {
                (UPSTREAM, Some(tables)) => {
                    document.upstreams = tables
                        .iter()
                        .filter_map(|table| Some((table.span().start, table.get_ref().as_table()?)))
                        .map(|(start, table)| upstream(table, lines, lines.at(start)))
                        .collect::<Result<_, _>>()?;
                }
                (name, _) => document.entries.push(entry(&fields, name, value, line)?),
            }
        }
        Ok(document)
    }

    /// Returns the entry of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }
}

impl Entry {
    /// Returns whether a message is about the option of this field.
    pub(crate) fn is_named_in(&self, message: &str) -> bool {
        let option = format!("--{}", self.option);
        message.match_indices(&option).any(|(at, _)| {
            let after = message[at + option.len()..].chars().next();
            !after.is_some_and(|c| c == '-' || c.is_ascii_alphanumeric())
        })
    }
}

fn upstream(
    table: &DeTable<'_>,
    lines: Lines<'_>,
    line: usize,
) -> Result<UpstreamTable, ConfigError> {
    let fields = Fields::of_upstream();
    let mut found = UpstreamTable {
        line,
        entries: Vec::new(),
        key: None,
    };
    for (name, value) in in_order(table) {
        let line = lines.at(name.span().start);
        match &**name.get_ref() {
            KEY if value.get_ref().is_table() => found.key = Some(source(value, lines, line)?),
            name => found.entries.push(entry(&fields, name, value, line)?),
        }
    }
    Ok(found)
}

/// Parses one field, by the parser of its option.
fn entry(
    fields: &Fields,
    name: &str,
    value: &Spanned<DeValue<'_>>,
    line: usize,
) -> Result<Entry, ConfigError> {
    let field = fields.get(name).ok_or_else(|| {
        let hint = match fields.nearest(name) {
            Some(known) => format!("no such field; did you mean `{known}`?"),
            None => "no such field; `rotating-auth config --explain` lists them".to_owned(),
        };
        ConfigError::new(ConfigErrorKind::UnknownField, hint).at(line, name)
    })?;
    let arguments = field
        .arguments(value.get_ref())
        .map_err(|expected| ConfigError::new(ConfigErrorKind::Type, expected).at(line, name))?;
    check(fields, field, &arguments)
        .map_err(|why| ConfigError::new(ConfigErrorKind::Value, why).at(line, name))?;
    Ok(Entry {
        name: name.to_owned(),
        option: field.option.clone(),
        line,
        arguments,
    })
}

/// Checks the value of a field, whatever others say.
fn check(fields: &Fields, field: &Field, arguments: &[OsString]) -> Result<(), String> {
    use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument};
    match fields.command().clone().try_get_matches_from(arguments) {
        Ok(_) => Ok(()),
        // It may have what it needs in another field.
        Err(error) if matches!(error.kind(), MissingRequiredArgument | ArgumentConflict) => Ok(()),
        Err(error) => Err(match std::error::Error::source(&error) {
            Some(why) => why.to_string(),
            None => format!("invalid value; see --{} in the help", field.option),
        }),
    }
}

/// Parses a source of a key.
fn source(
    value: &Spanned<DeValue<'_>>,
    lines: Lines<'_>,
    line: usize,
) -> Result<SourceConfig, ConfigError> {
    let deserializer = ValueDeserializer::from(value.clone());
    SourceConfig::deserialize(deserializer).map_err(|error| {
        let line = error.span().map_or(line, |span| lines.at(span.start));
        let message = without_values(error.message());
        ConfigError::new(ConfigErrorKind::Value, message).at(line, KEY)
    })
}

/// Takes the value out of a message of serde's, since it may be a key.
fn without_values(message: &str) -> String {
    let expected = || {
        message
            .rsplit_once(", expected ")
            .map(|(_, expected)| format!("must be {expected}"))
    };
    let is_about_names = ["unknown field `", "missing field `", "duplicate field `"];
    if is_about_names
        .iter()
        .any(|start| message.starts_with(start))
    {
        return message.to_owned();
    }
    expected().unwrap_or_else(|| "not a source of a key; see docs/configuration.md".to_owned())
}

/// Returns the fields of a table in the order of the file.
fn in_order<'a, 'i>(
    table: &'a DeTable<'i>,
) -> Vec<(
    &'a Spanned<toml::de::DeString<'i>>,
    &'a Spanned<DeValue<'i>>,
)> {
    let mut all: Vec<_> = table.iter().collect();
    all.sort_by_key(|(name, _)| name.span().start);
    all
}

/// The lines of a file.
#[derive(Clone, Copy)]
struct Lines<'a>(&'a str);

impl Lines<'_> {
    /// Returns the line of a byte, starting at 1.
    fn at(self, byte: usize) -> usize {
        let before = self.0.as_bytes().iter().take(byte);
        before.filter(|byte| **byte == b'\n').count() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> ConfigError {
        Document::parse(text).expect_err(text)
    }

    #[test]
    fn errors_name_the_line_and_the_field() {
        use ConfigErrorKind::{Syntax, Type, UnknownField, Value};
        let sentinel = "sk-sentinel-7f3a";
        for (text, kind, line, field) in [
            ("listen = ", Syntax, 1, None),
            ("\nlisten = 1\nlisten = 2", Syntax, 3, None),
            ("\n\ncolour = 1", UnknownField, 3, Some("colour")),
            ("config = \"a\"", UnknownField, 1, Some("config")),
            ("# a\nlisten = 8080", Type, 2, Some("listen")),
            ("strict_headers = \"yes\"", Type, 1, Some("strict_headers")),
            ("public = [1]", Type, 1, Some("public")),
            ("max_requests = true", Type, 1, Some("max_requests")),
            ("max_requests = 0", Value, 1, Some("max_requests")),
            ("listen = \"here\"", Value, 1, Some("listen")),
            ("public = [\"models\"]", Value, 1, Some("public")),
            ("[[upstream]]\n\nurl = 1", Type, 3, Some("url")),
            (
                "[[upstream]]\nupstream = \"a\"",
                UnknownField,
                2,
                Some("upstream"),
            ),
            (
                "[[upstream]]\nkey = { type = \"file\" }",
                Value,
                2,
                Some("key"),
            ),
            (
                "[[upstream]]\n[upstream.key]\ntype = \"sk-sentinel-7f3a\"",
                Value,
                3,
                Some("key"),
            ),
            (
                "[[upstream]]\n[upstream.key]\ntype = \"env\"\nname = \"A\"\nany_content = \"sk-sentinel-7f3a\"",
                Value,
                5,
                Some("key"),
            ),
        ] {
            let error = error(text);
            let place = error.place();
            assert_eq!(error.kind(), kind, "{text}: {error}");
            assert_eq!(place.field.as_deref(), field, "{text}: {error}");
            // serde loses the place within a table that has a tag.
            let is_near = place
                .line
                .is_some_and(|found| found <= line && found + 3 >= line);
            assert!(is_near, "{text}: {error}");
            assert!(!error.to_string().contains(sentinel), "{error}");
        }
    }

    #[test]
    fn values_become_arguments() {
        let text = "listen = \"127.0.0.1:0\"\nmax_requests = 5\npublic = [\"GET:/a\", \"GET:/b\"]\n\
                    strict_headers = false\nkeep_alive = 1.5";
        let document = Document::parse(text).unwrap();
        let arguments: Vec<_> = document
            .entries
            .iter()
            .flat_map(|entry| entry.arguments.clone())
            .collect();
        assert_eq!(
            arguments,
            [
                "--listen=127.0.0.1:0",
                "--max-requests=5",
                "--public=GET:/a",
                "--public=GET:/b",
                "--keep-alive=1.5",
            ]
        );
    }

    #[test]
    fn upstream_is_a_url_or_tables() {
        let one = Document::parse("upstream = \"https://a.example\"").unwrap();
        assert_eq!((one.entries.len(), one.upstreams.len()), (1, 0));
        let tables = "[[upstream]]\nurl = \"https://a.example\"\nkey = \"env:A\"\n\
                      [[upstream]]\nurl = \"https://b.example\"\n\
                      key = { type = \"file\", path = \"b\", poll_interval = \"30s\" }";
        let two = Document::parse(tables).unwrap();
        assert!(two.entries.is_empty());
        let keys: Vec<_> = two
            .upstreams
            .iter()
            .map(|table| table.key.is_some())
            .collect();
        assert_eq!(keys, [false, true]);
    }
}
