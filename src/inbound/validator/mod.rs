//! Validators, which judge tokens that no key set knows.

mod validated;
mod validator_trait;

pub(crate) use self::validated::Validated;
pub use self::validator_trait::{Validator, Validity};
