//! Random bodies, moments of rejection and limits.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tokio::runtime::Builder;

use super::server::{After, Protocol};
use super::trial::{Ending, Length, Moment, Trial};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_body_arrives_whole_or_is_rejected(trial in trial()) {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(trial.run());
    }
}

fn trial() -> impl Strategy<Value = Trial> {
    let piece = prop_oneof![0_usize..4, 4_usize..5000, 8000_usize..20_000];
    let early = option::weighted(0.8, (any::<Index>(), option::of(any::<Index>())));
    let room = prop_oneof![-3_isize..4, -40_000_isize..40_000];
    let body = select(vec![
        (Length::Told, Ending::Nothing),
        (Length::Unknown, Ending::Nothing),
        (Length::Unknown, Ending::Trailers),
        (Length::Told, Ending::Failure),
        (Length::Unknown, Ending::Failure),
    ]);
    let protocol = select(vec![Protocol::Http1, Protocol::Http2]);
    let after = select(vec![After::Closes, After::Lingers, After::Resets]);
    (vec(piece, 0..12), early, room, body, protocol, after).prop_map(
        |(pieces, early, room, (length, ending), protocol, after)| Trial {
            moment: moment(&pieces, early),
            pieces,
            length,
            ending,
            protocol,
            after,
            room,
        },
    )
}

fn moment(pieces: &[usize], early: Option<(Index, Option<Index>)>) -> Moment {
    let Some((fed, unread)) = early else {
        return Moment::AfterTheLast;
    };
    let fed = fed.index(pieces.len() + 1);
    let last = pieces[..fed].last().copied().unwrap_or_default();
    Moment::Early {
        pieces: fed,
        unread: unread.map_or(0, |unread| unread.index(last.max(1))),
    }
}
