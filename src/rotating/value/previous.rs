//! The value before the current one, for as long as a request may go back to it.

use std::sync::Arc;
use std::time::Duration;

use super::content::Content;
use super::proven::Proven;
use super::snapshot::{Current, Snapshot};
use crate::clock::Now;
use crate::rotating::deadline::Deadline;

/// A value that had proven itself when it was replaced: the upstream may not take the new one yet.
///
/// Values that nobody proves, such as sets of keys, are not kept.
pub(crate) struct Previous<T> {
    snapshot: Arc<Snapshot<T>>,
    until: Deadline,
}

impl<T: PartialEq> Previous<T> {
    /// What is kept once `replaced` is replaced by `next`: its content, or what was kept beside it if it never proved
    /// itself. To go back to what comes again would be to send the same twice.
    pub(crate) fn after(
        replaced: &Snapshot<T>,
        next: &T,
        overlap: Duration,
        now: Now,
    ) -> Option<Self> {
        let kept = if replaced.content.proven() == Proven::No {
            replaced.previous.clone()
        } else {
            let end = Deadline::after(now, overlap);
            Some(Self {
                snapshot: Arc::new(Snapshot {
                    content: Arc::clone(&replaced.content),
                    revision: None,
                    expires: replaced.expires,
                    failing_since: None,
                    previous: None,
                }),
                until: replaced.expires.map_or(end, |expiry| expiry.earlier(end)),
            })
        };
        kept.filter(|kept| kept.stands(now) && kept.content().value != *next)
    }
}

impl<T> Previous<T> {
    /// Whether a request may go back to it: not once it has been rejected, has expired, or the overlap is over.
    pub(crate) fn stands(&self, now: Now) -> bool {
        self.content().proven() == Proven::Yes && !self.until.passed(now)
    }

    pub(crate) fn content(&self) -> &Content<T> {
        &self.snapshot.content
    }

    pub(crate) const fn until(&self) -> Deadline {
        self.until
    }

    pub(crate) fn load(&self) -> Current<T> {
        Current::from(Arc::clone(&self.snapshot))
    }
}

impl<T> Clone for Previous<T> {
    fn clone(&self) -> Self {
        Self {
            snapshot: Arc::clone(&self.snapshot),
            until: self.until,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::thread::{self, ThreadId};

    use tokio::time::sleep;

    use super::*;
    use crate::rotating::handle::Rotating;
    use crate::source::{Fetch, Fetched, Source, SourceError};

    type Freed = Arc<Mutex<Vec<(u32, ThreadId)>>>;

    /// Tells when it is freed, and where.
    struct Tells(u32, Freed);

    impl PartialEq for Tells {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }

    impl Drop for Tells {
        fn drop(&mut self) {
            let mut freed = self.1.lock().unwrap();
            freed.push((self.0, thread::current().id()));
        }
    }

    /// Delivers one, two, three …
    struct Counting(u32, Freed);

    impl Source for Counting {
        type Value = Tells;

        async fn fetch(&mut self, _: Fetch<'_, Tells>) -> Result<Fetched<Tells>, SourceError> {
            self.0 += 1;
            Ok(Fetched::new(Tells(self.0, Arc::clone(&self.1))))
        }
    }

    fn freed_on(freed: &Freed) -> Vec<(u32, ThreadId)> {
        freed.lock().unwrap().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_proven_value_is_kept_for_the_overlap_and_freed_off_the_runtime() {
        let freed = Freed::default();
        let builder = Rotating::builder().poll(Duration::from_secs(100));
        let key = builder
            .start(Counting(0, Arc::clone(&freed)))
            .await
            .unwrap();
        key.report_accepted(key.current().generation());
        sleep(Duration::from_secs(1)).await;
        key.refresh().await.unwrap();
        let held = key.instead_of(key.current().generation(), Proven::No);
        let held = held.await.unwrap();
        assert_eq!((held.0, key.current().0 > 1), (1, true));

        sleep(Duration::from_secs(290)).await;
        assert!(freed_on(&freed).iter().all(|(number, _)| *number > 1));
        sleep(Duration::from_secs(20)).await;
        let current = key.current();
        assert!(current.previous().is_none(), "nothing is kept any more");
        assert!(freed_on(&freed).iter().all(|(number, _)| *number > 1));
        drop((held, current)); // the request lets go, which frees nothing yet
        assert!(freed_on(&freed).iter().all(|(number, _)| *number > 1));
        sleep(Duration::from_secs(31)).await;
        let (_, thread) = freed_on(&freed)
            .into_iter()
            .find(|(number, _)| *number == 1)
            .unwrap();
        assert_ne!(thread, thread::current().id());
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_that_nobody_proves_is_not_kept() {
        let freed = Freed::default();
        let key = Rotating::start(Counting(0, Arc::clone(&freed)))
            .await
            .unwrap();
        sleep(Duration::from_secs(1)).await;
        key.refresh().await.unwrap();
        assert!(key.current().previous().is_none());
        sleep(Duration::from_millis(1)).await;
        assert_eq!(freed_on(&freed).len(), 1);
    }

    #[test]
    fn what_is_published_by_hand_is_kept_until_the_next_and_what_is_compromised_until_the_cut() {
        let freed = Freed::default();
        let tells = |number| Tells(number, Arc::clone(&freed));
        let numbers = || freed_on(&freed).iter().map(|(n, _)| *n).collect::<Vec<_>>();
        let (key, mut publisher) = Rotating::manual(tells(1));
        key.report_accepted(key.current().generation());
        key.report_accepted(publisher.publish(tells(2)));
        assert!(numbers().is_empty());
        publisher.publish(tells(3));
        assert_eq!(numbers(), [1]);
        publisher.cut_over(tells(3));
        assert_eq!(numbers()[1..], [2, 3], "and the value that was compared");
    }
}
