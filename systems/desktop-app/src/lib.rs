//! What the app and its server share.

use std::error::Error;
use std::time::Duration;

/// The environment variable in which the app passes its key. Only the user of a process can read
/// its environment; everybody can read command lines.
pub const KEY_VARIABLE: &str = "MODEL_SERVER_KEY";

/// Parses a number of seconds on a command line.
///
/// # Errors
///
/// Returns a message if the text is no number, or a negative one.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().map_err(|_| "write a number of seconds")?;
    Duration::try_from_secs_f64(number).map_err(|error| error.to_string())
}

/// Formats an error and its causes in one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
