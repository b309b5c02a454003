//! The log: its lines, its levels, and its format when something fails.

mod audit;
mod lines;
mod problems;
