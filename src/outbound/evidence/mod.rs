//! What the upstream's answers have shown about a credential, and what follows from it.
//!
//! `evidence` lies beside each credential in the engine's cell. `trial` is the time in which a
//! previous credential stands by, and `canary` says which requests try the new one meanwhile.
//! `decide` is the one place that chooses a credential; `choice` asks it on the evidence.

mod canary;
mod choice;
mod decide;
#[expect(
    clippy::module_inception,
    reason = "the type that the folder is named after"
)]
mod evidence;
mod generations;
mod trial;

pub(crate) use self::canary::Resend;
pub(crate) use self::choice::{CanaryPermit, Choice, Progress, choose, is_exhausted};
pub(crate) use self::decide::{Newer, Role, Tried};
pub use self::evidence::Evidence;
pub(crate) use self::evidence::{
    Acceptance, AcceptanceSampling, EvidenceAtSend, TrackedCredential,
};
pub(crate) use self::generations::CredentialGenerations;
