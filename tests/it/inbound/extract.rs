//! Extracting the token from a request.

use tower_rotating_auth::inbound::{AuthErrorKind, KeyLocation, KeyLocations};

use super::{Head, basic, every_location, k_in, subprotocol};

#[track_caller]
fn authorization(value: &[u8]) -> Result<String, AuthErrorKind> {
    let head = Head::lines(&[("authorization", value)]);
    head.extract(&KeyLocations::default())
        .map(|(token, _)| token)
}

#[test]
fn bearer_scheme_ignores_case_and_extra_spaces() {
    for value in [
        &b"Bearer aZ09-._~+/=="[..],
        b"bearer aZ09-._~+/==",
        b"BEARER aZ09-._~+/==",
        b"bEaReR    aZ09-._~+/==",
        b"Bearer aZ09-._~+/== ",
        b"Bearer aZ09-._~+/==\t",
        b" \tBearer aZ09-._~+/== \t ",
    ] {
        let read = authorization(value);
        assert_eq!(
            read.as_deref(),
            Ok("aZ09-._~+/=="),
            "{}",
            value.escape_ascii()
        );
    }
}

#[test]
fn nothing_presented_is_missing() {
    let heads = [
        Head::uri("/"),
        Head::uri("/?keys=k&Key=k&ke=k&a=key"),
        Head::lines(&[("cookie", b"key=k"), ("x-key", b"k")]),
        Head::lines(&[(
            "sec-websocket-protocol",
            b"chat, base64url.bearer.authorization",
        )]),
    ];
    for head in heads {
        assert_eq!(
            head.extract(&every_location()),
            Err(AuthErrorKind::Missing),
            "{head:?}"
        );
    }
    let locations = KeyLocations::new([KeyLocation::Query("key".into())]).unwrap();
    let head = Head::lines(&[("authorization", b"Bearer k"), ("x-api-key", b"k")]);
    assert_eq!(head.extract(&locations), Err(AuthErrorKind::Missing));
}

#[test]
fn other_scheme_is_unsupported() {
    for value in [
        &b"Basic dXNlcjprZXk="[..],
        b"Digest username=\"k\"",
        b"Token k",
        b"sk-1f0c",
        b"Bearerk",
        b"Bearer-k k",
        b"Be arer k",
        b"\xC3\xA9 k",
        b"=",
    ] {
        let read = authorization(value);
        assert_eq!(
            read,
            Err(AuthErrorKind::UnsupportedScheme),
            "{}",
            value.escape_ascii()
        );
    }
}

#[test]
fn empty_value_is_empty_error() {
    for value in [
        &b""[..],
        b" ",
        b"\t ",
        b"Bearer",
        b"bearer ",
        b"Bearer    ",
        b"Bearer \t",
    ] {
        let read = authorization(value);
        assert_eq!(read, Err(AuthErrorKind::Empty), "{}", value.escape_ascii());
    }
    let heads = [
        Head::lines(&[("x-api-key", b"")]),
        Head::lines(&[("x-api-key", b" \t")]),
        Head::lines(&[("authorization", b"Token k"), ("api-key", b"")]),
        Head::lines(&[("authorization", b"Basic")]),
        Head::lines(&[("authorization", &basic("", ""))]),
        Head::lines(&[("sec-websocket-protocol", subprotocol("").as_bytes())]),
        Head::uri("/?key="),
        Head::uri("/?a=b&key"),
    ];
    for head in heads {
        assert_eq!(
            head.extract(&every_location()),
            Err(AuthErrorKind::Empty),
            "{head:?}"
        );
    }
}

#[test]
fn invalid_token_bytes_are_malformed() {
    for value in [
        &b"Bearer a b"[..],
        b"Bearer a,b",
        b"Bearer a, Bearer a",
        b"Bearer \"a\"",
        b"Bearer a\tb",
        b"Bearer \ta",
        b"Bearer\ta",
        b"Bearer\t a",
        b"Bearer=a",
        b"Bearer/a",
        b"Bearer:a",
        b"Bearer, a",
        b"Bearer a=b",
        b"Bearer =",
        b"Bearer a\x80",
        b"Bearer \xFF",
        b"Bearer k\xC3\xA9y",
        b"Bearer a%20",
        b"Bearer {a}",
    ] {
        let read = authorization(value);
        assert_eq!(
            read,
            Err(AuthErrorKind::Malformed),
            "{}",
            value.escape_ascii()
        );
    }
    let heads = [
        Head::lines(&[("x-api-key", b"Bearer a")]),
        Head::lines(&[("x-api-key", b"a;b")]),
        Head::uri("/?key=a%20b"),
        Head::uri("/?key=a%C3%A9"),
        Head::uri("/?key=a%"),
        Head::uri("/?key=a%4"),
        Head::uri("/?key=a%zz"),
        Head::uri("/?key=a=b"),
        Head::uri("/?key=%00"),
    ];
    for head in heads {
        assert_eq!(
            head.extract(&every_location()),
            Err(AuthErrorKind::Malformed),
            "{head:?}"
        );
    }
}

