//! JSON Web Tokens beside keys, checked with the keys of their issuer (a JWKS), which rotate.
//!
//! ```console
//! cargo run --example jwt --features http
//! ```

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use axum::{Router, body::Body, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use http::{Request, Response, StatusCode};
use jsonwebtoken::crypto::{CryptoProvider, JwkUtils, JwtVerifier};
use jsonwebtoken::errors::ErrorKind::InvalidAlgorithm;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::signature::{Error as BadSignature, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation, decode, decode_header};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde_json::{Value, from_slice, json};
use tokio::{net::TcpListener, sync::watch};
use tower::{BoxError, Layer as _, ServiceExt as _, service_fn};
use tower_rotating_auth::inbound::{KeyDigest, KeyRecord, KeySet, RequireKeyLayer};
use tower_rotating_auth::inbound::{Validator, Validity};
use tower_rotating_auth::rotating::RefreshErrorKind;
use tower_rotating_auth::source::{HttpSource, Source, SourceError};
use tower_rotating_auth::{Rotating, Secret};

const API_KEY: &str = "batch-1-vK3qYw8RzT5mN2xJ7hBcDf";

/// Ed25519 of `ring` for `jsonwebtoken`. Its features `aws_lc_rs` and `rust_crypto` bring others.
struct Ed25519(DecodingKey);

impl Verifier<Vec<u8>> for Ed25519 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), BadSignature> {
        let key = UnparsedPublicKey::new(&ED25519, self.0.as_bytes());
        key.verify(message, signature)
            .map_err(|_| BadSignature::new())
    }
}

impl JwtVerifier for Ed25519 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

static RING: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(InvalidAlgorithm.into()),
    verifier_factory: |algorithm, key| match (algorithm, key.family()) {
        (Algorithm::EdDSA, AlgorithmFamily::Ed) => Ok(Box::new(Ed25519(key.clone()))),
        _ => Err(InvalidAlgorithm.into()),
    },
    jwk_utils: JwkUtils::new_unimplemented(),
};

struct Jwt {
    issuer_keys: Rotating<JwkSet>,
    validation: Validation,
}

impl Jwt {
    /// Checks a token with its issuer's keys. Returns `None` if they do not have the one it names.
    fn check(&self, token: &[u8], keys: &JwkSet) -> Result<Option<KeyRecord>, BoxError> {
        let id = decode_header(token)?.kid.ok_or("the token names no key")?;
        let Some(key) = keys.find(&id) else {
            return Ok(None);
        };
        let key = DecodingKey::from_jwk(key)?;
        let claims = decode::<Value>(token, &key, &self.validation)?.claims;
        let text = |name: &str| claims[name].as_str().unwrap_or_default();
        let (id, client) = (text("jti").parse()?, text("sub").parse()?);
        let expiry = Duration::from_secs(claims["exp"].as_u64().unwrap_or_default());
        let record = KeyRecord::new(id, client, text("scope").parse()?);
        Ok(Some(record.with_not_after(SystemTime::UNIX_EPOCH + expiry)))
    }
}

impl Validator for Jwt {
    async fn validate(&self, token: &Secret) -> Validity {
        let mut keys = self.issuer_keys.current();
        for _ in 0..2 {
            match self.check(token.expose_secret(), &keys) {
                Ok(Some(record)) => return Validity::Valid(record),
                Ok(None) => {}
                Err(_) => return Validity::Invalid,
            }
            // An unknown key: perhaps a new one. All requests share one refetch.
            match self.issuer_keys.refresh_newer_than(keys.generation()).await {
                Ok(newer) => keys = newer,
                Err(error) if error.kind() == RefreshErrorKind::Unchanged => break,
                Err(_) => {
                    let retry_after = Duration::from_secs(5);
                    return Validity::Unavailable { retry_after };
                }
            }
        }
        Validity::Invalid
    }
}

/// Returns a token for this client that a key of the issuer has signed, and that key as a JWK.
fn sign(kid: &str, client: &str, lifetime: i64, signer: &Ed25519KeyPair) -> (String, Value) {
    let now = i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap_or_default();
    let header = json!({ "alg": "EdDSA", "kid": kid });
    let claims = json!({ "iss": "https://issuer.example", "aud": "api", "sub": client,
        "jti": format!("{client}-{kid}"), "scope": "chat:write", "exp": now + lifetime });
    let [header, claims] = [header, claims].map(|part| BASE64.encode(part.to_string()));
    let message = format!("{header}.{claims}");
    let signature = BASE64.encode(signer.sign(message.as_bytes()));
    let public = BASE64.encode(signer.public_key());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": public });
    (format!("{message}.{signature}"), jwk)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    RING.install_default().map_err(|_| "there is a provider")?;
    let [first, second] = [[1; 32], [2; 32]].map(|seed| Ed25519KeyPair::from_seed_unchecked(&seed));
    let (first, second) = (first?, second?);
    let (alice, jwk) = sign("1", "alice", 60, &first);

    // The issuer answers with its current keys, or fails.
    let jwks = |keys: &[Value]| Ok::<_, StatusCode>(json!({ "keys": keys }).to_string());
    let (issuer, answer) = watch::channel(jwks(&[jwk]));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let app = Router::new().route("/jwks", get(async move || answer.borrow().clone()));
    tokio::spawn(async move { axum::serve(listener, app).await });

    let source = HttpSource::new(&*format!("{url}/jwks"))?; // https, or http on loopback
    let source = source.allow_any_content().poll(Duration::from_secs(300));
    let issuer_keys = Rotating::builder()
        .force_wait(Duration::from_secs(2))
        .cooldown(Duration::ZERO, Duration::ZERO) // each new key at once, but one fetch a second
        .start(source.try_map(|keys: Secret| {
            let keys = from_slice::<JwkSet>(keys.expose_secret());
            keys.map_err(|_| SourceError::invalid("the issuer answered with no JWKS"))
        }))
        .await?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["api"]);
    validation.set_issuer(&["https://issuer.example"]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_nbf = true;

    let record = KeyRecord::new("k1".parse()?, "batch".parse()?, "chat:write".parse()?);
    let digest = KeyDigest::of(API_KEY.as_bytes());
    let (keys, _publisher) = Rotating::manual(KeySet::new([(digest, record)])?);
    let layer = RequireKeyLayer::new(keys).validator(Jwt {
        issuer_keys,
        validation,
    });
    let service = layer.layer(service_fn(async |_| {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    let ask = async |what: &str, token: &str, status: u16| {
        let request = Request::get("/").header("authorization", format!("Bearer {token}"));
        let answer = service.clone().oneshot(request.body(())?).await?;
        println!("{what:<22} {}", answer.status());
        assert_eq!(answer.status(), status, "{what}");
        Ok::<_, BoxError>(())
    };

    let (bob, new_jwk) = sign("2", "bob", 60, &second);
    ask("key", API_KEY, 200).await?;
    ask("token", &alice, 200).await?;
    ask("expired", &sign("1", "alice", -120, &first).0, 401).await?;
    ask("forged", &sign("1", "alice", 60, &second).0, 401).await?;
    ask("neither", "guessed", 401).await?;
    ask("unknown issuer key", &bob, 401).await?;
    issuer.send(jwks(&[new_jwk]))?;
    ask("new issuer key", &bob, 200).await?;
    issuer.send(Err(StatusCode::BAD_GATEWAY))?;
    ask("failing issuer", &bob, 200).await?;
    ask("nobody knows", &alice, 503).await?;
    Ok(())
}
