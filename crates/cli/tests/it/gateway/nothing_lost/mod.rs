//! The main promise: 200 rotations of the upstream's key, in each way of writing it, and of the
//! client keys, while clients are at work. Not one request fails.

mod client_keys;
mod clients;
mod upstream;
mod writer;

use tempfile::tempdir;
use tokio::join;

use self::client_keys::KeyWriter;
use self::clients::Clients;
use self::upstream::Upstream;
use self::writer::{Mount, Way};
use super::harness::{Gateway, soon};

const ROTATIONS: usize = 200;
const CLIENTS: usize = 12;

/// The first to have a new key: the writer of the file, or the upstream that takes it alone.
#[derive(Clone, Copy, Debug)]
enum First {
    File,
    Upstream,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_in_200_rotations_of_both_keys() {
    let folder = tempdir().unwrap();
    let writer = KeyWriter::new();
    let mount = Mount::new(folder.path(), &key(0));
    let upstream = Upstream::start().await;
    let gateway = Gateway::start(|command| {
        command.args(["--upstream", &format!("http://{}/v1", upstream.address())]);
        command.arg("--upstream-key-file").arg(mount.file());
        command.env_remove("GATEWAY_MODE");
        command.arg("--client-keys").arg(writer.file());
    })
    .await;
    let clients = Clients::start(CLIENTS, &gateway, &upstream, &writer.keys());

    let mut stalled = Vec::new();
    for rotation in 1..=ROTATIONS {
        let ((), has_stalled) = join!(
            writer.replace(rotation, &gateway),
            replace(rotation, &mount, &upstream)
        );
        stalled.extend(has_stalled.then_some(rotation));
    }
    let taken = KeyWriter::taken(&gateway, ROTATIONS).await;
    assert_eq!(taken, [ROTATIONS - 1, ROTATIONS], "client keys");
    upstream.finish();
    let done = soon(clients.finish()).await;
    let seen = upstream.counts();
    let replays = gateway.output().matches("replayed: ").count();
    println!(
        "{ROTATIONS} rotations under {CLIENTS} clients: {done}; {seen}; {replays} replays told; stalled writers: {stalled:?}"
    );

    let lost = done.lost_outside(&stalled);
    assert!(lost.is_empty(), "{} lost: {:?}", lost.len(), lost.first());
    assert!(done.uploads > ROTATIONS && done.streams > 0, "{done}");
    assert!(
        seen.rejected >= ROTATIONS / 2,
        "half of the rotations reject somebody: {seen}"
    );
    assert!(seen.rejected <= 2 * ROTATIONS * CLIENTS, "{seen}");
    assert_eq!(
        seen.late, 0,
        "a request that began after a key was in use carried an older one: {seen}"
    );
    assert!(seen.most_attempts <= 3, "{seen}");
    assert!(seen.torn == 0 || !stalled.is_empty(), "{seen}");
    if stalled.is_empty() {
        assert_eq!(seen.rejected, seen.loaded_before + seen.fell_back, "{seen}");
    }
    for rotation in 0..=ROTATIONS {
        assert!(!gateway.output().contains(&key(rotation)), "a key was told");
    }
}

/// Replaces the upstream's key. Whether the writer of its file was kept from writing in between.
async fn replace(rotation: usize, mount: &Mount, upstream: &Upstream) -> bool {
    let way = Way::ALL[rotation % 4];
    let first = [First::File, First::Upstream][rotation / 4 % 2];
    let write = mount.write(way, key(rotation));
    let has_stalled = match first {
        First::File => {
            upstream.take_also(rotation);
            let has_stalled = write.await;
            soon(upstream.has_seen(rotation)).await;
            upstream.take_only(rotation);
            has_stalled
        }
        First::Upstream => {
            upstream.take_only(rotation);
            soon(upstream.has_rejected(rotation - 1)).await;
            write.await
        }
    };
    soon(upstream.has_settled_on(rotation)).await;
    has_stalled
}

/// Each of another length, so that a torn one is not taken for whole.
fn key(rotation: usize) -> String {
    format!(
        "sk-{rotation:04}-{}",
        "0123456789abcdef".repeat(1 + rotation % 5)
    )
}

/// Which key it is, if it is a whole one.
fn rotation_of(text: &str) -> Option<usize> {
    let number = text.strip_prefix("sk-")?.get(..4)?.parse().ok()?;
    (key(number) == text).then_some(number)
}
