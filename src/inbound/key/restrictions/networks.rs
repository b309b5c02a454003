//! Sets of IP addresses, as networks in CIDR notation.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};

use crate::parse_error::{ParseError, ParseErrorKind};

/// A set of IP networks, such as `10.0.0.0/8 2001:db8::/32`.
///
/// An address without a prefix length is a network of one address. An IPv4 address in IPv6 notation
/// (`::ffff:192.0.2.1`) is that IPv4 address. The empty set contains no address.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::inbound::Networks;
///
/// let networks: Networks = "10.0.0.0/8 192.0.2.7".parse()?;
/// assert!(networks.contains("10.1.2.3".parse().unwrap()));
/// assert!(networks.contains("::ffff:192.0.2.7".parse().unwrap()));
/// assert!(!networks.contains("192.0.2.8".parse().unwrap()));
/// # Ok::<_, tower_rotating_auth::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Arc<[IpNet]>);

/// The length of the prefix that all IPv4-mapped IPv6 addresses share.
const MAPPED_PREFIX: u8 = 96;

impl Networks {
    /// Returns whether an address is in one of the networks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Returns whether there is no network.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns each network as text.
    pub fn iter(&self) -> impl Iterator<Item = impl fmt::Display + '_> {
        self.0.iter()
    }

    /// Parses each text as one network.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Network`](ParseErrorKind::Network) if a text is not a network.
    pub fn parse_each<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, ParseError> {
        let mut networks = texts
            .into_iter()
            .map(network)
            .collect::<Result<Vec<_>, _>>()?;
        networks.sort_unstable();
        networks.dedup();
        Ok(Self(networks.into()))
    }

    /// Returns the networks of both sets.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut networks: Vec<_> = self.0.iter().chain(other.0.iter()).copied().collect();
        networks.sort_unstable();
        networks.dedup();
        Self(networks.into())
    }
}

fn network(text: &str) -> Result<IpNet, ParseError> {
    let invalid = ParseError::new(ParseErrorKind::Network);
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address.to_canonical()),
        Err(_) => text.parse().map_err(|_| invalid)?,
    };
    // `10.1.2.3/8` is a typing error more often than it is meant.
    if network != network.trunc() {
        return Err(invalid);
    }
    let IpNet::V6(six) = network else {
        return Ok(network);
    };
    match (
        six.addr().to_ipv4_mapped(),
        six.prefix_len().checked_sub(MAPPED_PREFIX),
    ) {
        (Some(address), Some(length)) => Ipv4Net::new(address, length)
            .map(IpNet::V4)
            .map_err(|_| invalid),
        _ => Ok(network),
    }
}

impl FromStr for Networks {
    type Err = ParseError;

    /// Parses networks with spaces between them.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse_each(text.split(' ').filter(|network| !network.is_empty()))
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, network) in self.0.iter().enumerate() {
            let space = if n == 0 { "" } else { " " };
            write!(f, "{space}{network}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses() {
        let networks: Networks = "10.0.0.0/8 2001:db8::/32 ::ffff:192.0.2.0/120 ::1"
            .parse()
            .unwrap();
        for (address, is_in) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("::ffff:10.0.0.1", true),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
            ("192.0.2.9", true),
            ("192.0.3.9", false),
            ("::1", true),
            ("::2", false),
        ] {
            let contains = networks.contains(address.parse().unwrap());
            assert_eq!(contains, is_in, "{address}");
        }
        assert!(!Networks::default().contains("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn invalid_networks_are_refused() {
        for text in [
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0",
            "example.com",
            "10.0.0.0/ 8",
            "::/129",
        ] {
            let error = text.parse::<Networks>().unwrap_err();
            assert_eq!(error.kind(), ParseErrorKind::Network, "{text}");
        }
    }

    #[test]
    fn networks_parse_back() {
        let networks: Networks = "192.0.2.7 10.0.0.0/8 192.0.2.7/32".parse().unwrap();
        assert_eq!(networks.to_string(), "10.0.0.0/8 192.0.2.7/32");
        assert_eq!(networks.to_string().parse::<Networks>().unwrap(), networks);
    }
}
