//! The engine: a value that rotates, by a source or by hand.

mod adaptors;
mod clocks;
mod events;
mod faults;
mod force_wait;
mod model;
mod publish;
mod schedule;
mod secrecy;
mod settings;
mod shutdown;
mod single_flight;
mod sources;
mod start;
mod status;
mod storm;
mod subscribe;
mod threads;
