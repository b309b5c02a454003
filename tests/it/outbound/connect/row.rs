//! Counts the responses that a caller does not get, for uploads of each size.

use std::fmt::{self, Debug};

use http::StatusCode;

use super::client::{Caller, Connector};
use super::server::{Ending, Protocol, Server, Transport, WORDS};

/// In bytes.
pub(super) const SIZES: [usize; 7] = [
    5_000, 50_000, 150_000, 500_000, 1_000_000, 5_000_000, 20_000_000,
];
/// A plain client loses responses from this size on, in bytes.
pub(super) const LARGE: usize = 500_000;

/// Whether the upload opens its connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Connection {
    Fresh,
    Reused,
}

pub(super) const CONNECTIONS: [Connection; 2] = [Connection::Fresh, Connection::Reused];

/// Returns how many uploads to send. `.ci/slow` sets it.
pub(super) fn uploads(default: usize) -> usize {
    std::env::var("EARLY_REJECTIONS").map_or(default, |number| number.parse().unwrap())
}

/// One row of a table, with the number of lost responses for each size.
pub(super) struct Row {
    protocol: Protocol,
    transport: Transport,
    ending: Ending,
    connection: Connection,
    connector: Connector,
    uploads: usize,
    pub(super) lost: [usize; SIZES.len()],
}

impl Row {
    pub(super) const fn new(
        protocol: Protocol,
        transport: Transport,
        ending: Ending,
        connection: Connection,
        connector: Connector,
    ) -> Self {
        Self {
            protocol,
            transport,
            ending,
            connection,
            connector,
            uploads: 0,
            lost: [0; SIZES.len()],
        }
    }

    /// Sends so many uploads of each size, one after the other.
    pub(super) async fn count(mut self, uploads: usize) -> Self {
        let server = Server::start(self.transport, self.protocol, self.ending).await;
        for (index, size) in SIZES.into_iter().enumerate() {
            for _ in 0..uploads {
                self.lost[index] += usize::from(self.loses(&server, size).await);
            }
        }
        self.uploads = uploads;
        self
    }

    /// Sends one upload. Returns whether its response is lost.
    async fn loses(&self, server: &Server, size: usize) -> bool {
        loop {
            // A pool would hand out the connection of the last upload, which the server has closed.
            let caller = Caller::new(server, self.protocol, self.connector);
            if self.connection == Connection::Reused {
                caller.get().await;
            }
            let answer = caller.upload(size).await;
            // If the pool did not have the connection back yet, it opened another.
            if server.was_reused() == (self.connection == Connection::Reused) {
                return is_lost(&answer);
            }
        }
    }
}

pub(super) fn is_lost<E>(answer: &Result<(StatusCode, bytes::Bytes), E>) -> bool {
    !matches!(answer, Ok((StatusCode::UNAUTHORIZED, words)) if words == WORDS)
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connector = match self.connector {
            Connector::Plain => "plain",
            Connector::EarlyResponse(_) => "early response",
        };
        write!(f, "{:6}", text(self.protocol))?;
        write!(f, "{:4}", text(self.transport))?;
        write!(f, "{:10}", text(self.ending))?;
        write!(f, "{:7}{connector:15}", text(self.connection))?;
        write_lost(f, self.lost, self.uploads)
    }
}

fn text(value: impl Debug) -> String {
    format!("{value:?}")
}

pub(super) fn write_lost(
    f: &mut impl fmt::Write,
    lost: [usize; SIZES.len()],
    uploads: usize,
) -> fmt::Result {
    for (size, lost) in SIZES.into_iter().zip(lost) {
        write!(f, "{:>6} kB {lost:3}/{uploads}", size / 1000)?;
    }
    Ok(())
}
