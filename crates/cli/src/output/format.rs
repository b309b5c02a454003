//! The levels of lines, and their formats.

use std::str::FromStr;
use std::sync::OnceLock;

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// The level of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Info,
    Warn,
    Error,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be text or json"),
        }
    }
}

/// Returns the format of the log, if it was started.
pub(crate) fn format() -> Option<LogFormat> {
    FORMAT.get().copied()
}

/// Sets the format of the log, once.
pub(super) fn set(format: LogFormat) {
    let _first = FORMAT.set(format);
}

/// Formats a line that is written whatever `RUST_LOG` says.
pub(super) fn unfiltered(format: LogFormat, level: Level, message: &str) -> String {
    let mut time = String::new();
    // A string takes any text.
    let _written = SystemTime.format_time(&mut Writer::new(&mut time));
    match format {
        LogFormat::Text => format!("{time} {:>5} {message}", level.as_str()),
        LogFormat::Json => serde_json::json!({
            "timestamp": time,
            "level": level.as_str(),
            "message": message,
            "target": "rotating_auth",
        })
        .to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfiltered_line_is_like_the_others() {
        let line = |format| unfiltered(format, Level::Warn, "a \"b\"");
        let text = line(LogFormat::Text);
        let (time, rest) = text.split_once(' ').unwrap();
        assert_eq!(rest, " WARN a \"b\"");
        assert!(time.contains('T') && time.ends_with('Z'), "{time}");
        let json: serde_json::Value = serde_json::from_str(&line(LogFormat::Json)).unwrap();
        assert_eq!(json["message"], "a \"b\"");
        assert_eq!(json["level"], "WARN");
        assert!(json["timestamp"].is_string());
    }
}
