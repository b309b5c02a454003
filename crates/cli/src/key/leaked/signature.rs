//! GitHub's signature over a report: ECDSA on the curve P-256 with SHA-256, over the raw body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;

use crate::error::Error;

/// The bytes before the point in the DER of a public key on P-256 (RFC 5480 §2).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Checks that the owner of the key `id` signed exactly `body`.
pub(super) fn verify(body: &[u8], signature: &str, id: &str, keys: &[u8]) -> Result<(), Error> {
    let key = find(keys, id)?;
    let signature = STANDARD
        .decode(signature.trim())
        .map_err(|_| Error::usage("--signature: must be base64"))?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
        .verify(body, &signature)
        .map_err(|_| {
            Error::no(
                "the signature does not match the report, so nothing is revoked; pass the body as it \
                 arrived, to the byte",
            )
        })
}

/// Returns the point of a public key.
fn find(keys: &[u8], id: &str) -> Result<Vec<u8>, Error> {
    let invalid = || {
        Error::failed(
            "--keys: must be the JSON of https://api.github.com/meta/public_keys/secret_scanning",
        )
    };
    let keys: Value = serde_json::from_slice(keys).map_err(|_| invalid())?;
    let keys = keys["public_keys"].as_array().ok_or_else(invalid)?;
    let key = keys.iter().find(|key| key["key_identifier"] == id);
    let key = key.ok_or_else(|| {
        Error::no(
            "the file of --keys has no key with this --key-id, so nothing is revoked; fetch the file \
             again",
        )
    })?;
    let pem = key["key"].as_str().ok_or_else(invalid)?;
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|_| invalid())?;
    let point = der.strip_prefix(&P256).ok_or_else(invalid)?;
    Ok(point.to_vec())
}
