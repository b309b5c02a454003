//! Tests of [`VaultSource`] against OpenBao.

use std::fs;
use std::time::Duration;

use tower_rotating_auth::{
    Rotating, Secret,
    rotating::{RotatingBuilder, StartError},
    source::{
        ExecSource, FileSource, Source, SourceError, SourceErrorKind, VaultAuth, VaultSource,
        source_fn,
    },
};

use crate::bao::Bao;

fn secret(text: &str) -> impl Source<Value = Secret> + use<> {
    let text = text.to_owned();
    source_fn(move || {
        let secret = Secret::from(text.as_str());
        async move { Ok::<_, SourceError>(secret) }
    })
}

fn builder() -> RotatingBuilder {
    Rotating::builder().min_interval(Duration::from_millis(1))
}

fn kv(bao: &Bao, auth: VaultAuth) -> VaultSource {
    let source = VaultSource::kv2(&*bao.address(), "secret", "openai", auth);
    source.unwrap().field("api_key")
}

fn root() -> VaultAuth {
    VaultAuth::token(secret("root"))
}

fn text(key: &Rotating<Secret>) -> String {
    String::from_utf8(key.current().expose_secret().to_vec()).unwrap()
}

fn kind(outcome: Result<Rotating<Secret>, StartError>) -> SourceErrorKind {
    let error = outcome.expect_err("there is no key");
    error.source_error().expect("the source failed").kind()
}

#[tokio::test]
async fn kv2_secret_follows_its_versions() {
    let Some(bao) = Bao::start("kv2_secret_follows_its_versions").await else {
        return;
    };
    bao.bao(&["kv", "put", "secret/openai", "api_key=sk-1"]);
    let key = builder()
        .start(kv(&bao, root()))
        .await
        .expect("the secret is there");
    assert_eq!(text(&key), "sk-1");
    bao.bao(&["kv", "put", "secret/openai", "api_key=sk-2"]);
    key.refresh().await.expect("the secret is there");
    assert_eq!(
        (text(&key), key.current().generation().get()),
        ("sk-2".to_owned(), 2)
    );
    let first = builder().start(kv(&bao, root()).version(1)).await;
    assert_eq!(text(&first.expect("version 1 is there")), "sk-1");

    bao.bao(&["kv", "delete", "secret/openai"]);
    let error = key.refresh().await.expect_err("it is deleted");
    let error = error.source_error().expect("the source failed");
    assert_eq!(error.kind(), SourceErrorKind::Permanent);
    assert!(error.to_string().contains("deleted"), "{error}");
    assert_eq!(text(&key), "sk-2");
}

#[tokio::test]
async fn refusals_of_openbao_have_their_kinds() {
    let Some(bao) = Bao::start("refusals_of_openbao_have_their_kinds").await else {
        return;
    };
    let start = async |source: VaultSource| kind(builder().start(source).await);
    let bad_token = kv(&bao, VaultAuth::token(secret("no-token")));
    assert_eq!(start(bad_token).await, SourceErrorKind::Permanent, "403");
    assert_eq!(
        start(kv(&bao, root())).await,
        SourceErrorKind::Permanent,
        "404"
    );

    bao.bao(&["secrets", "enable", "-path=kv1", "-version=1", "kv"]);
    bao.bao(&["kv", "put", "-mount=kv1", "data/openai", "api_key=sk-1"]);
    let kv1 = VaultSource::kv2(&*bao.address(), "kv1", "openai", root()).unwrap();
    assert_eq!(
        start(kv1.field("api_key")).await,
        SourceErrorKind::Invalid,
        "KV version 1"
    );
    let kv1 = VaultSource::read(&*bao.address(), "kv1/data/openai", root()).unwrap();
    let key = builder()
        .start(kv1.field("api_key"))
        .await
        .expect("the secret is there");
    assert_eq!(text(&key), "sk-1");

    let (role_id, secret_id) = bao.app_role(&["secret_id_num_uses=1"]);
    let used_up = || kv(&bao, VaultAuth::app_role(&*role_id, secret(&secret_id)));
    assert_eq!(
        start(used_up()).await,
        SourceErrorKind::Permanent,
        "404, and then 400"
    );

    let quota = ["write", "sys/quotas/rate-limit/g", "rate=1", "interval=60s"];
    bao.bao(&quota);
    let mut kinds = Vec::new();
    for _ in 0..3 {
        kinds.push(start(kv(&bao, root())).await);
    }
    assert!(kinds.contains(&SourceErrorKind::Throttled), "{kinds:?}");
}

