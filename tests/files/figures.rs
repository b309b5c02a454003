//! Figures of many measurements.

use std::env;
use std::time::Duration;

/// How often each way of writing is measured.
pub(crate) fn rotations() -> usize {
    env::var("ROTATIONS").map_or(100, |number| number.parse().unwrap())
}

/// What many measurements have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) median: Duration,
    pub(crate) longest: Duration,
}

/// Prints median, ninth decile and maximum.
pub(crate) fn report(what: &str, mut took: Vec<Duration>) -> Figures {
    took.sort();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{what:<58} {:>9.2} {:>9.2} {:>9.2}",
        ms(at(50)),
        ms(at(90)),
        ms(at(100)),
    );
    Figures {
        median: at(50),
        longest: at(100),
    }
}

/// Prints the head of the columns.
pub(crate) fn head(what: &str) {
    println!("\n{what:<58} {:>9} {:>9} {:>9}", "median", "90 %", "max ms");
}
