//! The deadlines of a connection.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a connection waits for its client, in each direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For the first request, and for the rest of a request head.
    pub(crate) head: Duration,
    /// For the next request.
    pub(crate) keep_alive: Duration,
    /// For the client to read on.
    pub(crate) write: Duration,
    /// For the rest, once one side has ended its half of the connection.
    pub(crate) close: Duration,
}

/// The decision about a connection at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Look again at this moment.
    Wait(Instant),
    /// No request is open: say goodbye.
    Idle,
    /// The client makes no progress: hang up.
    Stuck,
}

/// The state of a connection, which its stream and its requests report to.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    requests: usize,
    /// Since when no request is open.
    idle_since: Instant,
    /// Whether there was no request yet.
    is_new: bool,
    /// When the first byte arrived since the last request. HTTP/2 has frames that start no request,
    /// so this holds for HTTP/1 alone.
    head_since: Option<Instant>,
    is_multiplexed: bool,
    /// Whether the request has an upload that nobody has read to its end.
    is_uploading: bool,
    /// Since when the client takes no more bytes.
    unsent_since: Option<Instant>,
    /// When the client ended its half.
    ended_at: Option<Instant>,
    /// Whether an answer went out before the end of its upload.
    answered_early: bool,
    /// Requests in a row that were refused.
    refusals: usize,
}

