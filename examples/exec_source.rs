//! A key that a command prints: a password manager, or a plugin of Kubernetes.
//!
//! ```console
//! cargo run --example exec_source --features exec
//! ```

use std::time::SystemTime;

use tower::BoxError;
use tower_rotating_auth::{
    outbound::{IntoCredential, RotatingCredential},
    source::{ExecFormat, ExecSource},
};

/// Stands in for a plugin such as `aws eks get-token`. Its tokens are good for two seconds.
const PLUGIN: &str = r#"
    now=$(date +%s)
    printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
             "status":{"token":"token-%s","expirationTimestamp":%s}}' "$now" "$((now + 3))"
"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    // Plain text, as `pass show openai`, `sops -d --extract` and `bao kv get -field=key` print it.
    let source = ExecSource::new("echo").arg("sk-1f0c");
    let key = RotatingCredential::start(source.bearer()).await?;
    println!(
        "generation {} of a key without an expiry",
        key.current().generation()
    );

    // With an expiry, the command runs again ahead of it.
    let plugin = ExecSource::new("sh").args(["-c", PLUGIN]);
    let plugin = plugin.format(ExecFormat::ExecCredential);
    let token = RotatingCredential::start(plugin.bearer()).await?;
    let mut changes = token.subscribe();
    for _ in 0..2 {
        let current = changes.changed().await.ok_or("the refresh task stopped")?;
        assert!(!current.expired_at(SystemTime::now()), "refreshed too late");
        println!(
            "token {} came before its predecessor expired",
            current.generation()
        );
    }
    Ok(())
}
