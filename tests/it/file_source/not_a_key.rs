//! Content that is no key, and files that hold more than a key.

use std::process::Command;

use tower_rotating_auth::{
    Rotating,
    inbound::{IntoKeySet, KeyDigest, KeySet},
    outbound::{IntoCredential as _, RotatingCredential},
    source::{EnvSource, FileSource, Source as _, SourceConfig, SourceErrorKind},
};

use super::support::{KeyFolder, assert_content, failure, in_time, write};
use crate::support::{source_kind, start_kind};

/// What templates and copies leave behind in place of a key, and a word of the reason.
const NO_KEYS: [(&str, &str); 9] = [
    ("null", "no value"),
    ("undefined\n", "no value"),
    ("None", "no value"),
    ("\"sk-sentinel\"", "quotes"),
    ("'sk-sentinel'\n", "quotes"),
    ("OPENAI_API_KEY=sk-sentinel", "NAME=value"),
    ("A=1\nOPENAI_API_KEY=sk-sentinel\n", "NAME=value"),
    ("{\"error\":\"sk-sentinel\"}", "JSON"),
    ("[\"sk-sentinel\"]", "JSON"),
];

#[tokio::test(start_paused = true)]
async fn content_that_is_no_key_is_refused() {
    for (content, reason) in NO_KEYS {
        let folder = KeyFolder::new("sk-1");
        let key = Rotating::start(FileSource::new(&folder.path))
            .await
            .unwrap();
        write(&folder.path, content);
        let error = failure(&key).await;
        let error = error.source_error().expect("the source failed");
        assert_eq!(error.kind(), SourceErrorKind::Invalid, "{content}");
        let text = error.to_string();
        assert!(text.contains(reason) && text.contains("openai"), "{text}");
        assert!(!format!("{text} {error:?}").contains("sentinel"), "{text}");
        assert_content(&key.current(), "sk-1");

        write(&folder.path, "abc==");
        assert_content(&in_time(key.refresh()).await.unwrap(), "abc==");
    }
}

#[tokio::test(start_paused = true)]
async fn content_that_is_no_key_fails_the_start() {
    for (content, _) in NO_KEYS {
        let folder = KeyFolder::new(content);
        let source = FileSource::new(&folder.path).bearer();
        let error = RotatingCredential::start(source).await.unwrap_err();
        assert_eq!(
            start_kind(&error),
            Some(SourceErrorKind::Invalid),
            "{content}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn allow_any_content_accepts_it() {
    for (content, _) in NO_KEYS {
        let folder = KeyFolder::new(content);
        let source = FileSource::new(&folder.path).allow_any_content();
        let key = Rotating::start(source).await.unwrap();
        assert_content(&key.current(), content.trim());
    }
}

#[tokio::test(start_paused = true)]
async fn key_set_is_never_checked() {
    let digest = KeyDigest::of(b"8Zk1tQ0mVd7RyXw3LpHs5N").to_text();
    // It starts like an assignment, which the check for one key refuses.
    let folder = KeyFolder::new(format!(
        "version=1\nserial=1\n[[client]]\nid=\"c\"\n\
         [[key]]\nid=\"k\"\nclient=\"c\"\ndigest=\"{digest}\"\n"
    ));
    assert!(
        Rotating::start(FileSource::new(&folder.path))
            .await
            .is_err()
    );
    let path = &folder.path;
    let file = || FileSource::new(path);
    let sources = [
        file().key_set().boxed(),
        file().boxed().key_set().boxed(),
        file().validate(|_| Ok(())).key_set().boxed(),
        file().fallback(file()).key_set().boxed(),
        SourceConfig::file(path).key_set().boxed(),
    ];
    for source in sources {
        let keys = Rotating::<KeySet>::start(source).await.unwrap();
        assert_eq!(keys.current().len(), 1);
    }
}

const VARIABLE: &str = "UPSTREAM_KEY_OF_THIS_TEST";

#[tokio::test]
async fn variable_that_is_no_key_is_refused() {
    if std::env::var_os(VARIABLE).is_some() {
        let refused = Rotating::start(EnvSource::new(VARIABLE)).await.unwrap_err();
        assert_eq!(start_kind(&refused), Some(SourceErrorKind::Invalid));
        let text = refused.source_error().unwrap().to_string();
        assert!(
            text.contains(VARIABLE) && !text.contains("sentinel"),
            "{text}"
        );
        let any = EnvSource::new(VARIABLE).allow_any_content();
        assert!(Rotating::start(any).await.is_ok());
        let set = EnvSource::new(VARIABLE).key_set();
        let set = Rotating::<KeySet>::start(set).await;
        // Whether it parses is up to the parser; the check is not asked.
        if let Err(error) = set {
            let text = error.source_error().unwrap().to_string();
            assert_eq!(text, "the key set cannot be used");
        }
        return;
    }
    for (content, _) in NO_KEYS {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "file_source::not_a_key::variable_that_is_no_key_is_refused",
            ])
            .env(VARIABLE, content)
            .output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let passed = output.status.success() && said.contains("1 passed");
        assert!(passed, "{content}: {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn field_of_a_dotenv_file_is_followed() {
    let folder = KeyFolder::new("# keys\nOPENAI_API_KEY=\"sk-1\"\nOTHER=x\n");
    let source = FileSource::new(&folder.path).field("OPENAI_API_KEY");
    let key = Rotating::start(source).await.unwrap();
    assert_content(&key.current(), "sk-1");

    let mut changes = key.subscribe();
    write(&folder.path, "OTHER=y\nexport OPENAI_API_KEY=sk-2\n");
    assert_content(&in_time(changes.changed()).await.unwrap(), "sk-2");

    write(&folder.path, "OTHER=z\nOPENAI_API_KEY='sk-2'\n");
    let current = in_time(key.refresh()).await.unwrap();
    assert_eq!(
        current.generation().get(),
        2,
        "another field is no rotation"
    );
}

#[tokio::test(start_paused = true)]
async fn field_of_a_json_file_is_followed() {
    let folder = KeyFolder::new("{\"OPENAI_API_KEY\": \"sk-1\"}\n");
    let config = format!("file:{}#OPENAI_API_KEY", folder.path.display());
    let config: SourceConfig = config.parse().unwrap();
    let key = Rotating::start(config.into_source()).await.unwrap();
    assert_content(&key.current(), "sk-1");
    let mut changes = key.subscribe();
    write(&folder.path, "{\"OPENAI_API_KEY\": \"sk-2\"}");
    assert_content(&in_time(changes.changed()).await.unwrap(), "sk-2");
}

#[tokio::test(start_paused = true)]
async fn broken_field_keeps_the_key() {
    for broken in [
        "sk-sentinel",
        "OTHER=sk-sentinel",
        "{\"OPENAI_API_KEY\": [\"sk-sentinel\"]}",
        "{\"OPENAI_API_KEY\": \"sk-sentinel",
        "OPENAI_API_KEY=\"sk-sentinel",
        "OPENAI_API_KEY=null",
    ] {
        let folder = KeyFolder::new("OPENAI_API_KEY=sk-1");
        let source = FileSource::new(&folder.path).field("OPENAI_API_KEY");
        let key = Rotating::start(source).await.unwrap();
        write(&folder.path, broken);
        let error = failure(&key).await;
        assert_eq!(
            source_kind(&error),
            Some(SourceErrorKind::Invalid),
            "{broken}"
        );
        let error = error.source_error().unwrap();
        assert!(
            !format!("{error} {error:?}").contains("sentinel"),
            "{error}"
        );
        assert_content(&key.current(), "sk-1");
    }
}
