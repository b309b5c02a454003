//! A comparison of connectors, and of Envoy. `.ci/slow` sends two hundred uploads of each size.

use std::time::Duration;

use tokio::time::timeout;

use super::client::Connector;
use super::envoy::Envoy;
use super::row::{CONNECTIONS, Row, SIZES, is_lost, uploads, write_lost};
use super::server::{Ending, Protocol, Server, Transport};

/// Upstreams end an HTTP/1.1 connection. An HTTP/2 connection may also stay open.
const ENDINGS: [(Protocol, &[Ending]); 2] = [
    (
        Protocol::Http1,
        &[Ending::Closes, Ending::Lingers, Ending::Resets],
    ),
    (
        Protocol::Http2,
        &[
            Ending::StaysOpen,
            Ending::Closes,
            Ending::Lingers,
            Ending::Resets,
        ],
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_responses_by_connector() {
    for (protocol, endings) in ENDINGS {
        for transport in [Transport::Tcp, Transport::Tls] {
            for ending in endings {
                for connection in CONNECTIONS {
                    for connector in [Connector::Plain, Connector::HELD] {
                        let row = Row::new(protocol, transport, *ending, connection, connector);
                        println!("{}", row.count(uploads(1)).await);
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_responses_behind_envoy() {
    let program = std::env::var("ENVOY").unwrap_or_default();
    if program.is_empty() {
        println!("skipped: ENVOY does not name an Envoy");
        return;
    }
    for (protocol, endings) in ENDINGS {
        for ending in endings {
            let server = Server::start(Transport::Tcp, protocol, *ending).await;
            let envoy = Envoy::start(&program, &server, protocol).await;
            let mut lost = [0; SIZES.len()];
            for (size, lost) in SIZES.into_iter().zip(&mut lost) {
                for _ in 0..uploads(1) {
                    let caller = envoy.caller();
                    let upload = timeout(Duration::from_secs(10), caller.upload(size));
                    let answer = upload.await.unwrap_or_else(|late| Err(late.into()));
                    *lost += usize::from(is_lost(&answer));
                }
            }
            let mut row = format!("{protocol:?} behind Envoy, {ending:?}:");
            write_lost(&mut row, lost, uploads(1)).unwrap();
            println!("{row}");
        }
    }
}
