//! The body comes through unchanged.

use std::convert::Infallible;
use std::future::ready;

use http::{HeaderMap, Response};
use http_body::Body;
use http_body_util::BodyExt;
use proptest::prelude::*;
use proptest::sample::select;
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::outbound::adapter::Verdict;
use tower_rotating_auth::outbound::body_rejection::{PrefixedBody, RejectByBodyLayer};

use super::{Step, Steps, asked, json, layer, through};

const LIMIT: usize = 8 * 1024;

/// What a body delivers.
#[derive(Default, PartialEq)]
struct Delivered {
    data: Vec<u8>,
    trailers: Vec<HeaderMap>,
    errors: Vec<u8>,
}

impl Delivered {
    fn by(steps: &[Step]) -> Self {
        let mut delivered = Self::default();
        for step in steps {
            match step {
                Step::Data(data) => delivered.data.extend_from_slice(data),
                Step::Trailers(trailers) => delivered.trailers.push(trailers.clone()),
                Step::Error(error) => delivered.errors.push(*error),
                Step::Wait | Step::Hang => {}
            }
        }
        delivered
    }

    /// Reads a body to its end, and checks what it says of itself at each step.
    async fn read(mut body: PrefixedBody<Steps>, whole: &Self, knows: bool) -> Self {
        let mut delivered = Self::default();
        loop {
            let left = (whole.data.len() - delivered.data.len()) as u64;
            let hint = body.size_hint();
            assert!(hint.lower() <= left, "{hint:?} {left}");
            assert!(
                hint.upper().is_none_or(|upper| left <= upper),
                "{hint:?} {left}"
            );
            assert!(!knows || hint.exact() == Some(left), "{hint:?} {left}");
            let said_to_end = body.is_end_stream();
            let Some(frame) = body.frame().await else {
                assert!(said_to_end || !knows);
                return delivered;
            };
            assert!(!said_to_end);
            match frame.map(http_body::Frame::into_data) {
                Ok(Ok(data)) => delivered.data.extend_from_slice(&data),
                Ok(Err(frame)) => delivered.trailers.push(frame.into_trailers().unwrap()),
                Err(error) => delivered.errors.push(error),
            }
        }
    }
}

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "abc".parse().unwrap());
    trailers
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![
        4 => 0..4_usize,
        4 => 0..3000_usize,
        2 => LIMIT - 2..LIMIT + 3,
        1 => Just(3 * LIMIT),
    ];
    let data = (length, any::<u8>()).prop_map(|(length, seed)| {
        let byte = |n: usize| u8::try_from(n % 251).unwrap().wrapping_add(seed);
        Step::Data((0..length).map(byte).collect())
    });
    prop_oneof![4 => data, 1 => Just(Step::Wait)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let last = select(vec![
        None,
        Some(Step::Trailers(trailers())),
        Some(Step::Error(7)),
    ]);
    (prop::collection::vec(step(), 0..12), last).prop_map(|(mut steps, last)| {
        // A body that knows its end does not wait for it.
        let end = steps.iter().rposition(|step| !matches!(step, Step::Wait));
        steps.truncate(end.map_or(0, |last| last + 1));
        steps.extend(last);
        steps
    })
}

proptest! {
    #[test]
    fn body_is_passed_on_unchanged(steps in steps(), knows: bool) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let whole = Delivered::by(&steps);
            let mut body = Steps::new(steps.clone());
            body.knows = knows;
            let response = through(layer(), json(body)).await;
            let asked = asked();
            assert_eq!(asked.len(), 1);
            let empty = |step: &&Step| matches!(step, Step::Data(data) if data.is_empty());
            let most = LIMIT - steps.iter().filter(empty).count(); // each counts as a byte
            let length = asked[0].len();
            assert!(length <= LIMIT && length >= whole.data.len().min(most), "{length}");
            assert!(asked[0] == whole.data[..length]);
            let read = Delivered::read(response.into_body(), &whole, knows && whole.errors.is_empty());
            assert!(read.await == whole);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn one_byte_at_a_time() {
    let text: Vec<u8> = (0..20_000).map(|n: u32| n.to_le_bytes()[0]).collect();
    let steps = text.iter().map(|byte| Step::Data(vec![*byte]));
    let response = through(layer(), json(Steps::new(steps))).await;
    assert_eq!(asked(), [&text[..LIMIT]]);
    let whole = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(whole, text);
}

#[tokio::test]
async fn rejection_is_marked() {
    for (text, verdict) in [
        ("a wrong key", Some(Verdict::Rejected)),
        ("a wrong cat", None),
    ] {
        let response = through(layer(), json(Steps::text(text))).await;
        assert_eq!(response.extensions().get().copied(), verdict);
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            text
        );
    }
}

#[tokio::test]
async fn inner_error_is_passed_on() {
    let inner = service_fn(|()| ready(Err::<Response<Steps>, _>("refused")));
    let service = layer().layer(inner);
    assert_eq!(service.oneshot(()).await.unwrap_err(), "refused");
}

#[tokio::test]
async fn empty_body_is_passed_on() {
    let inner = service_fn(|()| ready(Ok::<_, Infallible>(Response::new(String::new()))));
    let response = RejectByBodyLayer::gemini().layer(inner).oneshot(()).await;
    let body: PrefixedBody<String> = response.unwrap().into_body();
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(PrefixedBody::<String>::default().is_end_stream());
}