impl Activity {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(State {
            requests: 0,
            idle_since: now,
            is_new: true,
            head_since: None,
            is_multiplexed: false,
            is_uploading: false,
            unsent_since: None,
            ended_at: None,
            answered_early: false,
            refusals: 0,
        }))
    }

    /// Starts to wait for the first request, after a TLS handshake.
    pub(super) fn restart(&self, now: Instant) {
        let mut state = self.lock();
        state.idle_since = now;
        state.head_since = None;
    }

    pub(super) fn read(&self, now: Instant) {
        let mut state = self.lock();
        if state.requests == 0 && !state.is_multiplexed {
            state.head_since.get_or_insert(now);
        }
    }

    /// Notes that the client has ended its half. Returns whether to go on as if it had not: it has
    /// sent all, and may wait for its answer.
    pub(super) fn read_end(&self, now: Instant) -> bool {
        let mut state = self.lock();
        state.ended_at.get_or_insert(now);
        state.requests > 0 && !state.is_multiplexed && !state.is_uploading
    }

    pub(super) fn wrote(&self) {
        self.lock().unsent_since = None;
    }

    pub(super) fn cannot_write(&self, now: Instant) {
        self.lock().unsent_since.get_or_insert(now);
    }

    /// `is_uploading` says whether the request has a body.
    pub(super) fn begin_request(&self, is_multiplexed: bool, is_uploading: bool) {
        let mut state = self.lock();
        state.requests += 1;
        state.is_new = false;
        state.head_since = None;
        state.answered_early = false;
        state.is_multiplexed = is_multiplexed;
        state.is_uploading = is_uploading;
    }

    pub(super) fn end_upload(&self) {
        self.lock().is_uploading = false;
    }

    pub(super) fn end_request(&self, now: Instant) {
        let mut state = self.lock();
        state.requests -= 1;
        state.idle_since = now;
    }

    pub(super) fn answer_early(&self) {
        self.lock().answered_early = true;
    }

    /// Counts an answer, and returns how many refusals there were in a row.
    pub(super) fn count_refusals(&self, is_refused: bool) -> usize {
        let mut state = self.lock();
        state.refusals = if is_refused { state.refusals + 1 } else { 0 };
        state.refusals
    }

    /// Returns whether the client may still be sending something that nobody will read.
    pub(super) fn has_unread_input(&self) -> bool {
        let state = self.lock();
        state.answered_early || state.head_since.is_some()
    }

    /// Returns since when the connection waits for its client, if it does.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        let state = self.lock();
        let idle = (state.requests == 0).then_some(state.idle_since);
        [idle, state.unsent_since, state.ended_at]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn judge(&self, now: Instant, patience: &Patience) -> Verdict {
        let state = self.lock();
        let stuck = state.stuck_at(patience);
        let idle = state.idle_at(patience);
        if stuck.is_some_and(|at| at <= now) {
            return Verdict::Stuck;
        }
        if idle.is_some_and(|at| at <= now) {
            return Verdict::Idle;
        }
        // Nobody wakes the connection when it begins to wait, so it looks often enough.
        let next_look = now + patience.shortest();
        let due = [stuck, idle].into_iter().flatten().min();
        Verdict::Wait(due.map_or(next_look, |due| due.min(next_look)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stuck_at(&self, patience: &Patience) -> Option<Instant> {
        let head = if self.requests > 0 {
            None
        } else if self.is_new {
            Some(self.idle_since + patience.head)
        } else {
            self.head_since.map(|since| since + patience.head)
        };
        let write = self.unsent_since.map(|since| since + patience.write);
        let half_closed = self.ended_at.map(|at| at + patience.close);
        [head, write, half_closed].into_iter().flatten().min()
    }

    fn idle_at(&self, patience: &Patience) -> Option<Instant> {
        (self.requests == 0 && !self.is_new && self.head_since.is_none())
            .then(|| self.idle_since + patience.keep_alive)
    }
}

impl Patience {
    fn shortest(&self) -> Duration {
        self.head
            .min(self.keep_alive)
            .min(self.write)
            .min(self.close)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        head: Duration::from_secs(10),
        keep_alive: Duration::from_secs(75),
        write: Duration::from_secs(30),
        close: Duration::from_secs(5),
    };

    /// Returns when the connection is given up, and how.
    fn end(activity: &Activity, from: Instant) -> (u64, Verdict) {
        let mut now = from;
        loop {
            match activity.judge(now, &PATIENCE) {
                Verdict::Wait(next) if now - from < Duration::from_secs(3600) => now = next,
                verdict => return ((now - from).as_secs(), verdict),
            }
        }
    }

    fn second(start: Instant, n: u64) -> Instant {
        start + Duration::from_secs(n)
    }

    #[test]
    fn silent_connection_has_the_time_of_a_head() {
        let start = Instant::now();
        let silent = Activity::new(start);
        assert_eq!(end(&silent, start), (10, Verdict::Stuck));
        let slow = Activity::new(start);
        slow.read(second(start, 9));
        assert_eq!(end(&slow, start), (10, Verdict::Stuck));
    }

    #[test]
    fn kept_connection_is_idle_until_bytes_arrive() {
        let start = Instant::now();
        let kept = Activity::new(start);
        kept.begin_request(false, false);
        kept.end_request(second(start, 20));
        assert_eq!(end(&kept, start), (95, Verdict::Idle));
        kept.read(second(start, 30));
        assert_eq!(end(&kept, start), (40, Verdict::Stuck));
    }

    #[test]
    fn frames_without_request_keep_no_connection() {
        let start = Instant::now();
        let kept = Activity::new(start);
        kept.begin_request(true, false);
        kept.end_request(start);
        kept.read(second(start, 74));
        assert_eq!(end(&kept, start), (75, Verdict::Idle));
    }

    #[test]
    fn open_request_waits_for_as_long_as_the_client_reads() {
        let start = Instant::now();
        let open = Activity::new(start);
        open.begin_request(false, false);
        assert!(end(&open, start).0 >= 3600);
        open.cannot_write(second(start, 5));
        open.wrote();
        assert!(end(&open, start).0 >= 3600);
        open.cannot_write(second(start, 7));
        open.cannot_write(second(start, 8));
        assert_eq!(end(&open, start), (37, Verdict::Stuck));
        assert_eq!(open.waiting_since(), Some(second(start, 7)));
    }

    #[test]
    fn half_closed_client_has_the_time_of_a_close() {
        let start = Instant::now();
        let ended = Activity::new(start);
        ended.begin_request(false, true);
        assert!(!ended.read_end(second(start, 1)), "its upload is cut");
        ended.end_upload();
        assert!(ended.read_end(second(start, 2)));
        assert_eq!(end(&ended, start), (6, Verdict::Stuck));
        ended.end_request(second(start, 3));
        assert!(!ended.read_end(second(start, 3)), "it has its answer");
    }
}
