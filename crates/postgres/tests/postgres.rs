//! Tests against a PostgreSQL of their own, over sockets and in real time.
//!
//! They need `initdb` and `postgres`, in the folder that `POSTGRES_BIN` names, or where Debian puts
//! them. A test whose server is absent prints a line that starts with `skipped:`.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, NoTls};
use tower_rotating_auth::rotating::{self, StartError};
use tower_rotating_auth::source::{SourceError, SourceErrorKind, channel, source_fn};
use tower_rotating_auth::{Rotating, Secret};
use tower_rotating_auth_postgres::PostgresSource;

const QUERY: &str = "SELECT key, expires_at FROM keys WHERE name = 'openai'";

/// The folder of the server's programs, or `None` with a line that says that the test is skipped.
fn programs(test: &str) -> Option<PathBuf> {
    let named = env::var_os("POSTGRES_BIN").map(PathBuf::from);
    let debian = || {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        let folders = versions.map(|version| version.unwrap().path().join("bin"));
        folders
            .filter(|folder| folder.join("initdb").exists())
            .max()
    };
    let found = named.or_else(debian);
    if found.is_none() {
        println!("skipped: {test} needs PostgreSQL; see tests/sources/install");
    }
    found
}

/// Returns a command that runs as a user that PostgreSQL accepts: it refuses root.
fn unprivileged(program: &Path) -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt as _;
        own.uid() == 0
    });
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    server: Option<Child>,
}

impl Postgres {
    async fn start(test: &str) -> Option<Self> {
        let programs = programs(test)?;
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let password = folder.path().join("password");
        fs::write(&password, "pw").unwrap();
        // Fails where there is no such user; then this is not root either.
        let _ = Command::new("chown")
            .arg("-R")
            .arg("postgres")
            .arg(folder.path())
            .status();
        let mut postgres = Self {
            folder,
            programs,
            port,
            server: None,
        };
        let made = unprivileged(&postgres.programs.join("initdb"))
            .current_dir("/")
            .args(["-U", "postgres", "-A", "scram-sha-256", "--no-sync", "-D"])
            .arg(postgres.folder.path().join("data"))
            .arg(format!("--pwfile={}", password.display()))
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        postgres.restart().await;
        let admin = postgres.admin().await;
        let script = "
            CREATE TABLE keys (name text PRIMARY KEY, key text, expires_at timestamptz);
            INSERT INTO keys VALUES ('openai', 'sk-1');
            CREATE FUNCTION notify_keys() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN NOTIFY \"the keys\"; RETURN NULL; END $$;
            CREATE TRIGGER notify_keys AFTER INSERT OR UPDATE ON keys
              FOR EACH STATEMENT EXECUTE FUNCTION notify_keys();";
        admin.batch_execute(script).await.unwrap();
        Some(postgres)
    }

