//! Writers that pause for up to half a second between the pieces of a key.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use tempfile::tempdir;
use tokio::task::JoinSet;

use super::support::{Followed, write};

#[derive(Clone, Copy, Debug)]
enum Way {
    Truncate,
    Overwrite,
    UnlinkAndCreate,
}

fn key(number: usize) -> String {
    let letter = if number % 2 == 0 { "e" } else { "o" };
    letter.repeat(number + 10)
}

fn write_slowly(path: &Path, way: Way, pause: Duration, content: &str) {
    let mut options = OpenOptions::new();
    match way {
        Way::Truncate => options.truncate(true),
        Way::Overwrite => &mut options,
        Way::UnlinkAndCreate => {
            fs::remove_file(path).unwrap();
            options.create_new(true).mode(0o600)
        }
    };
    let mut file = options.write(true).open(path).unwrap();
    for piece in content.as_bytes().chunks(4) {
        thread::sleep(pause);
        file.write_all(piece).unwrap();
    }
    thread::sleep(pause);
}

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
