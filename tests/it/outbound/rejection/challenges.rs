//! Challenges: a 401 for other schemes is not about the key.

use http::StatusCode;
use tower_rotating_auth::{
    Secret,
    outbound::{AuthScheme, Credential},
};

use super::{Says, bearer, headers, response, says_to};

const CHALLENGE: &str = "www-authenticate";

fn token(key: &str) -> Credential {
    Credential::scheme(&AuthScheme::TOKEN, &Secret::from(key)).unwrap()
}

fn sso(key: &str) -> Credential {
    Credential::scheme(&"SSWS".parse().unwrap(), &Secret::from(key)).unwrap()
}

fn x_api_key(key: &str) -> Credential {
    Credential::x_api_key(&Secret::from(key)).unwrap()
}

async fn on_401(credential: fn(&str) -> Credential, challenges: &[&'static str]) -> Says {
    let lines: Vec<_> = challenges.iter().map(|value| (CHALLENGE, *value)).collect();
    let mut response = response(StatusCode::UNAUTHORIZED, &headers(&[]));
    for (name, value) in lines {
        response.headers_mut().append(name, value.parse().unwrap());
    }
    says_to(credential, |inject| inject, response).await
}

#[tokio::test(start_paused = true)]
async fn challenge_for_other_schemes_is_not_about_the_key() {
    for challenges in [
        &["Basic realm=\"proxy\""] as &[_],
        &["Basic realm=\"Bearer\", Negotiate"],
        &["Negotiate YIIB6w==", "NTLM"],
        &["Basic realm=\"a, Bearer b\""],
        &["Basic realm=\"\\\", Bearer\""],
        &["DPoP algs=\"ES256\""],
        &["BearerX, XBearer"],
    ] {
        assert_eq!(
            on_401(bearer, challenges).await,
            Says::Nothing,
            "{challenges:?}"
        );
    }
    assert_eq!(on_401(token, &["Bearer, Basic"]).await, Says::Nothing);
    assert_eq!(on_401(sso, &["Bearer, Basic"]).await, Says::Nothing);
}

#[tokio::test(start_paused = true)]
async fn challenge_for_the_scheme_is_a_rejection() {
    for challenges in [
        &["Bearer"] as &[_],
        &["bearer realm=\"a\", error=\"invalid_token\""],
        &["Basic realm=\"a\", BEARER"],
        &["Basic realm=\"a\"", "Bearer realm=\"b\""],
        &["DPoP algs=\"ES256\", Bearer"],
        &["Negotiate YIIB6w==, Bearer"],
    ] {
        assert_eq!(
            on_401(bearer, challenges).await,
            Says::Rejected,
            "{challenges:?}"
        );
    }
    assert_eq!(on_401(token, &["token"]).await, Says::Rejected);
    assert_eq!(on_401(sso, &["Basic, ssws"]).await, Says::Rejected);
}

#[tokio::test(start_paused = true)]
async fn missing_or_unparsable_challenge_is_a_rejection() {
    for challenges in [
        &[] as &[_],
        &[""],
        &[" , "],
        &["Basic realm=\"unclosed"],
        &["Basic realm=a charset=b"],
        &["Basic", "=\"b\""],
        &["Basic: realm=a"],
    ] {
        assert_eq!(
            on_401(bearer, challenges).await,
            Says::Rejected,
            "{challenges:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn any_challenge_may_be_about_a_key_without_scheme() {
    for challenges in [&["Basic realm=\"a\""] as &[_], &["Bearer"], &[]] {
        assert_eq!(
            on_401(x_api_key, challenges).await,
            Says::Rejected,
            "{challenges:?}"
        );
    }
}
