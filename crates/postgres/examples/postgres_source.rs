//! A key in a row of PostgreSQL, which a notification rotates.
//!
//! ```sql
//! CREATE TABLE keys (name text PRIMARY KEY, key text, expires_at timestamptz);
//! INSERT INTO keys VALUES ('openai', 'sk-1f0c');
//! ```
//!
//! ```console
//! export DATABASE='host=127.0.0.1 user=gateway dbname=keys'
//! export PASSWORD_FILE=/run/secrets/password
//! cargo run --package tower-rotating-auth-postgres --example postgres_source
//! psql keys -c "UPDATE keys SET key = 'sk-2e1d'; NOTIFY keys"
//! ```

use std::env;
use std::error::Error;

use tower_rotating_auth::Rotating;
use tower_rotating_auth::source::FileSource;
use tower_rotating_auth_postgres::PostgresSource;

const QUERY: &str = "SELECT key, expires_at FROM keys WHERE name = 'openai'";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Ok(database) = env::var("DATABASE") else {
        println!("set DATABASE, such as host=127.0.0.1 user=gateway dbname=keys");
        return Ok(());
    };
    let mut source = PostgresSource::new(&database, QUERY)?.listen("keys");
    if let Some(file) = env::var_os("PASSWORD_FILE") {
        source = source.password(FileSource::new(file)); // may rotate as well
    }
    let key = Rotating::start(source).await?;
    println!("generation {}", key.current().generation());
    let mut changes = key.subscribe();
    while let Some(current) = changes.changed().await {
        println!("generation {}", current.generation());
    }
    Ok(())
}
