//! An upstream that dies without a response: the caller gets the error at once.

use std::time::Duration;

use super::client::{Caller, Connector};
use super::row::uploads;
use super::server::{Ending, Protocol, Server, Transport};

/// A hold that only the end of the input can end.
const FOREVER: Connector = Connector::EarlyResponse(Duration::from_secs(3600));

/// Prints how long after the server closed the connection the callers got the error.
async fn deaths(protocol: Protocol, transport: Transport, ending: Ending, connector: Connector) {
    let server = Server::start(transport, protocol, ending).await;
    let caller = Caller::new(&server, protocol, connector);
    let mut times = Vec::new();
    for _ in 0..uploads(20) {
        let upload = caller.upload(1_000_000);
        let answer = tokio::time::timeout(Duration::from_secs(60), upload).await;
        assert!(answer.expect("the error should have come by now").is_err());
        times.push(server.since_close());
    }
    times.sort();
    let (median, last) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{protocol:?} {transport:?} {ending:?} {connector:?}: {median:?}, at most {last:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn death_without_response_is_reported_at_once() {
    for transport in [Transport::Tcp, Transport::Tls] {
        for ending in [Ending::Dies, Ending::Refuses] {
            for connector in [Connector::Plain, FOREVER] {
                deaths(Protocol::Http1, transport, ending, connector).await;
            }
        }
    }
}

/// HTTP/2 does not read while it has an acknowledgement to send. The timeout ends that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn death_of_an_http2_connection_is_reported() {
    for transport in [Transport::Tcp, Transport::Tls] {
        for connector in [Connector::Plain, Connector::HELD] {
            deaths(Protocol::Http2, transport, Ending::Dies, connector).await;
        }
    }
}
