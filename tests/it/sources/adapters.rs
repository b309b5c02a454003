//! Tests of the adapters of sources of secrets, in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tower_rotating_auth::{
    Rotating, Secret,
    source::{KeyRule, SecretSource as _, Source, SourceError, SourceErrorKind},
};

use crate::support::{Answer, pass, script, secs, source_kind, start_kind};

fn text(key: &Rotating<Secret>) -> String {
    String::from_utf8(key.current().expose_secret().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn fallback_is_asked_when_first_hangs_or_panics() {
    for first in [Answer::hangs, || Answer::panics("broken")] {
        let (first, log) = script(move |asked| match asked.number {
            1 | 2 => first(),
            _ => Answer::value("first"),
        });
        let (second, _) = script(|_| Answer::value("second"));
        let source = first.fallback(second).first_timeout(secs(5));
        let began = tokio::time::Instant::now();
        let key = Rotating::start(source).await.expect("the second delivers");
        assert_eq!(*key.current(), "second");
        assert!(began.elapsed() <= secs(5), "{:?}", began.elapsed());
        pass(secs(180)).await;
        assert_eq!((*key.current(), log.count() > 2), ("first", true));
    }
}

#[tokio::test(start_paused = true)]
async fn both_sources_that_hang_are_a_timeout() {
    let (first, _) = script::<u32>(|_| Answer::hangs());
    let (second, _) = script(|_| Answer::fails(SourceError::permanent("gone")));
    let error = Rotating::start(first.fallback(second))
        .await
        .expect_err("no value");
    assert_eq!(start_kind(&error), Some(SourceErrorKind::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn rule_keeps_the_last_good_key() {
    let (source, _) = script(|asked| {
        Answer::value(Secret::from(
            ["sk-1", "<html>", "sk-3"][asked.number.min(3) - 1],
        ))
    });
    let key = Rotating::start(source.matching(KeyRule::new().prefix("sk-"))).await;
    let key = key.expect("the first key follows the rule");
    let error = key.refresh().await.expect_err("a page is no key");
    assert_eq!(source_kind(&error), Some(SourceErrorKind::Invalid));
    assert_eq!(text(&key), "sk-1");
    pass(secs(2)).await;
    assert_eq!(text(&key), "sk-3");
}

#[tokio::test(start_paused = true)]
async fn probe_tries_each_new_key_once() {
    let (source, _) = script(|asked| {
        Answer::value(Secret::from(
            ["sk-1", "sk-1", "sk-bad", "sk-2"][asked.number.min(4) - 1],
        ))
    });
    let probes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&probes);
    let source = source.probe(move |key| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            match key.expose_secret() {
                b"sk-bad" => Err(SourceError::invalid("the upstream rejects the new key")),
                _ => Ok(()),
            }
        }
    });
    let key = Rotating::start(source).await.expect("the first key works");
    key.refresh().await.expect("the same key");
    assert_eq!(probes.load(Ordering::SeqCst), 1);
    let error = key.refresh().await.expect_err("it is not published");
    assert_eq!(source_kind(&error), Some(SourceErrorKind::Invalid));
    assert_eq!(text(&key), "sk-1");
    key.refresh().await.expect("the next key works");
    assert_eq!(
        (text(&key), probes.load(Ordering::SeqCst)),
        ("sk-2".to_owned(), 3)
    );
}

#[cfg(feature = "file")]
mod cache {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::support::Script;

    fn down() -> Script<Secret> {
        script(|_| Answer::down()).0
    }

    async fn fill(path: &Path, key: &'static str) {
        let (source, _) = script(move |_| Answer::lives(Secret::from(key), secs(3600)));
        let key = Rotating::start(source.cached_on_disk(path)).await;
        key.expect("the source delivers");
    }

    #[tokio::test(start_paused = true)]
    async fn restart_in_an_outage_uses_the_last_good_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last-good");
        fill(&path, "sk-1").await;

        let (source, log) = script(|asked| match asked.number {
            1 => Answer::down(),
            _ => Answer::value(Secret::from("sk-2")),
        });
        let key = Rotating::start(source.cached_on_disk(&path)).await;
        let key = key.expect("the cache has a key");
        assert_eq!(text(&key), "sk-1");
        assert!(key.current().expires_at().is_some(), "with its expiry");
        pass(secs(2)).await;
        assert_eq!(
            (text(&key), log.count()),
            ("sk-2".to_owned(), 2),
            "asked again soon"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn source_that_hangs_at_the_start_leaves_the_cache() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last-good");
        fill(&path, "sk-1").await;
        let (source, _) = script(|_| Answer::hangs());
        let key = Rotating::start(source.cached_on_disk(&path)).await;
        assert_eq!(text(&key.expect("the cache has a key")), "sk-1");
    }

    #[tokio::test(start_paused = true)]
    async fn failure_without_a_usable_cache_is_the_sources_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last-good");
        for content in [
            None,
            Some(""),
            Some("sk-1"),
            Some("tower-rotating-auth cache 1 never 00\nsk-1"),
        ] {
            if let Some(content) = content {
                fs::write(&path, content).unwrap();
            }
            let key = Rotating::start(down().cached_on_disk(&path)).await;
            let error = key.expect_err("there is no key");
            assert_eq!(start_kind(&error), Some(SourceErrorKind::Transient));
        }
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn cache_is_readable_by_its_owner_alone() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last-good");
        fill(&path, "sk-1").await;
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);

        // One that others may write is not trusted.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let key = Rotating::start(down().cached_on_disk(&path)).await;
        key.expect_err("the cache is refused");
    }

    #[tokio::test(start_paused = true)]
    async fn cache_that_cannot_be_written_costs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no-such-folder").join("last-good");
        fill(&path, "sk-1").await;
    }
}

#[cfg(feature = "jwt")]
mod jwt {
    use std::time::SystemTime;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    /// Returns a token that expires so many seconds from now.
    fn token(seconds: i64) -> Secret {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let exp = i64::try_from(now.as_secs()).unwrap() + seconds;
        let payload = URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{exp}}}"#));
        Secret::from(format!("e30.{payload}.sig"))
    }

    #[tokio::test(start_paused = true)]
    async fn token_is_refreshed_ahead_of_its_own_expiry() {
        let (source, log) = script(|asked| Answer::value(token(3600 + asked.number as i64)));
        let key = Rotating::start(source.jwt_expiry())
            .await
            .expect("a good token");
        assert!(key.current().expires_at().is_some());
        pass(secs(2200)).await;
        assert_eq!(log.count(), 1);
        pass(secs(510)).await;
        assert_eq!(log.count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn source_that_stopped_rotating_is_an_expired_error() {
        let (source, _) = script(|asked| Answer::value(token([60, -1][asked.number.min(2) - 1])));
        let key = Rotating::start(source.jwt_expiry())
            .await
            .expect("a good token");
        let error = key.refresh().await.expect_err("it has expired");
        assert_eq!(source_kind(&error), Some(SourceErrorKind::Expired));
        assert_eq!(key.status().last_error, Some(SourceErrorKind::Expired));
    }

    #[tokio::test(start_paused = true)]
    async fn opaque_key_has_no_expiry() {
        let (source, _) = script(|_| Answer::value(Secret::from("sk-1")));
        let key = Rotating::start(source.jwt_expiry()).await.expect("a key");
        assert_eq!(key.current().expires_at(), None);
    }
}
