//! Errors in a line, as all programs here tell them.

use std::error::Error;
use std::iter::successors;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What clap says in a paragraph. A word that is no option is not repeated: it may be a key.
pub(crate) fn usage(error: &clap::Error) -> String {
    let said = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::InvalidSubcommand, _) => "there is no such command".to_owned(),
        (ErrorKind::UnknownArgument, Some(ContextValue::String(word)))
            if !word.starts_with('-') =>
        {
            "unexpected argument: there are options only".to_owned()
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
            .replace(":; ", ": "), // a heading, and what stands under it
    };
    format!("{said} (--help tells the options)")
}

/// An error and what caused it.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    causes(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// An error, what caused it, what caused that.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |error| (*error).source())
}
