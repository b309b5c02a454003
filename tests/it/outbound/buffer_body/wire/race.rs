//! Bodies that are ready from the beginning: how much is sent before the rejection is a race.

use http::StatusCode;
use http_body_util::BodyExt;
use itertools::iproduct;

use super::call::{client, trailers, upload};
use super::server::{After, End, Protocol, Reads, Script, Server, WORDS, content};
use crate::support::feed;

const LENGTH: usize = 200_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_is_lost_doubled_or_moved() {
    for (protocol, after, reads, limit, content_length) in iproduct!(
        [Protocol::Http1, Protocol::Http2],
        [After::Closes, After::Lingers, After::Resets],
        [Reads::Bytes(0), Reads::Bytes(LENGTH / 4), Reads::All],
        [0, LENGTH / 3, LENGTH],
        [None, Some(LENGTH as u64)]
    ) {
        println!("{protocol:?}, {after:?}, {reads:?}, {limit}, {content_length:?}");
        run(protocol, Script { reads, after }, limit, content_length).await;
    }
}

async fn run(protocol: Protocol, script: Script, limit: usize, content_length: Option<u64>) {
    let mut server = Server::start(protocol, script).await;
    server.reset.notify_one();
    let url = format!("http://{}/", server.address);
    let (feed, body) = feed(content_length);
    let given = content(LENGTH);
    for piece in given.chunks(7000) {
        feed.data(given.slice_ref(piece));
    }
    if content_length.is_none() {
        feed.trailer("checksum", "7");
    }
    drop(feed);

    match tokio::spawn(upload(client(protocol), &url, limit, body))
        .await
        .unwrap()
    {
        Ok(response) if response.status() == StatusCode::OK => {
            server.hear(|server| !server.new.is_empty()).await;
            let [request] = &server.new[..] else {
                panic!("{:?}", server.new.len())
            };
            assert_eq!(request.end, End::Whole);
            assert!(request.body == given);
            assert_eq!(request.trailers, content_length.is_none().then(trailers));
        }
        Ok(response) => {
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            let words = response.into_body().collect().await;
            if script.after == After::Lingers {
                assert_eq!(words.unwrap().to_bytes(), WORDS);
            }
            assert_eq!(server.began, 0);
        }
        // A reset while the client writes may discard the rejection. Closing a socket with unread
        // data resets it, too.
        Err(error) => {
            let resets = match protocol {
                Protocol::Http1 => script.after != After::Lingers,
                Protocol::Http2 => script.after == After::Resets,
            };
            assert!(resets, "{error:?}");
            assert!(server.new.is_empty());
        }
    }
    if script.reads == Reads::All && limit == LENGTH && script.after == After::Lingers {
        assert_eq!(server.began, 1);
    }
}
