//! Errors of the command-line parser, in one line.

use std::error::Error;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Shortens clap's message to a line. Does not repeat a word that is no option, since it may be a
/// key.
pub(crate) fn message(error: &clap::Error) -> String {
    let said = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, _) => {
            return "missing command (--help lists them)".to_owned();
        }
        (ErrorKind::InvalidSubcommand, _) => format!("no such command{}", suggestion(error)),
        (ErrorKind::UnknownArgument, Some(ContextValue::String(word)))
            if !word.starts_with('-') =>
        {
            "unexpected argument; this command takes only options".to_owned()
        }
        (ErrorKind::ValueValidation, Some(ContextValue::String(option))) => {
            let why = error.source().map(ToString::to_string);
            format!("{option}: {}", why.as_deref().unwrap_or("invalid value"))
        }
        _ => error
            .to_string()
            .lines()
            .map(str::trim)
            .take_while(|line| !line.starts_with("Usage:"))
            .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
            .map(|line| {
                line.trim_start_matches("error: ")
                    .trim_start_matches("tip: ")
            })
            .collect::<Vec<_>>()
            .join("; ")
            .replace(":; ", ": "), // a heading, and the list under it
    };
    format!("{said} (--help lists the options)")
}

/// Returns a hint if the mistyped command resembles another.
fn suggestion(error: &clap::Error) -> String {
    match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(names)) if !names.is_empty() => {
            format!("; did you mean `{}`?", names.join("` or `"))
        }
        Some(ContextValue::String(name)) => format!("; did you mean `{name}`?"),
        _ => String::new(),
    }
}