#[tokio::test]
async fn sealed_killed_and_restarted_store_keeps_the_key() {
    let test = "sealed_killed_and_restarted_store_keeps_the_key";
    let Some(mut bao) = Bao::start(test).await else {
        return;
    };
    bao.bao(&["kv", "put", "secret/openai", "api_key=sk-1"]);
    let key = builder()
        .start(kv(&bao, root()))
        .await
        .expect("the secret is there");
    bao.bao(&["operator", "seal"]);
    let refused = async || {
        let error = key.refresh().await.expect_err("the store is not there");
        error.source_error().expect("the source failed").kind()
    };
    assert_eq!(refused().await, SourceErrorKind::Transient, "503");
    bao.kill();
    assert_eq!(refused().await, SourceErrorKind::Transient, "no connection");
    assert_eq!(text(&key), "sk-1");

    let mut changes = key.subscribe();
    bao.restart().await;
    bao.bao(&["kv", "put", "secret/openai", "api_key=sk-2"]);
    let changed = tokio::time::timeout(Duration::from_secs(60), changes.changed());
    let current = changed.await.expect("within a step of the backoff");
    assert_eq!(current.expect("the task runs").expose_secret(), b"sk-2");
}

#[tokio::test]
async fn store_on_disk_is_read_once_it_is_unsealed() {
    let test = "store_on_disk_is_read_once_it_is_unsealed";
    let Some(mut bao) = Bao::on_disk(test).await else {
        return;
    };
    bao.bao(&["kv", "put", "secret/openai", "api_key=sk-1"]);
    let longest = Duration::from_secs(4);
    let source = kv(&bao, VaultAuth::token(secret(&bao.token)));
    let builder = builder().backoff(Duration::from_millis(500), longest);
    let key = builder.start(source).await.expect("the secret is there");
    bao.kill();
    let refused = async || {
        let error = key.refresh().await.expect_err("the store is not there");
        let error = error.source_error().expect("the source failed");
        (error.kind(), error.to_string())
    };
    assert_eq!(refused().await.0, SourceErrorKind::Transient);
    bao.restart_sealed().await;
    let (kind, message) = refused().await;
    assert_eq!(kind, SourceErrorKind::Transient);
    assert!(message.contains("503"), "{message}");
    assert_eq!(text(&key), "sk-1");

    let mut changes = key.subscribe();
    bao.unseal();
    bao.ready().await;
    assert!(key.status().failures > 0);
    bao.bao(&["kv", "put", "secret/openai", "api_key=sk-2"]);
    // One step of the backoff, and as much again for a slow machine.
    let changed = tokio::time::timeout(longest * 2, changes.changed()).await;
    let current = changed.expect("within a step of the backoff");
    assert_eq!(current.expect("the task runs").expose_secret(), b"sk-2");
    assert_eq!(key.status().failures, 0);
}

#[tokio::test]
async fn policy_of_openbao_costs_no_logins() {
    let Some(bao) = Bao::start("policy_of_openbao_costs_no_logins").await else {
        return;
    };
    bao.bao(&["kv", "put", "secret/other", "api_key=sk-1"]);
    bao.bao(&["kv", "put", "secret/openai", "api_key=sk-1"]);
    // Three logins are all there are, and a fetch that is denied takes two of them.
    let (role_id, secret_id) = bao.app_role(&["secret_id_num_uses=3"]);
    let auth = VaultAuth::app_role(role_id, secret(&secret_id));
    let source = VaultSource::kv2(&*bao.address(), "secret", "other", auth).unwrap();
    let builder = builder().backoff(Duration::from_millis(50), Duration::from_millis(200));
    let builder = builder.wait_for_first(Duration::from_secs(4));
    let error = builder.start(source.field("api_key")).await;
    let error = error.expect_err("the policy denies it");
    let message = error.source_error().expect("the source failed").to_string();
    assert!(message.contains("denied the request (403)"), "{message}");
}

