//! Setters of responses may be called in any order.

use http::{HeaderMap, Method, Response, Version};
use proptest::prelude::*;
use tower::Layer;
use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::{
    AuthErrorKind, AuthErrorResponse, ErrorFormat, KeyLocation, KeyLocations, RequireKeyLayer,
};

use super::{challenges, scopes};
use crate::inbound::keys;
use crate::inbound::layer::{Echo, ask, get};

const URL: &str = "https://example.com/metadata";
const BASIC: &str = r#"Basic realm="R""#;
const BEARER: &str =
    r#"Bearer realm="R", resource_metadata="https://example.com/metadata", scope="a b""#;

const OPEN_AI: &str = r#""type":"invalid_request_error""#;

fn with_basic() -> KeyLocations {
    KeyLocations::new([KeyLocation::Bearer, KeyLocation::Basic]).unwrap()
}

type Set<T> = fn(T) -> T;

/// Some of them are called twice: the last call counts, and leaves nothing of the one before.
const OF_RESPONSE: [Set<AuthErrorResponse>; 7] = [
    |response| response.realm("R").unwrap(),
    |response| response.realm("R").unwrap(),
    |response| response.format(ErrorFormat::OpenAi),
    |response| response.locations(&with_basic()),
    |response| response.resource_metadata(URL).unwrap(),
    |response| response.resource_metadata(URL).unwrap(),
    |response| response.scopes(scopes("a b")),
];

const OF_LAYER: [Set<RequireKeyLayer>; 4] = [
    |layer| layer.realm("R").unwrap(),
    |layer| layer.locations(with_basic()),
    |layer| {
        let response = AuthErrorResponse::new("S").unwrap();
        let response = response.format(ErrorFormat::OpenAi).scopes(scopes("a b"));
        layer.error_response(response.resource_metadata(URL).unwrap())
    },
    |layer| layer.max_stale(std::time::Duration::ZERO),
];

proptest! {
    #[test]
    fn response_setters_commute(order in Just(OF_RESPONSE.to_vec()).prop_shuffle()) {
        let set = order.iter().fold(AuthErrorResponse::default(), |response, set| set(response));
        let error = AuthErrorKind::Missing.into();
        let response = set.response(&error, &Method::GET, Version::HTTP_11, &HeaderMap::new());
        prop_assert_eq!(challenges(&response), [BEARER, BASIC]);
        prop_assert!(String::from_utf8_lossy(response.body()).contains(OPEN_AI));
    }

    #[test]
    fn layer_setters_commute(order in Just(OF_LAYER.to_vec()).prop_shuffle()) {
        let (keys, _publisher) = Rotating::manual(keys::keys());
        let layer = order.iter().fold(RequireKeyLayer::new(keys), |layer, set| set(layer));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (head, body) = runtime.block_on(ask(&layer.layer(Echo), get("/"))).into_parts();
        prop_assert!(body.contains(OPEN_AI), "{}", body);
        let response = Response::from_parts(head, body.into());
        prop_assert_eq!(challenges(&response), [BEARER, BASIC]);
    }
}
