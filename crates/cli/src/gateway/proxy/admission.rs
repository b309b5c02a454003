//! Limits of concurrent requests: in all, for each client, and for each upstream.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use tower_rotating_auth::inbound::{ClientId, PeerAddr, TrustedProxies};

use super::shares::Shares;
use crate::gateway::error_response::Problem;
use crate::gateway::server::network;

/// Whom a request counts for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Client(ClientId),
    /// A client without a key: an IPv4 address, or the network of an IPv6 address.
    Address(IpAddr),
}

/// The rules of a configuration for concurrent requests.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) limit: usize,
    pub(crate) limit_each: usize,
    /// The names of the upstreams, which share the limit.
    pub(crate) upstreams: Vec<Arc<str>>,
    /// The proxies that say the address of a client.
    pub(crate) proxies: TrustedProxies,
}

/// The requests that run. Clones share them, and their rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Admission(Arc<Mutex<Running>>);

#[derive(Debug, Default)]
struct Running {
    places: Shares,
    each: HashMap<Who, usize>,
    limit_each: usize,
    proxies: Arc<TrustedProxies>,
}

/// A running request. Dropping it makes room for another.
#[derive(Debug)]
pub(crate) struct Permit {
    who: Who,
    upstream: Arc<str>,
    admission: Admission,
}

impl Admission {
    /// Applies rules to all requests that come from now on.
    pub(crate) fn apply(&self, rules: Rules) {
        let mut running = self.lock();
        running.places.set(rules.limit, &rules.upstreams);
        running.limit_each = rules.limit_each;
        running.proxies = Arc::new(rules.proxies);
    }

    /// Returns whom a request without a key counts for, by its connection and headers.
    pub(crate) fn address(&self, peer: Option<PeerAddr>, headers: &HeaderMap) -> Who {
        let proxies = Arc::clone(&self.lock().proxies);
        let peer = peer.map(|PeerAddr(peer)| peer);
        let client = proxies.client_ip(peer, headers);
        let known = client.or_else(|| peer.map(|peer| peer.ip()));
        let address = known.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Who::Address(network(address))
    }

    pub(crate) fn admit(&self, who: Who, upstream: &Arc<str>) -> Result<Permit, Problem> {
        let mut running = self.lock();
        let Running {
            places,
            each,
            limit_each,
            ..
        } = &mut *running;
        let each = each.entry(who.clone());
        if matches!(&each, Entry::Occupied(count) if *count.get() >= *limit_each) {
            return Err(Problem::ClientBusy);
        }
        if !places.take(upstream, 1) {
            return Err(Problem::Busy);
        }
        *each.or_default() += 1;
        drop(running);
        Ok(Permit {
            who,
            upstream: Arc::clone(upstream),
            admission: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut running = self.admission.lock();
        running.places.give_back(&self.upstream, 1);
        if let Some(count) = running.each.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                running.each.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn admission(limit: usize, limit_each: usize, upstreams: &[Arc<str>]) -> Admission {
        let admission = Admission::default();
        admission.apply(Rules {
            limit,
            limit_each,
            upstreams: upstreams.to_vec(),
            proxies: TrustedProxies::new("10.0.0.0/8".parse().unwrap()),
        });
        admission
    }

    #[test]
    fn one_client_cannot_take_all_places() {
        let upstream = "only".into();
        let admission = admission(3, 2, std::slice::from_ref(&upstream));
        let [one, other, third] = [1, 2, 3].map(|n| Who::Address(IpAddr::from([192, 0, 2, n])));
        let admit = |who: &Who| admission.admit(who.clone(), &upstream);
        let first = admit(&one).unwrap();
        let _second = admit(&one).unwrap();
        assert_eq!(admit(&one).unwrap_err(), Problem::ClientBusy);
        let _third = admit(&other).unwrap();
        assert_eq!(admit(&third).unwrap_err(), Problem::Busy);
        drop(first);
        let _fourth = admit(&third).unwrap();
        assert_eq!(admit(&one).unwrap_err(), Problem::Busy);
    }

    #[test]
    fn one_upstream_cannot_take_all_places() {
        let [silent, other] = ["silent", "other"].map(Arc::from);
        let admission = admission(4, 9, &[Arc::clone(&silent), Arc::clone(&other)]);
        let who = Who::Address(IpAddr::from([192, 0, 2, 1]));
        let held: Vec<_> = (0..3)
            .map(|_| admission.admit(who.clone(), &silent).unwrap())
            .collect();
        assert_eq!(
            admission.admit(who.clone(), &silent).unwrap_err(),
            Problem::Busy
        );
        let _fourth = admission.admit(who.clone(), &other).unwrap();
        drop(held);
        let _fifth = admission.admit(who, &silent).unwrap();
    }

    #[test]
    fn address_is_that_of_the_customer() {
        let admission = admission(1, 1, &[]);
        let who = |peer: &str, forwarded: &'static str| {
            let peer = PeerAddr((peer.parse::<IpAddr>().unwrap(), 1).into());
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", HeaderValue::from_static(forwarded));
            admission.address(Some(peer), &headers)
        };
        assert_eq!(who("2001:db8::1", ""), who("2001:db8::2:1", ""));
        assert_ne!(who("2001:db8::1", ""), who("2001:db8:0:1::1", ""));
        assert_eq!(who("10.0.0.1", "192.0.2.1"), who("192.0.2.1", "192.0.2.9"));
        assert_ne!(who("10.0.0.1", "192.0.2.1"), who("10.0.0.1", "192.0.2.2"));
        assert_eq!(
            who("10.0.0.1", "2001:db8::1"),
            who("10.0.0.1", "2001:db8::2")
        );
        assert_eq!(who("10.0.0.1", "unknown"), who("10.0.0.1", ""));
    }
}
