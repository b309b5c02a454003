//! Decides what happens to a failed write.

use std::io;

/// The state of a connection's output.
#[derive(Debug, Default)]
pub(super) enum WriteState {
    /// No write has failed.
    #[default]
    Open,
    /// A write failed, and a response may still be in the input.
    Held(io::Error),
    /// The next write returns the error.
    Due(io::Error),
    /// Errors are returned at once, because the input has ended or the first error was returned.
    Ended,
}

impl WriteState {
    /// Returns whether the output may be written to.
    pub(super) fn is_writable(&self) -> bool {
        matches!(self, Self::Open | Self::Ended)
    }

    /// Returns whether an error is held.
    pub(super) fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }

    /// Records that a write failed. Returns the error if the caller gets it at once.
    pub(super) fn write_failed(&mut self, error: io::Error) -> Option<io::Error> {
        match self {
            Self::Open if closed_by_peer(&error) => {
                *self = Self::Held(error);
                None
            }
            _ => Some(error),
        }
    }

    /// Records that the input ended, or failed.
    pub(super) fn input_ended(&mut self) {
        match self {
            Self::Open => *self = Self::Ended,
            Self::Held(_) => self.release(),
            Self::Due(_) | Self::Ended => {}
        }
    }

    /// Records that the error was held for as long as it may be.
    pub(super) fn timed_out(&mut self) {
        self.release();
    }

    /// Takes the error that is due.
    pub(super) fn take_due(&mut self) -> Option<io::Error> {
        match std::mem::replace(self, Self::Ended) {
            Self::Due(error) => Some(error),
            state => {
                *self = state;
                None
            }
        }
    }

    fn release(&mut self) {
        *self = match std::mem::replace(self, Self::Ended) {
            Self::Held(error) => Self::Due(error),
            state => state,
        };
    }
}

/// Returns whether the peer closed the connection. What it sent before that can still be read.
fn closed_by_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    )
}
