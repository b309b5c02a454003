//! The networks of a key.

use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::{EventKind, ForwardedHeader, RequireKeyLayer, TrustedProxies};

use super::{HERE, THERE, from, routes, send, serve};
use crate::inbound::keys::{VALID, record, set};
use crate::inbound::layer;

fn require(networks: &str) -> RequireKeyLayer {
    let record = record("valid", "").with_networks(networks.parse().unwrap());
    let (keys, publisher) = Rotating::manual(set([(VALID, record)]));
    // The set stays current without it.
    drop(publisher);
    RequireKeyLayer::new(keys)
}

#[tokio::test]
async fn key_is_accepted_from_its_networks_alone() {
    let url = serve(routes().layer(require("127.0.0.1/32 10.0.0.0/8")), |_| {}).await;
    let ask = async |address| send(from(address).get(&url).bearer_auth(VALID)).await;
    assert_eq!(ask(HERE).await.body, "valid");
    let refused = ask(THERE).await;
    assert_eq!((refused.status, &*refused.challenge), (403, ""));
}

#[tokio::test]
async fn request_without_peer_is_refused() {
    let (sender, events) = std::sync::mpsc::channel();
    let layer =
        require("0.0.0.0/0 ::/0").observer(move |event| drop(sender.send(event.kind.clone())));
    let service = tower::Layer::layer(&layer, layer::Echo);
    let refused = layer::ask(&service, layer::with("/", VALID)).await;
    assert_eq!(refused.status(), 403);
    drop((service, layer));
    let reason = events.iter().find_map(|event| match event {
        EventKind::Refused { reason, client, .. } => Some((reason, client.unwrap().to_string())),
        _ => None,
    });
    assert_eq!(reason, Some(("address_not_allowed", "valid".to_owned())));
}

#[tokio::test]
async fn forwarded_headers_count_from_trusted_proxies() {
    let proxies = TrustedProxies::new("127.0.0.2".parse().unwrap());
    let x_forwarded = require("192.0.2.0/24").trusted_proxies(proxies.clone());
    let proxies = proxies.header(ForwardedHeader::Forwarded);
    let forwarded = require("192.0.2.0/24").trusted_proxies(proxies);
    let x_forwarded = serve(routes().layer(x_forwarded), |_| {}).await;
    let forwarded = serve(routes().layer(forwarded), |_| {}).await;
    for (url, peer, header, value, status) in [
        (&x_forwarded, THERE, "x-forwarded-for", "192.0.2.7", 200),
        (
            &x_forwarded,
            THERE,
            "x-forwarded-for",
            "192.0.2.7, 198.51.100.1",
            403,
        ),
        (
            &x_forwarded,
            THERE,
            "x-forwarded-for",
            "198.51.100.1, 192.0.2.7",
            200,
        ),
        (&x_forwarded, THERE, "forwarded", "for=192.0.2.7", 403),
        (&x_forwarded, THERE, "x-other", "", 403),
        (&x_forwarded, HERE, "x-forwarded-for", "192.0.2.7", 403),
        (&forwarded, THERE, "forwarded", "for=192.0.2.7", 200),
        (&forwarded, THERE, "x-forwarded-for", "192.0.2.7", 403),
        (&forwarded, HERE, "forwarded", "for=192.0.2.7", 403),
    ] {
        let request = from(peer).get(url).bearer_auth(VALID).header(header, value);
        let answer = send(request).await;
        assert_eq!(answer.status, status, "{peer} {header}: {value}");
    }
}

#[tokio::test]
async fn events_name_the_client_behind_a_proxy() {
    let (sender, events) = std::sync::mpsc::channel();
    let layer = require("192.0.2.0/24")
        .trusted_proxies(TrustedProxies::new("127.0.0.2".parse().unwrap()))
        .observer(move |event| drop(sender.send(event.kind.clone())));
    let url = serve(routes().layer(layer), |_| {}).await;
    for (peer, forwarded) in [(THERE, "192.0.2.7"), (THERE, "198.51.100.1"), (HERE, "::1")] {
        let request = from(peer).get(&url).bearer_auth(VALID);
        send(request.header("x-forwarded-for", forwarded)).await;
    }
    let seen = events.iter().filter_map(|event| match event {
        EventKind::Used {
            peer, client_ip, ..
        } => Some(("used", peer, client_ip)),
        EventKind::Refused {
            reason,
            peer,
            client_ip,
            ..
        } => Some((reason, peer, client_ip)),
        _ => None,
    });
    let seen: Vec<_> = seen
        .take(3)
        .map(|(what, peer, client)| (what, peer.unwrap().ip(), client.unwrap().to_string()))
        .collect();
    assert_eq!(
        seen,
        [
            ("used", THERE, "192.0.2.7".to_owned()),
            ("address_not_allowed", THERE, "198.51.100.1".to_owned()),
            ("address_not_allowed", HERE, "127.0.0.1".to_owned()),
        ]
    );
}
