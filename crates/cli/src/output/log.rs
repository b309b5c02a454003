//! The log of a server: lines with a timestamp and a level, on standard error.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use super::format::{self, Level};
pub(crate) use super::format::{LogFormat, format};
use super::queue::STDERR;
use super::repeats::Repeats;
use crate::error::Error;

/// Levels if `RUST_LOG` sets none.
const LEVELS: &str = "info,tower_rotating_auth=warn";
/// Events of the library that the program writes itself, in its own words.
const OWN_WORDS: [&str; 3] = [
    "tower_rotating_auth::rotating::event=off",
    "tower_rotating_auth::outbound::event=off",
    "tower_rotating_auth::inbound::event=off",
];
/// Whose lines there are. Other crates' may show headers.
const TARGETS: [&str; 2] = ["rotating_auth", "tower_rotating_auth"];

static REPEATS: Mutex<Repeats> = Mutex::new(Repeats::new());

/// Options about the log.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Logs")]
pub(crate) struct LogArgs {
    /// Format of the log: `text`, or `json` with an object on each line. RUST_LOG sets the levels,
    /// such as `warn` or `info,rotating_auth::access=off`.
    #[arg(
        long,
        value_name = "FORMAT",
        env = "GATEWAY_LOG_FORMAT",
        default_value = "text"
    )]
    pub(crate) log_format: LogFormat,
}

/// Starts the log. From now on, [`say`](super::say) and [`complain`](super::complain) write to it.
pub(crate) fn start(format: LogFormat) -> Result<(), Error> {
    let set = std::env::var("RUST_LOG").unwrap_or_default();
    let levels = if set.trim().is_empty() { LEVELS } else { &set };
    let levels: EnvFilter = [levels]
        .into_iter()
        .chain(OWN_WORDS)
        .collect::<Vec<_>>()
        .join(",")
        .parse()
        .map_err(|error| Error::usage(format!("RUST_LOG: {error}; use levels such as info")))?;
    let is_ours = filter_fn(|event| {
        let mut ours = TARGETS.iter();
        ours.any(|target| event.target().starts_with(target))
    })
    .with_max_level_hint(LevelFilter::TRACE);
    let lines = fmt::layer().with_writer(|| Lines);
    let lines = match format {
        LogFormat::Text => lines
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
    };
    let log = tracing_subscriber::registry().with(levels);
    // A second start, as in tests of one process, changes nothing.
    if log.with(lines.with_filter(is_ours)).try_init().is_ok() {
        format::set(format);
        tokio::spawn(summarize());
    }
    Ok(())
}

/// Writes a line.
pub(super) fn write(level: Level, line: &str) {
    match level {
        Level::Info => tracing::info!(target: "rotating_auth", "{line}"),
        Level::Warn => tracing::warn!(target: "rotating_auth", "{line}"),
        Level::Error => tracing::error!(target: "rotating_auth", "{line}"),
    }
}

/// Writes a line, unless it repeats one of the last moments.
pub(super) fn write_news(level: Level, line: &str) {
    if repeats().is_news(level, line, Instant::now()) {
        write(level, line);
    }
}

/// Writes how often lines were repeated.
pub(super) fn flush() {
    let rest = repeats().rest();
    write_all(rest);
}

async fn summarize() {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        let due = repeats().due(Instant::now());
        write_all(due);
    }
}

fn write_all(summaries: Vec<(Level, String)>) {
    for (level, line) in summaries {
        write(level, &line);
    }
}

fn repeats() -> MutexGuard<'static, Repeats> {
    REPEATS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Queues each event as one line.
#[derive(Clone, Copy, Debug)]
struct Lines;

impl Write for Lines {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(event);
        let line = line.trim_end_matches('\n');
        STDERR.push(match line.contains(['\n', '\r']) {
            true => line.replace('\n', "\\n").replace('\r', "\\r"),
            false => line.to_owned(),
        });
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
