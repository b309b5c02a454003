//! A key in a file that something else rewrites: a mounted secret, an agent, or a person.
//!
//! ```console
//! cargo run --example file_source
//! ```

use std::fs;

use tower::BoxError;
use tower_rotating_auth::{
    outbound::{IntoCredential, RotatingCredential},
    source::{FileSource, KeyRule, SecretSource},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let folder = tempfile::tempdir()?;
    let (path, next) = (folder.path().join("key"), folder.path().join("key.next"));
    fs::write(&path, "sk-1f0c\n")?;

    // The last good key stays in place of anything that is no key of the provider.
    let source = FileSource::new(&path).matching(KeyRule::new().prefix("sk-"));
    let key = RotatingCredential::start(source.bearer()).await?;
    let mut changes = key.subscribe();

    // A writer that renames its file shows readers the old key or the new one, and nothing else.
    fs::write(&next, "sk-2e1d\n")?;
    fs::rename(&next, &path)?;
    let current = changes.changed().await.ok_or("the refresh task stopped")?;
    println!("generation {}", current.generation());
    Ok(())
}
