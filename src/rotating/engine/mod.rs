//! The refresh task: what it decides, and the loop that does it.

mod attempt;
mod command;
pub(crate) mod driver;
mod guard;
mod plan;
mod schedule;
mod state;

pub(crate) use self::command::Command;
pub(crate) use self::guard::Limits;
pub(crate) use self::plan::Settings;
pub(crate) use self::schedule::Backoff;
