//! A body that is dropped when its client's key ends, whether or not anybody polls it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use http_body::{Body, Frame};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::inbound::key::KeyStatus;
use crate::inbound::principal::CheckedKey;

/// A frame of a body, or its error.
pub(crate) type Polled<B> = Result<Frame<<B as Body>::Data>, <B as Body>::Error>;

/// A body beside a task that drops it when the key ends.
///
/// A client that does not read keeps whoever writes the response from polling. So a body that is
/// not at its end yet lies where the task reaches it.
pub(crate) struct Watched<B> {
    shared: Arc<SharedBody<B>>,
    /// `None` outside a runtime, where only whoever polls notices the end of a key.
    task: Option<AbortHandle>,
}

struct SharedBody<B>(Mutex<State<B>>);

struct State<B> {
    body: Result<Pin<Box<B>>, KeyStatus>,
    waker: Option<Waker>,
}

impl<B: Send + 'static> Watched<B> {
    pub(crate) fn new(body: Pin<Box<B>>, key: &CheckedKey) -> Self {
        let state = State {
            body: Ok(body),
            waker: None,
        };
        let shared = Arc::new(SharedBody(Mutex::new(state)));
        // Weak: whoever drops the response must drop the body at once, with all that it holds.
        let watched = Arc::downgrade(&shared);
        let key = key.clone();
        let task = Handle::try_current().ok().map(|runtime| {
            let task = runtime.spawn(async move {
                let ended = key.ended().await;
                if let Some(watched) = watched.upgrade() {
                    watched.end(ended);
                }
            });
            task.abort_handle()
        });
        Self { shared, task }
    }
}

impl<B: Body> Watched<B> {
    /// Polls the body. Fails if it was dropped.
    pub(crate) fn poll_frame(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Polled<B>>, KeyStatus>> {
        let mut state = self.shared.lock();
        match &mut state.body {
            Ok(body) => match body.as_mut().poll_frame(cx) {
                Poll::Ready(frame) => Poll::Ready(Ok(frame)),
                Poll::Pending => {
                    state.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            },
            Err(ended) => Poll::Ready(Err(*ended)),
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        match &self.shared.lock().body {
            Ok(body) => body.is_end_stream(),
            Err(_) => false,
        }
    }
}

impl<B> SharedBody<B> {
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the body, and wakes whoever waits for it.
    fn end(&self, ended: KeyStatus) {
        let mut state = self.lock();
        let body = std::mem::replace(&mut state.body, Err(ended));
        let waker = state.waker.take();
        drop(state);
        // Outside the lock: nobody knows what the drop of a body does.
        drop(body);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<B> Drop for Watched<B> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
