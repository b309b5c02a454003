//! A key in an environment variable, or in the file that a variable beside it names.
//!
//! ```console
//! OPENAI_API_KEY=sk-1f0c cargo run --example env_source
//! OPENAI_API_KEY_FILE=/run/secrets/openai cargo run --example env_source
//! ```

use tower::BoxError;
use tower_rotating_auth::{
    outbound::{IntoCredential, RotatingCredential},
    source::EnvOrFile,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    // Both variables set are an error that says so.
    let Some(source) = EnvOrFile::find("OPENAI_API_KEY")? else {
        println!("set OPENAI_API_KEY or OPENAI_API_KEY_FILE");
        return Ok(());
    };
    // A file is watched. A variable never changes while the program runs.
    let key = RotatingCredential::start(source.bearer()).await?;
    println!("generation {}", key.current().generation());
    Ok(())
}
