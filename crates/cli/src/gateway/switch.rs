//! A source that can be replaced while its value is in use, so that whoever holds the value follows
//! the new source, too.

use tokio::sync::{mpsc, oneshot};
use tower_rotating_auth::source::{
    BoxSource, Fetch, FetchReason, Fetched, RefreshInterval, Source, SourceError,
};

/// A handle that replaces the source of a value.
pub(crate) struct Switch<T>(mpsc::UnboundedSender<Candidate<T>>);

/// A source that is to replace another, if it has a usable value.
struct Candidate<T> {
    source: BoxSource<T>,
    verdict: oneshot::Sender<Result<(), SourceError>>,
}

/// A source that can be replaced, created by [`switched`].
pub(crate) struct Switched<T> {
    source: BoxSource<T>,
    candidate: Option<Candidate<T>>,
    candidates: mpsc::UnboundedReceiver<Candidate<T>>,
}

/// Returns a source that can be replaced, and what replaces it.
pub(crate) fn switched<T>(source: BoxSource<T>) -> (Switch<T>, Switched<T>) {
    let (sender, candidates) = mpsc::unbounded_channel();
    let switched = Switched {
        source,
        candidate: None,
        candidates,
    };
    (Switch(sender), switched)
}

impl<T> Switch<T> {
    /// Replaces the source, once the new one has delivered a value. If it fails, the old one stays.
    ///
    /// The value is not published yet when this returns.
    pub(crate) async fn replace(&self, source: BoxSource<T>) -> Result<(), SourceError> {
        let stopped = || SourceError::transient("the refresh task has stopped");
        let (verdict, given) = oneshot::channel();
        let candidate = Candidate { source, verdict };
        self.0.send(candidate).map_err(|_| stopped())?;
        given.await.unwrap_or_else(|_| Err(stopped()))
    }
}

impl<T: Send + Sync + 'static> Switched<T> {
    /// Takes the newest candidate whose sender still waits.
    fn candidate(&mut self) -> Option<&mut Candidate<T>> {
        while let Ok(newer) = self.candidates.try_recv() {
            self.candidate = Some(newer);
        }
        self.candidate
            .take_if(|candidate| candidate.verdict.is_closed());
        self.candidate.as_mut()
    }
}

impl<T: Send + Sync + 'static> Source for Switched<T> {
    type Value = T;

    async fn fetch(&mut self, request: Fetch<'_, T>) -> Result<Fetched<T>, SourceError> {
        let Some(candidate) = self.candidate() else {
            return self.source.fetch(request).await;
        };
        // The value and the revision of another source say nothing about this one.
        let mut first = request;
        (first.reason, first.revision, first.current) = (FetchReason::Start, None, None);
        let fetched = candidate.source.fetch(first).await.and_then(usable);
        let Some(Candidate { source, verdict }) = self.candidate.take() else {
            return fetched; // it is there: nothing else takes it
        };
        match fetched {
            Ok(fetched) => {
                self.source = source;
                drop(verdict.send(Ok(())));
                Ok(fetched)
            }
            Err(error) => {
                drop(verdict.send(Err(error)));
                self.source.fetch(request).await
            }
        }
    }

    async fn changed(&mut self) {
        if self.candidate.is_some() {
            return;
        }
        tokio::select! {
            Some(candidate) = self.candidates.recv() => self.candidate = Some(candidate),
            () = self.source.changed() => {}
        }
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.source.refresh_interval()
    }
}

/// Removes the revision, which two sources may use for different contents.
fn usable<T>(fetched: Fetched<T>) -> Result<Fetched<T>, SourceError> {
    match fetched {
        Fetched::Value {
            value, expires_at, ..
        } => Ok(Fetched::Value {
            value,
            revision: None,
            expires_at,
        }),
        _ => Err(SourceError::invalid(
            "the source answered \"unchanged\" before it delivered a value",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tower_rotating_auth::Rotating;
    use tower_rotating_auth::source::{Revision, Source as _, SourceErrorKind};

    use super::*;

    /// A source of one value, which calls its content "1" as all do, and counts the fetches.
    struct Fixed(Result<&'static str, ()>, mpsc::UnboundedSender<FetchReason>);

    impl Source for Fixed {
        type Value = &'static str;

        async fn fetch(
            &mut self,
            request: Fetch<'_, &'static str>,
        ) -> Result<Fetched<&'static str>, SourceError> {
            self.1.send(request.reason).unwrap();
            let value = self.0.map_err(|()| SourceError::transient("broken"))?;
            Ok(Fetched::new(value).revision(Revision::new(*b"1")))
        }

        fn refresh_interval(&self) -> RefreshInterval {
            let seconds = self.0.map_or(1, |value| value.len() as u64);
            RefreshInterval::new(Duration::from_secs(seconds), Duration::from_millis(1))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn new_source_takes_over_with_its_interval() {
        let (sender, mut first) = mpsc::unbounded_channel();
        let (switch, source) = switched(Fixed(Ok("four"), sender).boxed());
        let value = Rotating::start(source).await.unwrap();
        let (sender, mut second) = mpsc::unbounded_channel();
        let hundred = "x".repeat(100).leak();
        let other = Fixed(Ok(hundred), sender);
        switch.replace(other.boxed()).await.unwrap();
        value.refresh().await.unwrap();
        assert_eq!(
            (*value.current(), value.current().generation().get()),
            (&*hundred, 2)
        );
        assert_eq!(second.recv().await, Some(FetchReason::Start));
        while first.try_recv().is_ok() {}
        while second.try_recv().is_ok() {}
        tokio::time::sleep(Duration::from_secs(80)).await;
        assert!(first.try_recv().is_err() && second.try_recv().is_err());
        tokio::time::sleep(Duration::from_secs(40)).await;
        assert_eq!(second.try_recv().unwrap(), FetchReason::Scheduled);
        assert!(first.try_recv().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn failing_source_leaves_the_old_one_in_force() {
        let (sender, mut first) = mpsc::unbounded_channel();
        let (switch, source) = switched(Fixed(Ok("four"), sender).boxed());
        let value = Rotating::start(source).await.unwrap();
        let (sender, mut second) = mpsc::unbounded_channel();
        let replaced = switch.replace(Fixed(Err(()), sender).boxed()).await;
        assert_eq!(replaced.unwrap_err().kind(), SourceErrorKind::Transient);
        value.refresh().await.unwrap();
        assert_eq!(value.status().failures, 0);
        assert_eq!(value.current().generation().get(), 1);
        while first.try_recv().is_ok() {}
        assert_eq!(second.recv().await, Some(FetchReason::Start));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(first.try_recv().unwrap(), FetchReason::Scheduled);
        assert!(second.try_recv().is_err());
    }
}
