//! Changes that only the watch reports, in real time: nothing else looks at the file.
//!
//! A test waits for an event, and for nothing if the event never comes.

mod folders;
mod key_folder;
mod programs;
mod quiet;
mod slow_writer;
mod support;
mod torn;
mod volume;
mod writers;
