//! A simple model of a key ring: a list of keys, and times in seconds.

use std::time::{Duration, SystemTime};

use tower_rotating_auth::{
    inbound::{ClientId, KeyId, KeyStatus},
    keyring::NotAllowed,
};

pub(super) const CLIENTS: usize = 3;
pub(super) const NEVER: u64 = u64::MAX;

pub(super) fn client(n: usize) -> ClientId {
    format!("client-{n}").parse().unwrap()
}

pub(super) fn moment(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A policy, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) max_live: usize,
    pub(super) max_grace: u64,
    /// The age from which keys are refused.
    pub(super) refused_age: Option<u64>,
    pub(super) lifetime: Option<u64>,
    pub(super) purge_after: u64,
}

/// A key and its token.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) id: KeyId,
    pub(super) token: Vec<u8>,
    pub(super) client: usize,
    pub(super) made: u64,
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) retires: u64,
    pub(super) revoked: bool,
    pub(super) replaces: Option<usize>,
    pub(super) idempotency: Option<u8>,
    pub(super) purged: bool,
    pub(super) imported: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) rules: Rules,
    pub(super) now: u64,
    pub(super) enabled: [Option<bool>; CLIENTS],
    /// All keys so far.
    pub(super) keys: Vec<Key>,
}

/// The key to rotate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    Key(usize),
    Client(usize),
}

/// What happens to the old key.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Retires,
    IsRevoked,
}

/// A request for a new key.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModelRequest {
    pub(super) client: usize,
    pub(super) delay: u64,
    pub(super) life: Option<u64>,
    pub(super) idempotency: Option<u8>,
}

/// The outcome of an operation: a new key, or the one made before.
pub(super) enum Comes {
    /// The position of the new key.
    New(usize),
    Before(usize),
}

type Answer<T> = Result<T, NotAllowed>;

