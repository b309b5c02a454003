//! An hour of rotations and refusals, and the questions that the guide answers with one `jq` line.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::UNIX_EPOCH;

use tower::Layer;
use tower_rotating_auth::{
    audit::{AuditAction, AuditEvent, AuditFile, AuditLog},
    inbound::RequireKeyLayer,
    keyring::{IssueRequest, KeyRing, MemoryStore, NewKey, RotateRequest},
    outbound::{InjectKeyLayer, RotatingCredential},
};

use super::super::outbound::{ORIGIN, World, post};
use super::{status, with};
use crate::support::{Wall, millis, minutes, moment, pass, secs};

/// The lines of `jq` in the guide, in order.
fn questions() -> Vec<&'static str> {
    let guide = include_str!("../../../docs/guide/audit.md");
    guide
        .lines()
        .filter(|line| line.starts_with("jq "))
        .collect()
}

/// Runs a line in a shell, and returns the fields of each line of its output.
fn answer(line: &str, folder: &Path) -> Vec<Vec<String>> {
    let output = Command::new("sh")
        .args(["-c", line])
        .current_dir(folder)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{line}: {errors}; install jq if it is missing"
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

/// Returns the minute of a time in an answer, since the hour began.
fn minute(time: &str) -> i64 {
    let time: jiff::Timestamp = time.parse().unwrap();
    let began = i64::try_from(Wall::BEGAN.as_secs()).unwrap();
    (time.as_second() - began) / 60
}

struct Clients {
    ring: KeyRing,
    require: RequireKeyLayer,
}

impl Clients {
    async fn issue(&self, client: &str) -> NewKey {
        let request = IssueRequest::new(client.parse().unwrap());
        let issued = self
            .ring
            .issue(request.or_new_client("chat".parse().unwrap()))
            .await;
        issued.unwrap().into_new().unwrap()
    }

    async fn call(&self, key: &NewKey) -> u16 {
        let token = std::str::from_utf8(key.token().expose_secret()).unwrap();
        self.call_with(token).await
    }

    async fn call_with(&self, token: &str) -> u16 {
        let mut request = with("/v1/models?page=2", token, "req-1");
        let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
        request.extensions_mut().insert(peer);
        status(&self.require, request).await
    }
}

async fn clients(audit: &AuditLog, wall: &Wall) -> Clients {
    let ring = KeyRing::builder()
        .name("client-keys")
        .wall_clock(wall.reader())
        .observer(audit.observer());
    let ring = ring.start(MemoryStore::default()).await.unwrap();
    let require = RequireKeyLayer::new(ring.keys())
        .peer_addr(|extensions| extensions.get().copied())
        .observer(audit.observer());
    Clients { ring, require }
}

#[tokio::test(start_paused = true)]
async fn one_jq_line_answers_each_question() {
    let folder = tempfile::tempdir().unwrap();
    let file = AuditFile::open(folder.path().join("audit.jsonl")).unwrap();
    let audit = AuditLog::new(file.subscriber());
    let wall = Wall::new();
    let clients = clients(&audit, &wall).await;
    let world = World::new("first");
    let builder = RotatingCredential::builder()
        .name("openai")
        .wall_clock(wall.reader())
        .observer(audit.observer());
    let key = world.key_by(builder, millis(20)).await;
    let inject = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    let upstream = || inject.layer(world.upstream()).oneshot(post("body"));

    // In the first minute, two clients get keys and use them.
    let (batch, web) = (clients.issue("batch").await, clients.issue("web").await);
    for _ in 0..100 {
        assert_eq!(clients.call(&batch).await, 200);
    }
    assert_eq!(clients.call(&web).await, 200);
    assert_eq!(upstream().await.unwrap().status(), 200);
    pass(minutes(10)).await;
    // The key of `batch` is rotated, and it does not switch.
    let request = RotateRequest::with_grace(batch.id(), minutes(30));
    let successor = clients
        .ring
        .rotate(request)
        .await
        .unwrap()
        .into_new()
        .unwrap();
    pass(minutes(5)).await;
    assert_eq!(clients.call(&batch).await, 200);
    pass(minutes(5)).await;
    // The upstream's key changes, and a request finds out by a rejection.
    world.rotate("second");
    assert_eq!(upstream().await.unwrap().status(), 200);
    pass(minutes(10)).await;
    // The key of `web` is revoked, and used ten minutes later.
    clients.ring.revoke(web.id()).await.unwrap();
    pass(minutes(10)).await;
    assert_eq!(clients.call(&web).await, 401);
    for _ in 0..50 {
        assert_eq!(
            clients.call_with("nobody-8Zk1tQ0mVd7RyXw3LpHs5N").await,
            401
        );
    }
    assert_eq!(clients.call(&successor).await, 200);
    pass(minutes(20)).await;
    let ids = [&batch, &web, &successor].map(|key| key.id().to_string());
    let action = AuditAction::ConfigurationRejected;
    let mut rejected = AuditEvent::new(UNIX_EPOCH, "config".into(), action);
    (rejected.reason, rejected.line) = (Some("value"), Some(7));
    rejected.field = Some("max_requests".into());
    audit.record(rejected);
    drop((clients, key, inject));
    moment().await;
    end(audit);

    let [old, revoked, new] = &ids;
    let answers: Vec<_> = questions()
        .iter()
        // The guide's line names a key.
        .map(|line| line.replace("lSFLlBppn18d", revoked))
        .map(|line| answer(&line, folder.path()))
        .collect();
    let [used, changed, in_grace, refused, since, loads] = &answers[..] else {
        panic!("six questions: {answers:?}");
    };
    let seen: Vec<_> = used
        .iter()
        .map(|row| (minute(&row[0]), &*row[1], &row[2]))
        .collect();
    assert_eq!(
        seen,
        [
            (0, "batch", old),
            (0, "web", revoked),
            (15, "batch", old),
            (40, "batch", new)
        ]
    );
    assert_eq!(used[0][3..], ["GET", "/v1/models"]);
    let changed: Vec<_> = changed
        .iter()
        .map(|row| (minute(&row[0]), &*row[1], &*row[2]))
        .collect();
    assert_eq!(changed, [(20, "openai", "2")]);
    assert_eq!(in_grace.len(), 1, "{in_grace:?}");
    assert_eq!(in_grace[0][..2], ["batch", old]);
    assert_eq!((minute(&in_grace[0][2]), minute(&in_grace[0][3])), (15, 40));
    assert_eq!(
        *refused,
        [
            ["-", "-", "unknown", "50"],
            ["web", revoked, "revoked", "1"]
        ]
    );
    assert_eq!(since.len(), 1, "{since:?}");
    assert_eq!(minute(&since[0][0]), 40);
    assert_eq!(
        since[0][1..],
        ["web", revoked, "revoked", "192.0.2.7", "/v1/models", "1"]
    );
    let rejected = ["configuration_rejected", "value", "-", "max_requests", "7"];
    assert_eq!(
        (loads.len(), &loads[0][1..]),
        (1, &rejected.map(str::to_owned)[..])
    );
    let lines = fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let replay = r#""name":"openai","reason":"rejected","generation":2,"request_id":"7","peer":"api.example.com:443","method":"POST","route":"https://api.example.com","attempts":[{"generation":1,"result":"rejected"},{"generation":2,"result":"not_rejected"}]"#;
    assert!(lines.contains(replay), "{lines}");
}

/// Waits until the file has all events of parts that are dropped.
fn end(audit: AuditLog) {
    let weak = audit.ended();
    drop(audit);
    assert!(weak.wait(secs(10)));
}
