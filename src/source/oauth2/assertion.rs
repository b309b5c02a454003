//! A client's proof of itself, signed with its private key: RFC 7523 §2.2.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use zeroize::Zeroize as _;

use crate::secret::Secret;
use crate::source::error::SourceError;

/// How long an assertion is good for. It is used at once.
const LIFETIME: Duration = Duration::from_secs(60);

/// What an assertion says.
pub(crate) struct Claims<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) key_id: Option<&'a str>,
    /// A number that no other assertion has.
    pub(crate) id: u128,
    pub(crate) now: SystemTime,
}

/// A private key, with the algorithm that its kind implies.
pub(crate) enum SigningKey {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Parses a private key in PEM.
    pub(crate) fn parse(pem: &Secret) -> Result<Self, SourceError> {
        let unusable = || {
            SourceError::invalid(
                "the private key is not usable; write an RSA key of at least 2048 bits, or a P-256, P-384 or \
                 Ed25519 key in PKCS #8, as PEM",
            )
        };
        let der = PrivateKeyDer::from_pem_slice(pem.expose_secret());
        let mut der = der.map_err(|_| unusable())?;
        let key = Self::of_der(&der);
        der.zeroize();
        key.ok_or_else(unusable)
    }

    fn of_der(der: &PrivateKeyDer<'_>) -> Option<Self> {
        let random = SystemRandom::new();
        let ecdsa = |algorithm, der| EcdsaKeyPair::from_pkcs8(algorithm, der, &random).ok();
        match der {
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der())
                .ok()
                .map(Self::Rsa),
            PrivateKeyDer::Pkcs8(key) => {
                let der = key.secret_pkcs8_der();
                let rsa = RsaKeyPair::from_pkcs8(der).ok().map(Self::Rsa);
                rsa.or_else(|| ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Self::P256))
                    .or_else(|| ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, der).map(Self::P384))
                    .or_else(|| {
                        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
                        key.ok().map(Self::Ed25519)
                    })
            }
            _ => None,
        }
    }

    const fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::P384(_) => "ES384",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let signed = key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
                signed.ok().map(|()| signature)
            }
            Self::P256(key) | Self::P384(key) => {
                let signature = key.sign(&random, message).ok()?;
                Some(signature.as_ref().to_vec())
            }
            Self::Ed25519(key) => Some(key.sign(message).as_ref().to_vec()),
        }
    }

    /// Creates an assertion.
    pub(crate) fn assertion(&self, claims: &Claims<'_>) -> Result<Secret, SourceError> {
        let since_epoch = claims.now.duration_since(SystemTime::UNIX_EPOCH);
        let issued_at = since_epoch.unwrap_or_default();
        let mut header = json!({ "alg": self.algorithm(), "typ": "JWT" });
        if let Some(key_id) = claims.key_id {
            header["kid"] = key_id.into();
        }
        let payload = json!({
            "iss": claims.client_id,
            "sub": claims.client_id,
            "aud": claims.audience,
            "jti": format!("{:032x}", claims.id),
            "iat": issued_at.as_secs(),
            "exp": (issued_at + LIFETIME).as_secs(),
        });
        let [header, payload] =
            [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{payload}");
        let signature = self
            .sign(signed.as_bytes())
            .ok_or_else(|| SourceError::transient("the assertion could not be signed"))?;
        let signature = URL_SAFE_NO_PAD.encode(signature);
        Ok(Secret::from(format!("{signed}.{signature}")))
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use rcgen::{
        KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PublicKeyData as _,
    };
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
        RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
    };
    use serde_json::Value;

    use super::*;

    fn decoded(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    /// A key that signs nothing but what this test checks, by OpenSSL.
    const RSA: &str = "-----BEGIN PRIVATE KEY-----\n\
        MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCt6i2D0yTmlMcq\n\
        7trJX+TkKX3ToH5/43+iXNUmQnoPxVFZ8sxaOpZAuXFArIRaVJTl/Ny0VasmvVEE\n\
        i/9h4eKqyHZ5UIDvW7DKg+elkpUD43JbFuCmLwHIPJW2q0XJopeq7kQG/2/ihqjw\n\
        ub6sOxAGN8ye8XeGvSrJuBMpsceLbC2pDL2Is8pDBLfoGSVsSfEWakWT19KhMUrd\n\
        UW5v/J9t9BeFNE4NfaX+ZkUHkSA7STCle+O+E5Ft7btjH3aytiQrYbSF6xpErlwY\n\
        fGe+DS2D6XdPr4Y0G2pOrDuizFcu/6Y2RV56vIe/IWkLjT9mfHpmGLFDrFw3Tl3k\n\
        MsNb66RNAgMBAAECggEAFMbs0BpqBqgQkUb+2V788+snDqDWbAXsSiPoDQ2VEoxC\n\
        t0nD8yWbrLja2Fyj5TzEmyNV5K91ZofohXAKPxHi5/9R9BVTigT8vnz6sDOuXMwP\n\
        7eTySrhD8L2YLz4P9NJZZ0DW3LUokzn+NeAi8OWPeQayieyUGINB+N5mX61PBw9f\n\
        ecwerPiEMGrcQ7aFNxPLKr8Z0mto5bELjHSbdziHKq/iiPdSKZOhymXx0BTmaduv\n\
        cI5qZL3fnhlSH4kPdWZ9MblowtfLqv1eRYFb+sEPDvzittJA4KmtK94flRGDB4Oc\n\
        NLg3hcMK+mLruJYVsA06T9eCY1n8a5Pf0BBSpvOdwQKBgQDeqzbfgeaXDnkmFh6j\n\
        C3yYFBBaeAPxpITD5+yC4OG/X+f+3uM3kRBUKFiOVZ1+xWAVJyVXqszc6We6Wrwc\n\
        MxPGsccTBZVsbZ5Jpi5YttB4F3B5lNFKuy5tHTDTKOwOJCLGx8APuTxx8TmRwLYr\n\
        EPK2Avz2OK1rANN2HIPR7Ddt7QKBgQDH8q7DQuAxENavRxbgS/D2gjQaLNa6vqZf\n\
        UElPa7opXtsXwWDLYn0iCEja+K8yRDl3bd0Uez5SsIkR/aQkfBJuNXXdHaMrlTXL\n\
        sdSjsngkLsq11tMwzLF8dt8aOesBtqGR4V72cT5n3ABT0W0/QrlQFQi562HTMez0\n\
        ocRWDUtD4QKBgEn9WJmCX64YKBeIyBtjiL48BIcbVCwqf9ddLJD8yua9pqhhRd1D\n\
        /coJMgvx1Qi360p8HIN6BOLvSAF7fwBb1Jl0n3LpqxJBhpRwfPwLm1AcccpksfsE\n\
        IdQuG/g+o9m7Fjc5Ts+qvLQb9QZCpAXBdvUWHxpuEOn6d0nLBd5ugKitAoGAboNt\n\
        ItGQ1q3G60QwmbJ/sdBPefQ0jy0XCfF3Q6V4VKtwD1Y76M47+ZZ4pkbzlqXs2Vzo\n\
        6Awia1PVvxLhKaVGDpIP3jImYM1s2XQl4oCfNOiD9DOTsRJCO1f8giNnCCBodxgJ\n\
        A8+dvYv0xl8nseJwSJoHo7M8851RqfjLawCYDCECgYEAxNPmL5FrlQGMGu1U0ly6\n\
        1owFUIfWbhHOQTjkye8XL8BExKnndlIr4QroZiAYRfdhFxWrP55X+lChDyCuMtOD\n\
        k4BD1slfqEo4qpAIlklAtdaqq38kXLwsjSF9pwm+ZMv85oLkEUfKn9uINcpai2dj\n\
        ZSxXN+hukVebh19j0p+30N8=\n\
        -----END PRIVATE KEY-----\n";
    /// Its modulus, as a JWK has it.
    const RSA_MODULUS: &str = "reotg9Mk5pTHKu7ayV_k5Cl906B-f-N_olzVJkJ6D8VRWfLMWjqWQLlxQKyEWlSU5fzctFWrJr1RBIv_YeHiqs\
        h2eVCA71uwyoPnpZKVA-NyWxbgpi8ByDyVtqtFyaKXqu5EBv9v4oao8Lm-rDsQBjfMnvF3hr0qybgTKbHHi2wt\
        qQy9iLPKQwS36BklbEnxFmpFk9fSoTFK3VFub_yfbfQXhTRODX2l_mZFB5EgO0kwpXvjvhORbe27Yx92srYkK2\
        G0hesaRK5cGHxnvg0tg-l3T6-GNBtqTqw7osxXLv-mNkVeeryHvyFpC40_Znx6ZhixQ6xcN05d5DLDW-ukTQ";

    const CLAIMS: Claims<'static> = Claims {
        client_id: "batch",
        audience: "https://id.example.com/token",
        key_id: Some("k1"),
        id: 0xfeed,
        now: SystemTime::UNIX_EPOCH,
    };

    /// Creates an assertion a million seconds after the epoch, and checks what it says. Returns
    /// what is signed, and the signature.
    fn assertion(pem: &str, algorithm: &str) -> (String, Vec<u8>) {
        let key = SigningKey::parse(&Secret::from(pem)).unwrap();
        let now = CLAIMS.now + Duration::from_secs(1_000_000);
        let assertion = key.assertion(&Claims { now, ..CLAIMS }).unwrap();
        let text = std::str::from_utf8(assertion.expose_secret()).unwrap();
        let (signed, signature) = text.rsplit_once('.').unwrap();
        let (header, payload) = signed.split_once('.').unwrap();
        let expected = json!({ "alg": algorithm, "typ": "JWT", "kid": "k1" });
        assert_eq!(decoded(header), expected);
        let expected = json!({
            "iss": "batch",
            "sub": "batch",
            "aud": "https://id.example.com/token",
            "jti": "0000000000000000000000000000feed",
            "iat": 1_000_000,
            "exp": 1_000_060,
        });
        assert_eq!(decoded(payload), expected);
        (
            signed.to_owned(),
            URL_SAFE_NO_PAD.decode(signature).unwrap(),
        )
    }

    #[test]
    fn assertion_is_signed_by_the_key() {
        let cases: [(_, &str, &'static dyn VerificationAlgorithm); 3] = [
            (&PKCS_ECDSA_P256_SHA256, "ES256", &ECDSA_P256_SHA256_FIXED),
            (&PKCS_ECDSA_P384_SHA384, "ES384", &ECDSA_P384_SHA384_FIXED),
            (&PKCS_ED25519, "EdDSA", &ED25519),
        ];
        for (kind, name, verify) in cases {
            let pair = KeyPair::generate_for(kind).unwrap();
            let (signed, signature) = assertion(&pair.serialize_pem(), name);
            let public = UnparsedPublicKey::new(verify, pair.der_bytes());
            public.verify(signed.as_bytes(), &signature).unwrap();
        }
    }

    #[test]
    fn assertion_is_signed_by_an_rsa_key() {
        // The key by itself is the end of its PKCS #8, as 2048 bits have it.
        let pkcs8 = PrivateKeyDer::from_pem_slice(RSA.as_bytes()).unwrap();
        let pkcs1 = STANDARD.encode(&pkcs8.secret_der()[26..]);
        let pkcs1 =
            format!("-----BEGIN RSA PRIVATE KEY-----\n{pkcs1}\n-----END RSA PRIVATE KEY-----\n");
        for pem in [RSA, &pkcs1] {
            let (signed, signature) = assertion(pem, "RS256");
            let modulus = URL_SAFE_NO_PAD.decode(RSA_MODULUS).unwrap();
            let public = RsaPublicKeyComponents {
                n: &modulus[..],
                e: &[1, 0, 1][..],
            };
            let verify = &RSA_PKCS1_2048_8192_SHA256;
            public
                .verify(verify, signed.as_bytes(), &signature)
                .unwrap();
            let other = public.verify(verify, &signed.as_bytes()[1..], &signature);
            assert!(other.is_err());
        }
    }

    #[test]
    fn what_is_no_private_key_is_refused() {
        for pem in [
            "",
            "sk-1",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----",
        ] {
            assert!(SigningKey::parse(&Secret::from(pem)).is_err(), "{pem}");
        }
    }
}