impl Model {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            now: 1_000,
            enabled: [None; CLIENTS],
            keys: Vec::new(),
        }
    }

    pub(super) fn end(&self, key: &Key) -> u64 {
        let too_old = self.rules.refused_age.map_or(NEVER, |age| key.made + age);
        key.until.min(key.retires).min(too_old)
    }

    pub(super) fn lives(&self, n: usize) -> bool {
        let key = &self.keys[n];
        !key.purged && !key.revoked && self.now < self.end(key)
    }

    fn of(&self, client: usize) -> Vec<usize> {
        let all = 0..self.keys.len();
        all.filter(|n| self.keys[*n].client == client && !self.keys[*n].purged)
            .collect()
    }

    pub(super) fn living(&self, client: usize) -> Vec<usize> {
        let mut keys = self.of(client);
        keys.retain(|n| self.lives(*n));
        keys
    }

    pub(super) fn successor(&self, n: usize) -> Option<usize> {
        let mut living = self.living(self.keys[n].client).into_iter();
        living.find(|other| self.has_replaced(*other, n))
    }

    /// Returns whether a key succeeds another, directly or through keys that have ended.
    fn has_replaced(&self, key: usize, old: usize) -> bool {
        match self.keys[key].replaces {
            Some(before) if before == old => true,
            Some(before) if !self.lives(before) && !self.keys[before].purged => {
                self.has_replaced(before, old)
            }
            _ => false,
        }
    }

    /// Returns whether a key is accepted.
    pub(super) fn verdict(&self, n: usize) -> Result<(), KeyStatus> {
        let key = &self.keys[n];
        if key.purged {
            Err(KeyStatus::Unknown)
        } else if key.revoked || key.retires.min(self.end(key)) <= key.from && key.from > 0 {
            Err(KeyStatus::Revoked)
        } else if self.enabled[key.client] == Some(false) {
            Err(KeyStatus::Disabled)
        } else if self.now >= self.end(key) {
            Err(KeyStatus::Expired)
        } else if self.now < key.from {
            Err(KeyStatus::NotYetValid)
        } else {
            Ok(())
        }
    }

    pub(super) fn state(&self, n: usize) -> KeyStatus {
        let key = &self.keys[n];
        match () {
            () if key.revoked => KeyStatus::Revoked,
            () if self.now >= self.end(key) => KeyStatus::Expired,
            () if self.now < key.from => KeyStatus::NotYetValid,
            () if key.retires < NEVER => KeyStatus::InGrace,
            () => KeyStatus::Active,
        }
    }

    fn ends(&self, life: Option<u64>, lifetime: Option<u64>, from: u64) -> Answer<u64> {
        let start = self.now.max(from);
        let wanted = life.or(lifetime).map_or(NEVER, |life| start + life);
        let longest = self.rules.refused_age.map_or(NEVER, |age| self.now + age);
        let end = match life {
            Some(_) if wanted > longest => {
                let longest = Duration::from_secs(self.rules.refused_age.unwrap());
                return Err(NotAllowed::TooLong { longest });
            }
            _ => wanted.min(longest),
        };
        if end <= start {
            return Err(NotAllowed::NeverValid);
        }
        Ok(end)
    }

    fn before(&self, client: usize, idempotency: Option<u8>) -> Option<usize> {
        let key = idempotency?;
        let mut keys = self.of(client).into_iter();
        keys.find(|n| self.keys[*n].idempotency == Some(key))
    }

    fn id(&self, n: usize) -> KeyId {
        self.keys[n].id.clone()
    }

    /// Adds a new key. The ring supplies its id and token.
    fn push(&mut self, request: ModelRequest, until: u64, replaces: Option<usize>) -> Comes {
        self.keys.push(Key {
            id: "?".parse().unwrap(),
            token: Vec::new(),
            client: request.client,
            made: self.now,
            from: request.delay,
            until,
            retires: NEVER,
            revoked: false,
            replaces,
            idempotency: request.idempotency,
            purged: false,
            imported: false,
        });
        Comes::New(self.keys.len() - 1)
    }

    /// Issues a key to a client, which is created if it does not exist.
    pub(super) fn issue(&mut self, request: ModelRequest) -> Answer<Comes> {
        if let Some(n) = self.before(request.client, request.idempotency) {
            return match self.keys[n].replaces {
                None => Ok(Comes::Before(n)),
                Some(_) => Err(NotAllowed::IdempotencyKeyReused(self.id(n))),
            };
        }
        self.add(request)
    }

    fn add(&mut self, request: ModelRequest) -> Answer<Comes> {
        let name = client(request.client);
        if self.enabled[request.client] == Some(false) {
            return Err(NotAllowed::ClientDisabled(name));
        }
        let limit = self.rules.max_live;
        if self.living(request.client).len() >= limit {
            return Err(NotAllowed::TooManyKeys {
                client: name,
                limit,
            });
        }
        let from = match request.delay {
            0 => 0,
            delay => self.now + delay,
        };
        let until = self.ends(request.life, self.rules.lifetime, from)?;
        self.enabled[request.client] = Some(true);
        let delay = from;
        Ok(self.push(ModelRequest { delay, ..request }, until, None))
    }

    /// Imports an earlier key of any client as an external one.
    pub(super) fn import(&mut self, request: ModelRequest, n: usize) -> Answer<Comes> {
        let key = &self.keys[n];
        if !key.purged {
            return match () {
                () if key.revoked => Err(NotAllowed::Revoked(self.id(n))),
                () if !self.lives(n) => Err(NotAllowed::Expired(self.id(n))),
                () if key.client != request.client => Err(NotAllowed::SameKey(self.id(n))),
                () => Ok(Comes::Before(n)),
            };
        }
        if let Some(n) = self.before(request.client, request.idempotency) {
            return Err(NotAllowed::IdempotencyKeyReused(self.id(n)));
        }
        let comes = self.add(request)?;
        if let Comes::New(n) = comes {
            self.keys[n].imported = true;
        }
        Ok(comes)
    }

    fn which(&self, which: Which) -> Answer<usize> {
        let n = match which {
            Which::Key(n) if self.keys[n].purged => return Err(NotAllowed::UnknownKey),
            Which::Key(n) => return Ok(n),
            Which::Client(n) => n,
        };
        if self.enabled[n].is_none() {
            return Err(NotAllowed::UnknownClient(client(n)));
        }
        let mut heads = self.living(n);
        heads.retain(|n| self.successor(*n).is_none());
        if heads.iter().any(|n| self.keys[*n].retires == NEVER) {
            heads.retain(|n| self.keys[*n].retires == NEVER);
        }
        match heads[..] {
            [head] => Ok(head),
            [] => Err(NotAllowed::NoLiveKey(client(n))),
            _ => Err(NotAllowed::SeveralKeys(client(n))),
        }
    }

    fn is_gone(&self, n: usize) -> bool {
        self.keys[n].revoked || self.keys[n].purged
    }

    /// Returns the key that the same rotation made before.
    fn rotated(&self, which: Which, old: Fate, idempotency: Option<u8>) -> Answer<Option<usize>> {
        let owner = match which {
            Which::Key(n) if self.keys[n].purged => return Ok(None),
            Which::Key(n) => self.keys[n].client,
            Which::Client(n) => n,
        };
        let Some(before) = self.before(owner, idempotency) else {
            return Ok(None);
        };
        let replaced = self.keys[before].replaces;
        let is_same = match (which, old) {
            (Which::Client(_), Fate::Retires) => replaced.is_some(),
            (Which::Key(n), Fate::Retires) => replaced == Some(n),
            (Which::Client(_), Fate::IsRevoked) => replaced.is_some_and(|n| self.is_gone(n)),
            (Which::Key(n), Fate::IsRevoked) => {
                self.root(n) == self.root(before)
                    && self.keys[n].revoked
                    && replaced.is_some_and(|n| self.is_gone(n))
            }
        };
        match is_same {
            true => Ok(Some(before)),
            false => Err(NotAllowed::IdempotencyKeyReused(self.id(before))),
        }
    }

    pub(super) fn rotate(
        &mut self,
        which: Which,
        grace: u64,
        idempotency: Option<u8>,
    ) -> Answer<Comes> {
        if let Some(n) = self.rotated(which, Fate::Retires, idempotency)? {
            return Ok(Comes::Before(n));
        }
        let old = self.which(which)?;
        let owner = self.keys[old].client;
        match () {
            () if self.enabled[owner] == Some(false) => {
                return Err(NotAllowed::ClientDisabled(client(owner)));
            }
            () if self.keys[old].revoked => return Err(NotAllowed::Revoked(self.id(old))),
            () if !self.lives(old) => return Err(NotAllowed::Expired(self.id(old))),
            () => {}
        }
        if let Some(by) = self.successor(old) {
            let (key, by) = (self.id(old), self.id(by));
            return Err(NotAllowed::Superseded { key, by });
        }
        let mut next = self.clone();
        let end = self.now + grace.min(self.rules.max_grace);
        next.keys[old].retires = self.keys[old].retires.min(end);
        while next.living(owner).len() >= self.rules.max_live {
            let mut graces = next.living(owner);
            graces.retain(|n| *n != old && next.keys[*n].retires < NEVER);
            let Some(first) = graces.into_iter().min_by_key(|n| next.end(&next.keys[*n])) else {
                let limit = self.rules.max_live;
                let client = client(owner);
                return Err(NotAllowed::TooManyKeys { client, limit });
            };
            next.keys[first].retires = self.now;
        }
        let comes = next.replace(old, idempotency)?;
        *self = next;
        Ok(comes)
    }

    pub(super) fn compromised(&mut self, which: Which, idempotency: Option<u8>) -> Answer<Comes> {
        if let Some(n) = self.rotated(which, Fate::IsRevoked, idempotency)? {
            return Ok(Comes::Before(n));
        }
        let meant = self.which(which)?;
        let owner = self.keys[meant].client;
        if self.enabled[owner] == Some(false) {
            return Err(NotAllowed::ClientDisabled(client(owner)));
        }
        let mut live = self.living(owner);
        live.retain(|n| self.root(*n) == self.root(meant));
        let head = live.iter().rev().find(|n| self.successor(**n).is_none());
        let Some(head) = head.copied() else {
            return Err(match self.keys[meant].revoked {
                true => NotAllowed::Revoked(self.id(meant)),
                false => NotAllowed::Expired(self.id(meant)),
            });
        };
        let mut next = self.clone();
        for n in live {
            next.keys[n].revoked = true;
        }
        let comes = next.replace(head, idempotency)?;
        *self = next;
        Ok(comes)
    }

    /// Returns the oldest key of a lineage that is not purged.
    fn root(&self, n: usize) -> usize {
        match self.keys[n].replaces {
            Some(before) if !self.keys[before].purged => self.root(before),
            // Keys that replaced the same key are of one lineage, even if that key was purged.
            Some(before) => before,
            None => n,
        }
    }

    fn replace(&mut self, old: usize, idempotency: Option<u8>) -> Answer<Comes> {
        let key = self.keys[old].clone();
        let from = if key.from > self.now { key.from } else { 0 };
        let length = (key.until < NEVER).then(|| key.until - key.made.max(key.from));
        let until = self.ends(None, self.rules.lifetime.or(length), from)?;
        let request = ModelRequest {
            client: key.client,
            delay: from,
            life: None,
            idempotency,
        };
        Ok(self.push(request, until, Some(old)))
    }

    pub(super) fn revoke(&mut self, n: usize) -> Answer<Vec<KeyId>> {
        if self.keys[n].purged {
            return Err(NotAllowed::UnknownKey);
        }
        Ok(self.revoke_all(&[n]))
    }

    pub(super) fn revoke_client(&mut self, n: usize) -> Answer<Vec<KeyId>> {
        if self.enabled[n].is_none() {
            return Err(NotAllowed::UnknownClient(client(n)));
        }
        Ok(self.revoke_all(&self.of(n)))
    }

    fn revoke_all(&mut self, keys: &[usize]) -> Vec<KeyId> {
        let mut revoked = Vec::new();
        for n in keys {
            if !self.keys[*n].revoked {
                self.keys[*n].revoked = true;
                revoked.push(self.id(*n));
            }
        }
        revoked
    }

    pub(super) fn retire(&mut self, n: usize) -> Answer<()> {
        if self.keys[n].purged {
            return Err(NotAllowed::UnknownKey);
        }
        if !self.lives(n) {
            return Ok(());
        }
        match self.successor(n) {
            Some(next) if self.keys[next].from <= self.now => {
                self.keys[n].retires = self.now;
                Ok(())
            }
            _ => Err(NotAllowed::NotSuperseded(self.id(n))),
        }
    }

    pub(super) fn set_enabled(&mut self, n: usize, enabled: bool) -> Answer<()> {
        if self.enabled[n].is_none() {
            return Err(NotAllowed::UnknownClient(client(n)));
        }
        self.enabled[n] = Some(enabled);
        Ok(())
    }

    pub(super) fn purge(&mut self) -> Vec<KeyId> {
        let mut purged = Vec::new();
        for key in &mut self.keys {
            let end = key.until.saturating_add(self.rules.purge_after);
            let may_come_back = key.imported && key.revoked;
            if !key.purged && end <= self.now && !may_come_back {
                key.purged = true;
                purged.push(key.id.clone());
            }
        }
        purged
    }
}