#[tokio::test]
async fn ended_login_is_repeated() {
    let Some(bao) = Bao::start("ended_login_is_repeated").await else {
        return;
    };
    bao.bao(&["kv", "put", "secret/openai", "api_key=sk-1"]);
    let (role_id, secret_id) = bao.app_role(&["token_ttl=2s", "token_max_ttl=4s"]);
    let source = kv(&bao, VaultAuth::app_role(role_id, secret(&secret_id)));
    // Five lives of the login, each with a renewal.
    let key = builder()
        .poll(Duration::from_millis(300))
        .start(source)
        .await;
    let key = key.expect("the login works");
    let mut failures = 0;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        failures += key.status().failures;
    }
    assert_eq!(failures, 0);

    // Somebody revokes every login: 403, and another login.
    bao.bao(&["token", "revoke", "-mode=path", "auth/approle"]);
    key.refresh().await.expect("it logs in again");
}

#[tokio::test]
async fn agent_and_client_of_openbao_feed_other_sources() {
    let test = "agent_and_client_of_openbao_feed_other_sources";
    let Some(bao) = Bao::start(test).await else {
        return;
    };
    bao.bao(&["kv", "put", "secret/openai", "api_key=sk-1"]);

    let mut client = ExecSource::new(bao.command().get_program());
    for (name, value) in bao.command().get_envs() {
        client = client.env(name, value.unwrap());
    }
    let client = client.args(["kv", "get", "-field=api_key", "secret/openai"]);
    let by_command = builder().start(client).await.expect("the client prints it");
    assert_eq!(text(&by_command), "sk-1");

    let (role_id, secret_id) = bao.app_role(&["token_ttl=60s"]);
    let at = |name: &str| bao.home.path().join(name).display().to_string();
    fs::write(at("role_id"), role_id).unwrap();
    fs::write(at("secret_id"), secret_id).unwrap();
    let config = format!(
        r#"
        vault {{ address = "{}" }}
        auto_auth {{ method "approle" {{ config = {{
            role_id_file_path = "{}"
            secret_id_file_path = "{}"
            remove_secret_id_file_after_reading = false
        }} }} }}
        template_config {{ static_secret_render_interval = "1s" }}
        template {{
            contents = "{{{{ with secret \"secret/data/openai\" }}}}{{{{ .Data.data.api_key }}}}{{{{ end }}}}"
            destination = "{}"
            perms = "0600"
        }}
        "#,
        bao.address(),
        at("role_id"),
        at("secret_id"),
        at("key"),
    );
    fs::write(at("agent.hcl"), config).unwrap();
    let mut agent = bao.command();
    agent.env_remove("BAO_TOKEN");
    let config = format!("-config={}", at("agent.hcl"));
    let quiet = agent
        .args(["agent", &config])
        .stdout(std::process::Stdio::null());
    let mut agent = quiet.stderr(std::process::Stdio::null()).spawn().unwrap();

    let source = FileSource::new(at("key"));
    let key = builder()
        .wait_for_first(Duration::from_secs(30))
        .start(source)
        .await;
    let key = key.expect("the agent writes it");
    assert_eq!(text(&key), "sk-1");
    let mut changes = key.subscribe();
    bao.bao(&["kv", "put", "secret/openai", "api_key=sk-2"]);
    let changed = tokio::time::timeout(Duration::from_secs(30), changes.changed()).await;
    agent.kill().unwrap();
    agent.wait().unwrap();
    let current = changed
        .expect("the agent renders it")
        .expect("the task runs");
    assert_eq!(current.expose_secret(), b"sk-2");
}
