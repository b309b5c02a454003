//! What a trial has cost its clients.

use std::fmt;
use std::time::Duration;

/// The end of one request.
pub(crate) struct Answer {
    pub(crate) sends: u32,
    pub(crate) rejections: u32,
    pub(crate) took: Duration,
    /// Why the request is lost, if it is.
    pub(crate) lost: Option<String>,
}

/// The sum of many answers.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) requests: u32,
    pub(crate) sends: u32,
    pub(crate) rejections: u32,
    longest: Duration,
    /// How late a request was sent at most. A busy machine delays the rotations just as much.
    pub(crate) stall: Duration,
    lost: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, answer: Answer) {
        self.requests += 1;
        self.sends += answer.sends;
        self.rejections += answer.rejections;
        self.longest = self.longest.max(answer.took);
        self.lost.extend(answer.lost);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.sends += other.sends;
        self.rejections += other.rejections;
        self.longest = self.longest.max(other.longest);
        self.stall = self.stall.max(other.stall);
        self.lost.extend(other.lost);
    }

    pub(crate) fn lost(&self) -> u32 {
        u32::try_from(self.lost.len()).unwrap()
    }

    pub(crate) fn first_losses(&self) -> impl Iterator<Item = &String> {
        self.lost.iter().take(5)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests, {} lost, {} rejections, {:.4} sends per request, longest {} ms, \
             stalled for {} ms at most",
            self.requests,
            self.lost(),
            self.rejections,
            f64::from(self.sends) / f64::from(self.requests),
            self.longest.as_millis(),
            self.stall.as_millis(),
        )
    }
}
