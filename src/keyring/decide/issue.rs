//! The issue of a new key.

use std::time::{Duration, SystemTime};

use super::not_allowed::NotAllowed;
use super::{Candidate, Decided, Made};
use crate::idempotency::IdempotencyKey;
use crate::inbound::{ClientId, KeyId, Provenance};
use crate::keyring::issuance_policy::IssuancePolicy;
use crate::keyring::request::{IssueRequest, Lifetime};
use crate::keyring::state::{Change, ClientEntry, ClientState, KeyEntry, KeyRingState};

impl KeyRingState {
    pub(crate) fn issue(
        &self,
        request: &IssueRequest,
        candidate: &Candidate,
        now: SystemTime,
    ) -> Decided<Made<KeyId>> {
        if let Some(before) = self.made_before(&request.client, request.idempotency_key.as_ref()) {
            return match before.replaces() {
                None => Ok((Change::default(), Made::Before(before.id().clone()))),
                Some(_) => Err(NotAllowed::IdempotencyKeyReused(before.id().clone())),
            };
        }
        self.add(request, candidate, Provenance::Issued, now)
    }

    /// Adds a key to those that the client has.
    pub(crate) fn add(
        &self,
        request: &IssueRequest,
        candidate: &Candidate,
        provenance: Provenance,
        now: SystemTime,
    ) -> Decided<Made<KeyId>> {
        let mut change = Change::default();
        let client = match (self.client(&request.client), &request.new_client) {
            (Some(client), _) => client.clone(),
            (None, Some(scopes)) => {
                let client = ClientEntry::new(request.client.clone(), scopes.clone());
                change.clients.push(client.clone());
                client
            }
            (None, None) => return Err(NotAllowed::UnknownClient(request.client.clone())),
        };
        if client.state() == ClientState::Disabled {
            return Err(NotAllowed::ClientDisabled(client.id().clone()));
        }
        let (scopes, roles) = (request.scopes.as_ref(), request.roles.as_deref());
        let held = self.role_table().grants(client.scopes(), client.roles());
        if self
            .role_table()
            .grants_of_key(&held, scopes, roles)
            .is_none()
        {
            return Err(NotAllowed::MoreThanItsClient(client.id().clone()));
        }
        let limit = self.policy().max_live_keys;
        if self.live_keys_of(client.id(), now).count() >= limit {
            let client = client.id().clone();
            return Err(NotAllowed::TooManyKeys { client, limit });
        }
        let default = self.policy().lifetime.or(request.default_lifetime);
        let not_after = end_of_life(
            request.lifetime,
            default,
            request.not_before,
            self.policy(),
            now,
        )?;
        // A key with all scopes of its new client follows the client: scopes of its own would
        // prevent narrowing the client.
        let is_new = !change.clients.is_empty();
        let scopes = request.scopes.clone();
        let scopes = scopes.filter(|scopes| !is_new || scopes != client.scopes());
        let entry = KeyEntry::new(candidate.id.clone(), client.id().clone(), candidate.digest)
            .with_scopes(scopes)
            .with_roles(request.roles.clone())
            .with_restrictions(request.restrictions.clone())
            .with_created_at(now)
            .with_not_before(request.not_before)
            .with_not_after(not_after)
            .with_provenance(provenance)
            .with_idempotency_key(request.idempotency_key.clone());
        change.keys.push(entry);
        Ok((change, Made::Now(candidate.id.clone())))
    }

    /// Returns the key that the operation with this idempotency key has made.
    pub(crate) fn made_before(
        &self,
        client: &ClientId,
        key: Option<&IdempotencyKey>,
    ) -> Option<&KeyEntry> {
        let key = key?;
        self.keys_of(client)
            .find(|entry| entry.idempotency_key() == Some(key))
    }
}

/// Returns when a key that is made now expires under the policy.
pub(crate) fn end_of_life(
    lifetime: Lifetime,
    default: Option<Duration>,
    not_before: Option<SystemTime>,
    policy: &IssuancePolicy,
    now: SystemTime,
) -> Result<Option<SystemTime>, NotAllowed> {
    let start = not_before.map_or(now, |from| from.max(now));
    let wanted = lifetime.ends(start, default);
    let longest = policy.max_age.ends(Some(now));
    let end = match (wanted, longest) {
        (Some(wanted), Some(longest)) if wanted <= longest => Some(wanted),
        (_, Some(longest)) if lifetime == Lifetime::AsThePolicySays => Some(longest),
        (_, Some(_)) => {
            let longest = policy.max_age.age;
            return Err(NotAllowed::TooLong { longest });
        }
        (wanted, None) => wanted,
    };
    match end {
        Some(end) if end <= start => Err(NotAllowed::NeverValid),
        end => Ok(end),
    }
}
