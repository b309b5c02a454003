//! Programs that write key files: editors, copy tools, and clients of secret stores.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::{TempDir, tempdir};
use tokio::time::sleep;

use super::support::{Followed, WATCHED, program, run, write};

/// Kills a program that the test started.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Runs a shell script. `$1` is the path of the key file, and `$2` its new content.
fn shell(script: &str, path: &Path, content: &str) {
    run(
        "sh",
        &["-ec", script, "sh", path.to_str().unwrap(), content],
    );
}

async fn rotate_with(script: &str) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("openai");
    write(&path, "sk-0");
    let mut key = Followed::start(&path).await;
    for number in 1..=5 {
        let content = format!("sk-{number}");
        shell(script, &path, &content);
        key.becomes(&content, WATCHED).await;
    }
}

#[tokio::test]
async fn vim_is_followed() {
    for settings in [
        "backup backupcopy=no",
        "backup backupcopy=yes",
        "nobackup nowritebackup",
    ] {
        let edit = format!(
            r#"vim -u NONE -i NONE -es -c "set {settings}" -c "%s/.*/$2/" -c wq "$1" < /dev/null"#
        );
        rotate_with(&edit).await;
    }
}

#[tokio::test]
async fn rsync_is_followed() {
    let prepare = r#"mkdir -p "$1.d"; printf '%s\n' "$2" > "$1.d/openai"; chmod 600 "$1.d/openai""#;
    for options in ["", "--inplace", "--inplace --no-whole-file"] {
        let copy = format!(r#"{prepare}; rsync -t -I {options} "$1.d/openai" "$1""#);
        rotate_with(&copy).await;
    }
}

#[tokio::test]
async fn cp_with_reflinks_is_followed() {
    rotate_with(r#"printf '%s\n' "$2" > "$1.n"; cp --reflink=auto "$1.n" "$1""#).await;
}

/// An age key, and what it encrypts.
#[tokio::test]
async fn sops_is_followed() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    run("age-keygen", &["-o", &at("age")]);
    let public = run("age-keygen", &["-y", &at("age")]);
    let decrypt = format!(
        r#"printf 'openai: %s\n' "$2" > "$1.yaml"
           {sops} --encrypt --age {public} "$1.yaml" > "$1.enc.yaml"
           SOPS_AGE_KEY_FILE={age} {sops} -d --extract '["openai"]' "$1.enc.yaml" > "$1""#,
        sops = program("SOPS"),
        public = public.trim(),
        age = at("age"),
    );
    rotate_with(&decrypt).await;
}

#[tokio::test]
async fn pass_is_followed() {
    let home = tempdir().unwrap();
    let home = home.path().to_str().unwrap();
    let pass = format!("export GNUPGHOME={home}/gnupg PASSWORD_STORE_DIR={home}/store");
    let setup = format!(
        "{pass}; mkdir -m 700 {home}/gnupg
         gpg --batch --quiet --passphrase '' --quick-generate-key test@example.com default default never
         pass init test@example.com > /dev/null"
    );
    run("sh", &["-ec", &setup]);
    rotate_with(&format!(
        r#"{pass}; printf '%s\n' "$2" | pass insert -m -f openai > /dev/null
           pass show openai > "$1""#
    ))
    .await;
    run("sh", &["-ec", &format!("{pass}; gpgconf --kill all")]);
}

/// OpenBao's agent renders the secret to a file.
struct Bao {
    folder: TempDir,
    address: String,
    _server: Killed,
}

impl Bao {
    async fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = free.local_addr().unwrap().to_string();
        drop(free);
        let folder = tempdir().unwrap();
        let mut server = Command::new(program("BAO"));
        server
            .args([
                "server",
                "-dev",
                "-dev-root-token-id=root",
                "-dev-no-store-token",
            ])
            .arg(format!("-dev-listen-address={listen}"))
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let server = Killed(server.spawn().unwrap());
        let address = format!("http://{listen}");
        let bao = Self {
            folder,
            address,
            _server: server,
        };
        for _ in 0..200 {
            if bao.command(&["status"]).status().unwrap().success() {
                return bao;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("the server does not answer");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut bao = Command::new(program("BAO"));
        bao.args(arguments)
            .env("HOME", self.folder.path())
            .env("BAO_ADDR", &self.address)
            .env("BAO_TOKEN", "root")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        bao
    }

    fn put(&self, key: &str) {
        let key = format!("api_key={key}");
        let put = self.command(&["kv", "put", "secret/openai", &key]).status();
        assert!(put.unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bao_agent_is_followed() {
    let bao = Bao::start().await;
    bao.put("sk-0");
    let path = bao.folder.path().join("openai");
    fs::write(bao.folder.path().join("token"), "root").unwrap();
    let config = bao.folder.path().join("agent.hcl");
    let template = r#"{{ with secret \"secret/data/openai\" }}{{ .Data.data.api_key }}{{ end }}"#;
    let agent = format!(
        r#"vault {{ address = "{address}" }}
auto_auth {{ method "token_file" {{ config = {{ token_file_path = "{folder}/token" }} }} }}
template_config {{ static_secret_render_interval = "1s" }}
template {{
  contents = "{template}"
  destination = "{path}"
  perms = "0600"
}}
"#,
        address = bao.address,
        folder = bao.folder.path().display(),
        path = path.display(),
    );
    fs::write(&config, agent).unwrap();
    let agent = bao
        .command(&["agent", &format!("-config={}", config.display())])
        .spawn();
    let _agent = Killed(agent.unwrap());
    while !path.exists() {
        sleep(Duration::from_millis(50)).await;
    }
    let mut key = Followed::start(&path).await;
    for number in 1..=3 {
        let content = format!("sk-{number}");
        bao.put(&content);
        // The agent asks the server every second or so.
        key.becomes(&content, Duration::from_secs(5)).await;
    }
}
