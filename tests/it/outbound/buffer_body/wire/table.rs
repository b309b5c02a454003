//! A table of all combinations of body, moment of rejection, end and limit.

use super::server::{After, Protocol};
use super::trial::{Ending, Length, Moment, Trial};

/// A body: its pieces, its declared length, and its end.
type Kind = (&'static [usize], Length, Ending);

const ONE: &[usize] = &[12_029];
const MANY: &[usize] = &[3, 10_000, 1, 1, 2000, 24];

const KINDS: [Kind; 8] = [
    (&[], Length::Told, Ending::Nothing),
    (ONE, Length::Told, Ending::Nothing),
    (ONE, Length::Unknown, Ending::Nothing),
    (MANY, Length::Told, Ending::Nothing),
    (MANY, Length::Unknown, Ending::Nothing),
    (MANY, Length::Unknown, Ending::Trailers),
    (MANY, Length::Told, Ending::Failure),
    (MANY, Length::Unknown, Ending::Failure),
];

/// Returns the moments before any byte, midway and after the last. A body of one piece has its
/// midway inside it.
fn moments(pieces: &[usize]) -> [Moment; 3] {
    let early = |pieces, unread| Moment::Early { pieces, unread };
    let midway = match *pieces {
        [only] => early(1, only - only / 2),
        _ => early(pieces.len().div_ceil(2), 0),
    };
    [early(0, 0), midway, Moment::AfterTheLast]
}

fn all() -> impl Iterator<Item = Trial> {
    let ends = [After::Closes, After::Lingers, After::Resets];
    let below_at_above = [-1, 0, 1_000_000];
    let protocols = [Protocol::Http1, Protocol::Http2];
    KINDS.into_iter().flat_map(move |(pieces, length, ending)| {
        moments(pieces).into_iter().flat_map(move |moment| {
            protocols.into_iter().flat_map(move |protocol| {
                ends.into_iter().flat_map(move |after| {
                    below_at_above.into_iter().map(move |room| Trial {
                        pieces: pieces.to_vec(),
                        length,
                        ending,
                        moment,
                        protocol,
                        after,
                        room,
                    })
                })
            })
        })
    })
}

#[tokio::test]
async fn every_body_arrives_whole_or_is_rejected() {
    for trial in all() {
        println!("{trial:?}"); // shown if it fails
        trial.run().await;
    }
}
