//! The open connections of a server, and which one to give up for a new one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::activity::Activity;

/// How long a connection may wait for its client before a new connection takes its place. A distant
/// client needs some of it for its TLS handshake.
const SPARED: Duration = Duration::from_secs(1);

/// The open connections.
#[derive(Clone, Debug)]
pub(super) struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    limit_per_peer: usize,
    table: Mutex<Table>,
    /// Notified when a connection ends.
    ended: Notify,
}

#[derive(Debug, Default)]
struct Table {
    open: HashMap<u64, Entry>,
    peers: HashMap<IpAddr, usize>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    peer: IpAddr,
    activity: Arc<Activity>,
    evicted: Arc<Notify>,
}

/// A connection's place. Dropping it makes room for another.
#[derive(Debug)]
pub(super) struct Place {
    id: u64,
    connections: Connections,
    pub(super) activity: Arc<Activity>,
    pub(super) evicted: Arc<Notify>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// There are as many connections as allowed.
    Server,
    /// There are as many from this address as allowed.
    Peer,
}

impl Connections {
    pub(super) fn new(limit: usize, limit_per_peer: usize) -> Self {
        Self(Arc::new(Shared {
            limit,
            limit_per_peer,
            table: Mutex::default(),
            ended: Notify::new(),
        }))
    }

    /// Waits for a place, and takes it from the connection that has waited longest for its client.
    /// Returns `None` if the address has all its places, and uses them.
    pub(super) async fn admit(&self, peer: IpAddr) -> Option<Place> {
        let peer = network(peer);
        loop {
            let ended = self.0.ended.notified();
            match self.try_admit(peer, Instant::now()) {
                Ok(place) => return Some(place),
                Err((Full::Peer, false)) => return None,
                Err(_) => {}
            }
            // A connection that was spared may wait for too long by then.
            drop(tokio::time::timeout(SPARED / 10, ended).await);
        }
    }

    /// Returns a place, or which limit there is and whether a connection was asked to give way.
    fn try_admit(&self, peer: IpAddr, now: Instant) -> Result<Place, (Full, bool)> {
        let mut table = self.lock();
        let of_peer = table.peers.get(&peer).copied().unwrap_or_default();
        let full = if of_peer >= self.0.limit_per_peer {
            Full::Peer
        } else if table.open.len() >= self.0.limit {
            Full::Server
        } else {
            return Ok(self.place(&mut table, peer, now));
        };
        let victim = table.longest_waiting(now, (full == Full::Peer).then_some(peer));
        if let Some(victim) = victim {
            victim.evicted.notify_one();
        }
        Err((full, victim.is_some()))
    }

    fn place(&self, table: &mut Table, peer: IpAddr, now: Instant) -> Place {
        let id = table.next;
        table.next += 1;
        let activity = Arc::new(Activity::new(now));
        let evicted = Arc::new(Notify::new());
        let entry = Entry {
            peer,
            activity: Arc::clone(&activity),
            evicted: Arc::clone(&evicted),
        };
        table.open.insert(id, entry);
        *table.peers.entry(peer).or_default() += 1;
        Place {
            id,
            connections: self.clone(),
            activity,
            evicted,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn longest_waiting(&self, now: Instant, peer: Option<IpAddr>) -> Option<&Entry> {
        self.open
            .values()
            .filter(|entry| peer.is_none_or(|peer| peer == entry.peer))
            .filter_map(|entry| Some((entry.activity.waiting_since()?, entry)))
            .filter(|(since, _)| *since + SPARED <= now)
            .min_by_key(|(since, _)| *since)
            .map(|(_, entry)| entry)
    }

    fn remove(&mut self, id: u64) {
        let Some(entry) = self.open.remove(&id) else {
            return;
        };
        if let Some(count) = self.peers.get_mut(&entry.peer) {
            *count -= 1;
            if *count == 0 {
                self.peers.remove(&entry.peer);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().remove(self.id);
        self.connections.0.ended.notify_one();
    }
}

/// Returns the network that counts as one peer: an IPv4 address, or the /64 of an IPv6 address,
/// which is what one customer gets.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(bits))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn full_server_gives_up_the_longest_waiting() {
        let connections = Connections::new(2, 2);
        let start = Instant::now();
        let later = start + SPARED;
        let [first, second] = [HERE, THERE].map(|peer| connections.try_admit(peer, start).unwrap());
        let full = connections.try_admit(THERE, start).unwrap_err();
        assert_eq!(full, (Full::Server, false), "both are young");
        first.activity.begin_request(false, false);
        assert_eq!(
            connections.try_admit(THERE, later).unwrap_err(),
            (Full::Server, true)
        );
        assert!(futures_util::FutureExt::now_or_never(first.evicted.notified()).is_none());
        assert!(futures_util::FutureExt::now_or_never(second.evicted.notified()).is_some());
        drop(second);
        assert!(connections.try_admit(THERE, later).is_ok());
    }

    #[test]
    fn full_peer_gives_up_only_its_own() {
        let connections = Connections::new(9, 1);
        let start = Instant::now();
        let other = connections.try_admit(THERE, start).unwrap();
        let mine = connections
            .try_admit(HERE, start + Duration::from_millis(1))
            .unwrap();
        let later = start + SPARED * 2;
        assert_eq!(
            connections.try_admit(HERE, later).unwrap_err(),
            (Full::Peer, true)
        );
        assert!(futures_util::FutureExt::now_or_never(other.evicted.notified()).is_none());
        mine.activity.begin_request(false, false);
        assert_eq!(
            connections.try_admit(HERE, later).unwrap_err(),
            (Full::Peer, false)
        );
    }

    #[test]
    fn one_ipv6_customer_is_one_peer() {
        let [one, other, next] = ["2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1"]
            .map(|address| network(address.parse().unwrap()));
        assert_eq!(one, other);
        assert_ne!(one, next);
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), HERE);
    }
}
