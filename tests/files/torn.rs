//! Writers that pause for up to half a second between the pieces of a key.

use std::time::Duration;

use tempfile::tempdir;
use tokio::task::JoinSet;

use super::slow_writer::{Way, key, write_slowly};
use super::support::{Followed, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn torn_writers_show_no_partial_key() {
    let mut running = JoinSet::new();
    for way in [Way::Truncate, Way::Overwrite, Way::UnlinkAndCreate] {
        for pause in [5, 20, 50, 100, 200, 350, 500].map(Duration::from_millis) {
            running.spawn(async move {
                let folder = tempdir().unwrap();
                let path = folder.path().join("openai");
                write(&path, &key(0));
                let mut followed = Followed::start(&path).await;
                for number in 1..=3 {
                    let (path, content) = (path.clone(), key(number));
                    let writing = tokio::task::spawn_blocking(move || {
                        write_slowly(&path, way, pause, &content);
                    });
                    // Every published key is compared: a partial one fails here.
                    let whole = pause * 6 + Duration::from_secs(1);
                    followed.becomes(&key(number), whole).await;
                    writing.await.unwrap();
                }
            });
        }
    }
    running.join_all().await;
}
