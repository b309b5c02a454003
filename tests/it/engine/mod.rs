//! Tests of rotating values: the refresh task, its sources, and manual publishing.

mod adapters;
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
