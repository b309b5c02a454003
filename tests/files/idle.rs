//! What ten files cost while nothing changes.

use std::fs;
use std::time::{Duration, Instant};

use tempfile::tempdir;
use tokio::time::sleep;

use super::support::{Followed, write};

const FILES: usize = 10;
const LONG: Duration = Duration::from_secs(30);

/// Returns how long the threads of this process have run.
fn cpu_time() -> Duration {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let ran = threads.map(|thread| {
        // A thread may have ended since it was listed.
        let statistics = thread.unwrap().path().join("schedstat");
        let statistics = fs::read_to_string(statistics).unwrap_or_default();
        let nanoseconds = statistics.split(' ').next().unwrap_or_default();
        nanoseconds.parse().unwrap_or(0)
    });
    Duration::from_nanos(ran.sum())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_idle_files_cost_next_to_nothing() {
    let folder = tempdir().unwrap();
    let mut followed = Vec::new();
    for number in 0..FILES {
        let path = folder.path().join(format!("key-{number}"));
        write(&path, "sk-0");
        followed.push(Followed::start(&path).await);
    }
    // Threads that start and end would be counted in part.
    sleep(Duration::from_secs(3)).await;
    let (began, before) = (Instant::now(), cpu_time());
    sleep(LONG).await;
    let share = (cpu_time() - before).as_secs_f64() / began.elapsed().as_secs_f64();
    println!("\n{FILES} idle files: {:.3} % of a core", share * 100.0);
    assert!(share < 0.001, "{share}");
}