#[test]
fn max_token_len_is_inclusive() {
    let locations = every_location().max_token_len(64);
    let heads = |token: &str| {
        let encoded: String = token.bytes().map(|byte| format!("%{byte:02x}")).collect();
        [
            Head::lines(&[("authorization", format!("Bearer {token}").as_bytes())]),
            Head::lines(&[("api-key", token.as_bytes())]),
            Head::uri(&format!("/?key={token}")),
            Head::uri(&format!("/?key={encoded}")),
            Head::lines(&[(
                "sec-websocket-protocol",
                format!("chat, {}", subprotocol(token)).as_bytes(),
            )]),
            Head::lines(&[("authorization", &basic(token, token))]),
            Head::lines(&[("authorization", &basic(token, ""))]),
        ]
    };
    let longest = "a".repeat(64);
    for head in heads(&longest) {
        let read = head.extract(&locations).map(|(token, _)| token);
        assert_eq!(read, Ok(longest.clone()), "{head:?}");
    }
    for len in [65, 66, 67, 68, 1000] {
        for head in heads(&"a".repeat(len)) {
            assert_eq!(
                head.extract(&locations),
                Err(AuthErrorKind::TooLong),
                "{head:?}"
            );
        }
    }
    let by_default = |len| authorization(format!("Bearer {}", "a".repeat(len)).as_bytes());
    assert!(by_default(512).is_ok());
    assert_eq!(by_default(513), Err(AuthErrorKind::TooLong));
}

#[test]
fn length_is_checked_before_content() {
    let long = " ".repeat(600);
    let garbage = "!".repeat(4000);
    for head in [
        Head::lines(&[("authorization", format!("Bearer x{long}x").as_bytes())]),
        Head::lines(&[("authorization", format!("Basic {garbage}").as_bytes())]),
        Head::lines(&[(
            "sec-websocket-protocol",
            format!("chat, base64url.bearer.authorization.k8s.io.{garbage}").as_bytes(),
        )]),
        Head::uri(&format!("/?key={garbage}%20")),
    ] {
        let read = head.extract(&every_location());
        assert_eq!(read, Err(AuthErrorKind::TooLong), "{head:?}");
    }
}

#[test]
fn query_parameter_is_decoded_and_matched_whole() {
    for uri in [
        "/?key=k",
        "/v1?a=b&key=k",
        "/v1?key=k&a=b&keys=l&KEY=l&xkey=l",
        "/?%6B%65%79=%6b",
        "/?&&key=k&",
        "/?a=key=l&key=k",
        "/?a;key=l&key=k",
        "https://example.com?key=k",
        "https://example.com/?key=k#key=l",
    ] {
        assert_eq!(Head::uri(uri).extract(&every_location()), k_in(3), "{uri}");
    }
    // The query follows RFC 3986 and is not an HTML form: a plus stays a plus.
    let read = Head::uri("/?key=a+b%2Bc%2f%3D").extract(&every_location());
    assert_eq!(read, Ok(("a+b+c/=".to_owned(), 3)));
}

#[test]
fn websocket_token_needs_another_subprotocol() {
    let entry = subprotocol("k");
    let offered = |lines: &[String]| {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| ("sec-websocket-protocol", line.as_bytes()))
            .collect();
        Head::lines(&lines).extract(&every_location())
    };
    for lines in [
        vec![format!("{entry}, chat")],
        vec![format!("chat,{entry}")],
        vec![format!(" chat ,\t{entry} , , superchat")],
        vec!["chat".to_owned(), entry.clone()],
    ] {
        assert_eq!(offered(&lines), k_in(4), "{lines:?}");
    }
    // Its base64url has a character that plain Base64 does not have.
    let lines = [format!("chat, {}", subprotocol("~~~"))];
    assert_eq!(offered(&lines), Ok(("~~~".to_owned(), 4)));
    for line in [
        entry.clone(),
        format!(",{entry}, ,"),
        format!("chat, {entry}="),
        format!("chat, {entry}!"),
        format!("chat, {}", subprotocol("a b")),
        format!("chat, {}", subprotocol("\u{e9}")),
        // The unused bits of the last character are not zero, which would give a token two forms.
        "chat, base64url.bearer.authorization.k8s.io.a3".to_owned(),
    ] {
        let read = offered(std::slice::from_ref(&line));
        assert_eq!(read, Err(AuthErrorKind::Malformed), "{line}");
    }
}

#[test]
fn plain_token_of_a_subprotocol_is_read_as_it_is() {
    let offered = |line: &str| {
        Head::lines(&[("sec-websocket-protocol", line.as_bytes())]).extract(&every_location())
    };
    let read = offered("realtime, openai-insecure-api-key.sk-k, openai-beta.realtime-v1");
    assert_eq!(read, Ok(("sk-k".to_owned(), 4)));
    let both = format!("realtime, openai-insecure-api-key.k, {}", subprotocol("k"));
    for (line, error) in [
        ("openai-insecure-api-key.k", AuthErrorKind::Malformed),
        ("realtime, openai-insecure-api-key.", AuthErrorKind::Empty),
        (
            "realtime, OpenAI-insecure-api-key.k",
            AuthErrorKind::Missing,
        ),
        (&both, AuthErrorKind::Duplicate),
    ] {
        assert_eq!(offered(line), Err(error), "{line}");
    }
}

#[test]
fn basic_token_is_password_or_user_name() {
    let locations = every_location();
    let read = |value: &[u8]| Head::lines(&[("authorization", value)]).extract(&locations);
    assert_eq!(read(&basic("user", "k")), k_in(5));
    assert_eq!(read(&basic("", "k")), k_in(5));
    assert_eq!(read(&basic("k", "")), k_in(5));
    assert_eq!(read(b"bAsIc   OmtleQ=="), Ok(("key".to_owned(), 5)));
    for value in [
        &b"Basic !"[..],
        b"Basic a2V5",   // no colon
        b"Basic OmtleQ", // no padding
        b"Basic OmtleQ== x",
        b"Basic OmtleQ==\tx",
        b"Basic\tOmtleQ==",
        &basic("user", "a:b"),
        &basic("user", "a b"),
    ] {
        assert_eq!(
            read(value),
            Err(AuthErrorKind::Malformed),
            "{}",
            value.escape_ascii()
        );
    }
    assert_eq!(read(b"Digest a"), Err(AuthErrorKind::UnsupportedScheme));
    assert_eq!(read(b"Bearer k"), k_in(0));
}
