//! No response is lost, and these uploads would find out if one were.

use super::client::Connector;
use super::row::{CONNECTIONS, LARGE, Row, SIZES};
use super::server::{Ending, Protocol, Transport};

const UPLOADS: usize = 20;

async fn assert_none_lost(
    protocol: Protocol,
    transport: Transport,
    connector: Connector,
    endings: &[Ending],
) {
    for ending in endings {
        for connection in CONNECTIONS {
            let row = Row::new(protocol, transport, *ending, connection, connector);
            let row = row.count(UPLOADS).await;
            assert_eq!(row.lost, [0; SIZES.len()], "{row}");
        }
    }
}

const ENDINGS: [Ending; 3] = [Ending::Closes, Ending::Lingers, Ending::Resets];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_response_is_lost() {
    assert_none_lost(Protocol::Http1, Transport::Tcp, Connector::HELD, &ENDINGS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_response_is_lost_below_tls() {
    assert_none_lost(Protocol::Http1, Transport::Tls, Connector::HELD, &ENDINGS).await;
}

/// Shows that the tests above would see a lost response.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_connector_loses_responses() {
    for transport in [Transport::Tcp, Transport::Tls] {
        let mut lost = 0;
        for connection in CONNECTIONS {
            let (protocol, ending) = (Protocol::Http1, Ending::Closes);
            let row = Row::new(protocol, transport, ending, connection, Connector::Plain);
            let row = row.count(UPLOADS).await;
            println!("{row}");
            let each = SIZES.into_iter().zip(row.lost);
            lost += each
                .filter(|(size, _)| *size >= LARGE)
                .map(|(_, lost)| lost)
                .sum::<usize>();
        }
        assert!(lost > 0, "{transport:?}");
    }
}

/// Upstreams end the stream of a rejected upload, rather than the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_loses_no_response_while_the_connection_is_open() {
    for connector in [Connector::Plain, Connector::HELD] {
        let open = [Ending::StaysOpen];
        assert_none_lost(Protocol::Http2, Transport::Tcp, connector, &open).await;
    }
}