    async fn restart(&mut self) {
        let server = unprivileged(&self.programs.join("postgres"))
            .current_dir("/")
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c"])
            .arg(format!("port={}", self.port))
            .arg("-c")
            .arg(format!(
                "unix_socket_directories={}",
                self.folder.path().display()
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.server = Some(server.unwrap());
        let listens = async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err()
                || tokio_postgres::connect(&self.connection(), NoTls)
                    .await
                    .is_err()
            {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(Duration::from_secs(30), listens).await.unwrap();
    }

    /// Ends the server at once, and all its connections.
    fn stop(&mut self) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        let pid = fs::read_to_string(self.folder.path().join("data/postmaster.pid"));
        let pid = pid.unwrap();
        let pid = pid.lines().next().unwrap();
        let asked = Command::new("kill").args(["-QUIT", pid]).status();
        assert!(asked.unwrap().success());
        server.wait().unwrap();
    }

    fn connection(&self) -> String {
        format!(
            "host=127.0.0.1 port={} user=postgres password=pw",
            self.port
        )
    }

    async fn admin(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.connection(), NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    }

    async fn run(&self, script: &str) {
        self.admin().await.batch_execute(script).await.unwrap();
    }

    fn source(&self) -> PostgresSource {
        PostgresSource::new(&self.connection(), QUERY)
            .unwrap()
            .listen("the keys")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn start(source: PostgresSource) -> Result<Rotating<Secret>, StartError> {
    Rotating::start(source).await
}

fn kind(outcome: Result<Rotating<Secret>, StartError>) -> SourceErrorKind {
    let error = outcome.expect_err("there is no key");
    error.source_error().expect("the source failed").kind()
}

fn text(key: &Rotating<Secret>) -> String {
    String::from_utf8(key.current().expose_secret().to_vec()).unwrap()
}

/// Waits for this key.
async fn becomes(key: &Rotating<Secret>, expected: &str) {
    let mut changes = key.subscribe();
    let arrives = async {
        while text(key) != expected {
            changes.changed().await.expect("the task runs");
        }
    };
    let arrived = timeout(Duration::from_secs(20), arrives).await;
    arrived.unwrap_or_else(|_| panic!("{} instead of {expected}", text(key)));
}

#[tokio::test]
async fn notification_rotates_the_key_at_once() {
    let Some(postgres) = Postgres::start("notification_rotates_the_key_at_once").await else {
        return;
    };
    let key = start(postgres.source()).await.expect("the row is there");
    assert_eq!(
        (text(&key), key.current().expires_at()),
        ("sk-1".to_owned(), None)
    );
    let until = "UPDATE keys SET key = 'sk-2', expires_at = now() + interval '1 hour'";
    postgres.run(until).await;
    becomes(&key, "sk-2").await;
    assert!(key.current().expires_at().is_some());

    // A payload is a hint and nothing else.
    postgres.run("NOTIFY \"the keys\", 'sk-evil'").await;
    postgres.run("UPDATE keys SET key = 'sk-3'").await;
    becomes(&key, "sk-3").await;
    assert_eq!(key.current().generation().get(), 3);
}

#[tokio::test]
async fn change_while_disconnected_is_not_missed() {
    let test = "change_while_disconnected_is_not_missed";
    let Some(mut postgres) = Postgres::start(test).await else {
        return;
    };
    let key = start(postgres.source()).await.expect("the row is there");
    // Nobody is told of the change, as if it came while the connection was down.
    let script = "
        ALTER TABLE keys DISABLE TRIGGER notify_keys;
        UPDATE keys SET key = 'sk-2';
        ALTER TABLE keys ENABLE TRIGGER notify_keys;";
    postgres.run(script).await;
    assert_eq!(text(&key), "sk-1");
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
    postgres.run(kill).await;
    becomes(&key, "sk-2").await;
    postgres.run("UPDATE keys SET key = 'sk-3'").await;
    becomes(&key, "sk-3").await; // it listens again

    postgres.stop();
    let error = key.refresh().await.expect_err("nobody listens");
    let error = error.source_error().expect("the source failed");
    assert_eq!(error.kind(), SourceErrorKind::Transient);
    assert_eq!(text(&key), "sk-3");
    postgres.restart().await;
    postgres.run("UPDATE keys SET key = 'sk-4'").await;
    becomes(&key, "sk-4").await;
}

#[tokio::test]
async fn unusable_rows_and_logins_have_their_kinds() {
    let test = "unusable_rows_and_logins_have_their_kinds";
    let Some(postgres) = Postgres::start(test).await else {
        return;
    };
    let connection = postgres.connection();
    let with = |query: &str| PostgresSource::new(&connection, query).unwrap();
    for (query, expected) in [
        (
            "SELECT key FROM keys WHERE name = 'none'",
            SourceErrorKind::Invalid,
        ),
        (
            "SELECT 'sk-1' UNION SELECT 'sk-2'",
            SourceErrorKind::Invalid,
        ),
        ("SELECT NULL::text", SourceErrorKind::Invalid),
        ("SELECT ''", SourceErrorKind::Invalid),
        ("SELECT 7", SourceErrorKind::Invalid),
        ("SELECT 'sk-1', 'soon'", SourceErrorKind::Invalid),
        (
            "SELECT 'sk-1', now() - interval '1 hour'",
            SourceErrorKind::Expired,
        ),
        ("SELECT key FROM no_table", SourceErrorKind::Permanent),
        (
            "SELECT 'sk-sentinel'::int::text",
            SourceErrorKind::Permanent,
        ),
    ] {
        let error = start(with(query)).await.expect_err(query);
        assert!(!format!("{error:?}").contains("sk-"), "{error:?}");
        assert_eq!(kind(Err(error)), expected, "{query}");
    }
    let bytes = start(with(r"SELECT '\x736b2d31'::bytea")).await;
    assert_eq!(text(&bytes.expect("bytes are a key")), "sk-1");

    let wrong = connection.replace("password=pw", "password=sk-wrong");
    let wrong = PostgresSource::new(&wrong, QUERY).unwrap();
    assert_eq!(kind(start(wrong).await), SourceErrorKind::Permanent);
}

#[tokio::test]
async fn password_of_the_connection_may_rotate() {
    let test = "password_of_the_connection_may_rotate";
    let Some(postgres) = Postgres::start(test).await else {
        return;
    };
    postgres
        .run("CREATE ROLE app LOGIN PASSWORD 'pw-1'; GRANT SELECT ON keys TO app")
        .await;
    let connection = format!(
        "host=127.0.0.1 port={} user=app dbname=postgres",
        postgres.port
    );
    // However often it is asked, it has the password of the moment.
    let current = Arc::new(Mutex::new("pw-1\n"));
    let asked = Arc::clone(&current);
    let password = source_fn(move || {
        let now = Secret::from(*asked.lock().unwrap());
        async move { Ok::<_, SourceError>(now) }
    });
    let source = PostgresSource::new(&connection, QUERY).unwrap();
    let key = start(source.listen("the keys").password(password)).await;
    let key = key.expect("the first password works");
    *current.lock().unwrap() = "pw-2\n";
    let script = "
        ALTER ROLE app PASSWORD 'pw-2';
        UPDATE keys SET key = 'sk-2';
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app';";
    postgres.run(script).await;
    becomes(&key, "sk-2").await;
    assert_eq!(key.status().last_error, None);
}

#[tokio::test]
async fn new_password_ends_the_wait_after_a_refusal() {
    let test = "new_password_ends_the_wait_after_a_refusal";
    let Some(postgres) = Postgres::start(test).await else {
        return;
    };
    postgres
        .run("CREATE ROLE app LOGIN PASSWORD 'pw-1'; GRANT SELECT ON keys TO app")
        .await;
    let connection = format!(
        "host=127.0.0.1 port={} user=app dbname=postgres",
        postgres.port
    );
    let (passwords, password) = channel();
    passwords.send(Secret::from("pw-1"));
    let source = PostgresSource::new(&connection, QUERY).unwrap();
    let hour = Duration::from_secs(3600);
    let (refusals, mut refused) = mpsc::unbounded_channel();
    let builder =
        Rotating::builder()
            .backoff(hour, hour)
            .observer(move |event: &rotating::Event| {
                if let rotating::EventKind::RefreshFailed { kind, .. } = event.kind {
                    // Nobody may be left to hear of it.
                    let _ = refusals.send(kind);
                }
            });
    let key = builder.start(source.listen("the keys").password(password));
    let key = key.await.expect("the first password works");
    let script = "
        ALTER ROLE app PASSWORD 'pw-2';
        UPDATE keys SET key = 'sk-2';
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app';";
    postgres.run(script).await;
    while refused.recv().await.expect("the task runs") != SourceErrorKind::Permanent {}
    passwords.send(Secret::from("pw-2"));
    becomes(&key, "sk-2").await;

    // The connection that works stays, whatever the next password is.
    passwords.send(Secret::from("pw-3"));
    postgres.run("UPDATE keys SET key = 'sk-3'").await;
    becomes(&key, "sk-3").await;
}
