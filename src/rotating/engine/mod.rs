//! The refresh task.
//!
//! `driver` is the loop. `plan` decides what to do next, with `schedule` (when) and `guard` (how
//! often). `fetch` fetches and compares. `state` publishes and answers those who wait.

mod command;
pub(crate) mod driver;
mod fetch;
mod guard;
mod plan;
mod refresh_ahead;
mod schedule;
mod state;

pub(crate) use self::command::{Command, CommandKind};
pub(crate) use self::guard::Limits;
pub(crate) use self::plan::Settings;
pub use self::refresh_ahead::RefreshAhead;
pub(crate) use self::schedule::{Backoff, Pace};
pub(crate) use self::state::EngineState;
