//! Rejections that only the body of a response shows.

mod bodies;
mod gemini;
mod limits;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::outbound::body_rejection::{PrefixedBody, RejectByBodyLayer};

thread_local! {
    /// What the rule was asked about on this thread.
    static ASKED: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A rule that records what it is asked about, and rejects what contains "wrong key".
fn rule(bytes: &[u8]) -> bool {
    ASKED.with_borrow_mut(|asked| asked.push(bytes.to_vec()));
    bytes.windows(9).any(|window| window == b"wrong key")
}

/// Takes what the rule was asked about since the last call.
fn asked() -> Vec<Vec<u8>> {
    ASKED.take()
}

fn layer() -> RejectByBodyLayer {
    RejectByBodyLayer::new(&[StatusCode::BAD_REQUEST], rule)
}

#[derive(Clone)]
enum Step {
    Data(Vec<u8>),
    Trailers(HeaderMap),
    Error(u8),
    /// Pending once. Wakes its task at once.
    Wait,
    /// Pending for ever.
    Hang,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(data) => write!(f, "{} bytes", data.len()),
            Self::Trailers(_) => f.write_str("trailers"),
            Self::Error(_) => f.write_str("an error"),
            Self::Wait => f.write_str("a wait"),
            Self::Hang => f.write_str("a hang"),
        }
    }
}

/// A body that plays its steps. Panics if it is polled after its end.
#[derive(Debug)]
struct Steps {
    steps: VecDeque<Step>,
    /// Whether it knows how long it is, and when it ends.
    knows: bool,
    ended: bool,
}

impl Steps {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            knows: false,
            ended: false,
        }
    }

    fn text(text: &str) -> Self {
        Self::new([Step::Data(text.into())])
    }

    fn length(&self) -> u64 {
        let data = self.steps.iter().map(|step| match step {
            Step::Data(data) => data.len() as u64,
            _ => 0,
        });
        data.sum()
    }
}

impl Body for Steps {
    type Data = VecDeque<u8>; // not in one piece
    type Error = u8;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<VecDeque<u8>>, u8>>> {
        assert!(!self.ended, "polled after its end");
        Poll::Ready(match self.steps.pop_front() {
            Some(Step::Data(data)) => Some(Ok(Frame::data(data.into()))),
            Some(Step::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Step::Error(error)) => Some(Err(error)),
            Some(Step::Wait) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Step::Hang) => {
                self.steps.push_front(Step::Hang);
                return Poll::Pending;
            }
            None => {
                self.ended = true;
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.knows && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.knows {
            true => SizeHint::with_exact(self.length()),
            false => SizeHint::default(),
        }
    }
}

/// Returns a response of a status that is read, in JSON.
fn json(body: Steps) -> Response<Steps> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// Passes a response through the layer.
async fn through(
    layer: RejectByBodyLayer,
    response: Response<Steps>,
) -> Response<PrefixedBody<Steps>> {
    let mut response = Some(response);
    let inner = service_fn(move |()| ready(Ok::<_, Infallible>(response.take().unwrap())));
    layer.layer(inner).oneshot(()).await.unwrap()
}
