//! Changes that only the watch reports, in real time: nothing else looks at the file.
//!
//! A test waits for an event, and for nothing if the event never comes.

mod folders;
mod programs;
mod quiet;
mod support;
mod torn;
mod writers;
