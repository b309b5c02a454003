//! Settings from a configuration file, beside options and environment variables.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{ArgMatches, FromArgMatches as _};

use super::document::{Document, Entry, UpstreamTable};
use super::error::{ConfigError, ConfigErrorKind};
use super::fields::Fields;
use super::settings::Settings;
use crate::error::Error;
use crate::gateway::args::GatewayArgs;
use crate::gateway::upstream::{KeyFrom, Upstream, UpstreamArgs};
use crate::usage;

/// The settings of a file and a command line together.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    /// Variables about the one upstream, which tables make meaningless.
    pub(crate) ignored: Vec<String>,
}

/// Merges a file with the arguments of the command line. Those win over environment variables,
/// which win over the file.
pub(crate) fn load(document: &Document, argv: &[OsString]) -> Result<Loaded, ConfigError> {
    let fields = Fields::of_file();
    let command = fields.command();
    let given = command
        .clone()
        .try_get_matches_from(argv)
        .map_err(|error| contradiction(&usage::message(&error), &[]))?;
    let from_file = document
        .entries
        .iter()
        .filter(|entry| !is_given(&given, entry))
        .flat_map(|entry| entry.arguments.iter().cloned());
    let merged = from_file.chain(argv.iter().cloned());
    let mut args = command
        .clone()
        .try_get_matches_from(merged)
        .and_then(|matches| GatewayArgs::from_arg_matches(&matches))
        .map_err(|error| contradiction(&usage::message(&error), &document.entries))?;

    let about_document = |error: &Error| contradiction(&error.to_string(), &document.entries);
    if document.upstreams.is_empty() {
        let settings = Settings::from_args(args).map_err(|error| about_document(&error))?;
        let ignored = Vec::new();
        return Ok(Loaded { settings, ignored });
    }
    let ignored = refuse_single(&fields, &given, document)?;
    let upstreams = tables(&document.upstreams)?;
    args.upstream = UpstreamArgs::default();
    let settings =
        Settings::with_upstreams(args, upstreams).map_err(|error| about_document(&error))?;
    Ok(Loaded { settings, ignored })
}

/// Returns whether the command line or a variable sets a field. An empty variable does not.
fn is_given(given: &ArgMatches, entry: &Entry) -> bool {
    let id = entry.option.replace('-', "_");
    match given.value_source(&id) {
        Some(ValueSource::CommandLine) => true,
        Some(ValueSource::EnvVariable) => given
            .get_raw(&id)
            .is_some_and(|mut values| values.any(|value| !value.is_empty())),
        _ => false,
    }
}

/// Refuses options and fields about one upstream beside tables. Returns the variables.
fn refuse_single(
    fields: &Fields,
    given: &ArgMatches,
    document: &Document,
) -> Result<Vec<String>, ConfigError> {
    let both = |place: &str| {
        ConfigError::new(
            ConfigErrorKind::Contradiction,
            format!(
                "{place} is about the one upstream, and there are tables [[upstream]]; move it into \
                 a table"
            ),
        )
    };
    let about_one = fields
        .iter()
        .filter(|field| field.name == "upstream" || field.name.starts_with("upstream_"));
    let mut ignored = Vec::new();
    for field in about_one {
        if let Some(entry) = document.get(&field.name) {
            return Err(both(&field.name).at(entry.line, &field.name));
        }
        match given.value_source(&field.option.replace('-', "_")) {
            Some(ValueSource::CommandLine) => return Err(both(&format!("--{}", field.option))),
            Some(ValueSource::EnvVariable) => ignored.extend(field.variable().map(str::to_owned)),
            _ => {}
        }
    }
    if std::env::var_os("OPENAI_API_KEY").is_some() {
        ignored.push("OPENAI_API_KEY".to_owned());
    }
    Ok(ignored)
}

/// Returns the upstreams of all tables, whose names and paths must differ.
fn tables(tables: &[UpstreamTable]) -> Result<Vec<Upstream>, ConfigError> {
    let fields = Fields::of_upstream();
    let mut all: Vec<Upstream> = Vec::new();
    for table in tables {
        let upstream = one(&fields, table)?;
        let twin = |what: &str, field: &str| {
            let entry = table.entries.iter().find(|entry| entry.name == field);
            let line = entry.map_or(table.line, |entry| entry.line);
            let message = format!("another upstream has the same {what}; set another `{field}`");
            ConfigError::new(ConfigErrorKind::Contradiction, message).at(line, field)
        };
        if all
            .iter()
            .any(|other| other.base.prefix() == upstream.base.prefix())
        {
            return Err(twin("path", "path"));
        }
        if all.iter().any(|other| other.name == upstream.name) {
            return Err(twin("name", "name"));
        }
        all.push(upstream);
    }
    Ok(all)
}

fn one(fields: &Fields, table: &UpstreamTable) -> Result<Upstream, ConfigError> {
    let about = |message: &str| {
        let error =
            contradiction(message, &table.entries).map_message(|message| fields.in_file(message));
        match error.place().line {
            Some(_) => error,
            None => error.at(table.line, "upstream"),
        }
    };
    let arguments = table.entries.iter().flat_map(|entry| &entry.arguments);
    let args = fields
        .command()
        .clone()
        .try_get_matches_from(arguments)
        .and_then(|matches| UpstreamArgs::from_arg_matches(&matches))
        .map_err(|error| about(&usage::message(&error)))?;
    let key = table.key.clone();
    let key = key.map(|key| KeyFrom::Source(Box::new(key)));
    let mut upstream = Upstream::with_key(args, key).map_err(|error| about(&error.to_string()))?;
    if upstream.name.is_none() {
        upstream.name = Some(upstream.base.default_name().into());
    }
    Ok(upstream)
}

/// Creates the error at the first field whose option a message names.
fn contradiction(message: &str, entries: &[Entry]) -> ConfigError {
    let about = entries.iter().find(|entry| entry.is_named_in(message));
    let new = |message: &str| ConfigError::new(ConfigErrorKind::Contradiction, message);
    match about {
        Some(entry) => {
            let option = format!("--{}: ", entry.option);
            new(message.strip_prefix(&option).unwrap_or(message)).at(entry.line, &entry.name)
        }
        None => new(message),
    }
}
