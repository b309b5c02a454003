//! The process: its options, its start and its end, and its health.

mod arguments;
mod demo;
mod draining;
mod hangups;
mod health;
mod healthcheck;
