//! The evidence of each generation that the engine publishes.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::evidence::{AcceptanceSampling, Evidence};
use super::trial::Trial;
use crate::clock::Now;
use crate::outbound::credential::Credential;
use crate::rotating::{Generations, Health, Replaced};

/// Makes the evidence of each generation.
pub(crate) struct CredentialGenerations {
    pub(crate) overlap: Duration,
    pub(crate) sampling: AcceptanceSampling,
}

impl Generations<Credential, Evidence> for CredentialGenerations {
    fn first(&self, now: Now) -> Evidence {
        Evidence::new(self.sampling, None, now.mono)
    }

    fn next(
        &self,
        replaced: &Replaced<Credential, Evidence>,
        next: &Credential,
        now: Now,
    ) -> Evidence {
        let content = &replaced.content;
        let stood_by = content.state.end_trial();
        let trial = if content.state.is_proven() {
            content.state.stand_by();
            let previous = Arc::clone(content);
            Some(Trial::new(
                previous,
                replaced.expires,
                self.overlap,
                now.mono,
            ))
        } else {
            stood_by.map(|trial| trial.continued(now.mono))
        };
        let trial = trial.filter(|trial| {
            // With an equal one, a request would carry the same key twice.
            !self.overlap.is_zero() && trial.is_usable(now) && trial.previous().value != *next
        });
        Evidence::new(self.sampling, trial, now.mono)
    }

    fn health(&self, evidence: &Evidence) -> Health {
        evidence.health()
    }

    fn tidy(&self, evidence: &Evidence, now: Now) -> Option<Instant> {
        evidence.tick(now.mono);
        evidence.tidy(now)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use super::*;
    use crate::Secret;
    use crate::outbound::RotatingCredential;
    use crate::outbound::evidence::TrackedCredential;
    use crate::source::{SourceError, source_fn};
    use tokio::time::sleep;

    fn bearer(number: u32) -> Credential {
        Credential::bearer(&Secret::from(format!("key-{number}"))).unwrap()
    }

    async fn counting() -> RotatingCredential {
        let mut number = 0;
        let source = source_fn(move || {
            number += 1;
            async move { Ok::<_, SourceError>(bearer(number)) }
        });
        let builder = RotatingCredential::builder().poll(Duration::from_secs(24 * 3600));
        builder.start(source).await.unwrap()
    }

    /// Rotates once, and returns a way to see whether the replaced credential is kept.
    async fn rotate(key: &RotatingCredential) -> Weak<TrackedCredential> {
        let replaced = Arc::downgrade(key.current().content());
        sleep(Duration::from_secs(1)).await;
        key.refresh().await.unwrap();
        sleep(Duration::from_millis(1)).await;
        replaced
    }

    #[tokio::test(start_paused = true)]
    async fn unproven_key_is_not_kept() {
        let key = counting().await;
        let replaced = rotate(&key).await;
        sleep(Duration::from_secs(31)).await;
        assert!(replaced.upgrade().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn proven_key_is_kept_until_overlap_after_proof_ends() {
        let key = counting().await;
        key.report_accepted(key.current().generation());
        let replaced = rotate(&key).await;
        sleep(Duration::from_secs(3600)).await;
        key.refresh().await.unwrap();
        assert!(replaced.upgrade().is_some(), "nothing newer is proven");
        key.report_accepted(key.current().generation());
        sleep(Duration::from_secs(299)).await;
        assert!(replaced.upgrade().is_some());
        sleep(Duration::from_secs(62)).await;
        assert!(replaced.upgrade().is_none());
    }

    #[test]
    fn previous_key_is_kept_once_and_not_beyond_cut_over() {
        let (key, mut publisher) = RotatingCredential::manual(bearer(1));
        let kept = |key: &RotatingCredential| key.current().evidence().previous().is_some();
        key.report_accepted(key.current().generation());
        let first = Arc::downgrade(key.current().content());
        key.report_accepted(publisher.publish(bearer(2)));
        assert!(kept(&key) && first.upgrade().is_some());
        publisher.publish(bearer(3));
        assert!(kept(&key) && first.upgrade().is_none());
        publisher.cut_over(bearer(3));
        assert!(!kept(&key));
        key.report_accepted(publisher.publish(bearer(4)));
        publisher.cut_over(bearer(5));
        assert!(!kept(&key));
    }
}
