//! The upstream's HTTP/2, frame by frame, so that nothing decides when to close but the test.

use std::io;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::server::{Ending, Seen, WORDS};

const PREFACE: usize = 24;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const NO_ERROR: u32 = 0;

/// Large enough that flow control never stops an upload, in bytes.
const WINDOW: u32 = 1 << 30;
/// The identifier of `SETTINGS_INITIAL_WINDOW_SIZE`.
const INITIAL_WINDOW_SIZE: u16 = 4;

/// `:status: 200`, by its index in HPACK's static table.
const OK: &[u8] = &[0x88];
/// `:status: 401`, as a literal with an indexed name.
const UNAUTHORIZED: &[u8] = b"\x08\x03401";

/// `:method: GET`, by its index in HPACK's static table. Clients send the method first.
const GET: u8 = 0x82;

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

/// Responds to `GET` requests, and rejects the first other one: a complete response, and
/// `RST_STREAM` without an error, as RFC 9113 has it (section 8.1).
pub(super) async fn serve(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    ending: Ending,
    seen: &Seen,
) -> io::Result<()> {
    stream.read_exact(&mut [0; PREFACE]).await?;
    let settings = [
        &INITIAL_WINDOW_SIZE.to_be_bytes()[..],
        &WINDOW.to_be_bytes(),
    ]
    .concat();
    let beginning = [
        frame(SETTINGS, 0, 0, &settings),
        frame(WINDOW_UPDATE, 0, 0, &WINDOW.to_be_bytes()),
    ];
    stream.write_all(&beginning.concat()).await?;
    stream.flush().await?;

    let mut reused = false;
    loop {
        let received = receive(stream).await?;
        let answer = match (received.kind, received.flags, received.payload.first()) {
            (SETTINGS, 0, _) => frame(SETTINGS, ACK, 0, &[]),
            (HEADERS, _, Some(&GET)) => {
                reused = true;
                frame(HEADERS, END_STREAM | END_HEADERS, received.stream, OK)
            }
            (HEADERS, ..) => {
                seen.reused.store(reused, Ordering::SeqCst);
                if ending == Ending::Dies {
                    return Ok(());
                }
                let mut answer = vec![
                    frame(HEADERS, END_HEADERS, received.stream, UNAUTHORIZED),
                    frame(DATA, END_STREAM, received.stream, WORDS.as_bytes()),
                    frame(RST_STREAM, 0, received.stream, &NO_ERROR.to_be_bytes()),
                ];
                if ending == Ending::Lingers {
                    let last = [received.stream, NO_ERROR].map(u32::to_be_bytes);
                    answer.push(frame(GO_AWAY, 0, 0, &last.concat()));
                }
                if ending != Ending::StaysOpen {
                    stream.write_all(&answer.concat()).await?;
                    return stream.flush().await;
                }
                answer.concat()
            }
            _ => continue,
        };
        stream.write_all(&answer).await?;
        stream.flush().await?;
    }
}

async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await?;
    let [a, b, c, kind, flags, stream_id @ ..] = head;
    let length = u32::from_be_bytes([0, a, b, c]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).await?;
    Ok(Frame {
        kind,
        flags,
        stream: u32::from_be_bytes(stream_id),
        payload,
    })
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
