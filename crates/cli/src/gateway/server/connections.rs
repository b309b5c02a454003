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

/// The reason why there is no place.
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

    /// Waits for a place. Returns `None` if the address has all its places, and uses them.
    ///
    /// It waits only while every place of the server is in use, so that nobody else could have one
    /// either.
    pub(super) async fn admit(&self, peer: IpAddr) -> Option<Place> {
        let peer = network(peer);
        loop {
            let ended = self.0.ended.notified();
            match self.try_admit(peer, Instant::now()) {
                Ok(place) => return Some(place),
                Err(Full::Peer) => return None,
                Err(Full::Server) => {}
            }
            // A connection that was spared may wait for too long by then.
            drop(tokio::time::timeout(SPARED / 10, ended).await);
        }
    }

    /// Returns a place, and takes it from the connection that has waited longest for its client if
    /// there is no other. That connection ends by itself, and nobody waits for it.
    fn try_admit(&self, peer: IpAddr, now: Instant) -> Result<Place, Full> {
        let mut table = self.lock();
        let of_peer = table.peers.get(&peer).copied().unwrap_or_default();
        let full = if of_peer >= self.0.limit_per_peer {
            Full::Peer
        } else if table.open.len() >= self.0.limit {
            Full::Server
        } else {
            return Ok(self.place(&mut table, peer, now));
        };
        let id = table.longest_waiting(now, (full == Full::Peer).then_some(peer));
        let victim = id.and_then(|id| table.remove(id)).ok_or(full)?;
        victim.evicted.notify_one();
        Ok(self.place(&mut table, peer, now))
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
    fn longest_waiting(&self, now: Instant, peer: Option<IpAddr>) -> Option<u64> {
        self.open
            .iter()
            .filter(|(_, entry)| peer.is_none_or(|peer| peer == entry.peer))
            .filter_map(|(id, entry)| Some((entry.activity.waiting_since()?, *id)))
            .filter(|(since, _)| *since + SPARED <= now)
            .min()
            .map(|(_, id)| id)
    }

    /// Removes a connection, unless its place was taken from it before.
    fn remove(&mut self, id: u64) -> Option<Entry> {
        let entry = self.open.remove(&id)?;
        if let Some(count) = self.peers.get_mut(&entry.peer) {
            *count -= 1;
            if *count == 0 {
                self.peers.remove(&entry.peer);
            }
        }
        Some(entry)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.connections.lock().remove(self.id));
        self.connections.0.ended.notify_one();
    }
}

/// Returns the network that counts as one peer: an IPv4 address, or the /64 of an IPv6 address,
/// which is what one customer gets.
pub(crate) fn network(address: IpAddr) -> IpAddr {
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
    use futures_util::FutureExt as _;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn is_evicted(place: &Place) -> bool {
        place.evicted.notified().now_or_never().is_some()
    }

    #[test]
    fn full_server_gives_up_the_longest_waiting() {
        let connections = Connections::new(2, 2);
        let start = Instant::now();
        let later = start + SPARED;
        let [first, second] = [HERE, THERE].map(|peer| connections.try_admit(peer, start).unwrap());
        let full = connections.try_admit(THERE, start).unwrap_err();
        assert_eq!(full, Full::Server, "both are young");
        first.activity.begin_request(false, false);
        let _third = connections.try_admit(THERE, later).unwrap();
        assert!(!is_evicted(&first));
        assert!(is_evicted(&second));
        // It had no place any more, so its end makes room for nobody.
        drop(second);
        assert_eq!(
            connections.try_admit(THERE, later).unwrap_err(),
            Full::Server
        );
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
        let next = connections.try_admit(HERE, later).unwrap();
        assert!(is_evicted(&mine));
        assert!(!is_evicted(&other));
        next.activity.begin_request(false, false);
        let full = connections.try_admit(HERE, later + SPARED).unwrap_err();
        assert_eq!(full, Full::Peer);
    }

    #[test]
    fn connection_that_ends_slowly_holds_up_nobody() {
        let connections = Connections::new(2, 1);
        let start = Instant::now();
        let lingering = [HERE, THERE].map(|peer| connections.try_admit(peer, start).unwrap());
        let later = start + SPARED;
        let next = [HERE, THERE].map(|peer| connections.try_admit(peer, later).unwrap());
        assert_eq!(connections.lock().open.len(), 2);
        drop(lingering);
        assert_eq!(connections.lock().open.len(), 2);
        drop(next);
        assert!(connections.lock().open.is_empty() && connections.lock().peers.is_empty());
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
