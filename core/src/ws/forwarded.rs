//! Whose address a request comes from behind proxies: `X-Forwarded-For`, of which each proxy writes the
//! address that it has the request from at the end. So it is read from its end, and only as far as those who
//! wrote are trusted: what stands before that, anybody can have written.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The header's name in lower case.
pub const HEADER: &str = "x-forwarded-for";

/// The most proxies in a row that a number can say: more is a slip of the pen.
pub const MAX_HOPS: u64 = 100;

/// Whose word is taken for a client's address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TrustProxy {
    /// The address is that of the socket.
    #[default]
    Nobody,
    /// So many proxies stand in a row before the server, whoever they are.
    Hops(usize),
    /// Proxies have these addresses.
    Networks(Vec<IpNet>),
}

impl TrustProxy {
    /// Networks by an address, a CIDR block, or a name that Express has too.
    pub fn networks(text: &str) -> Option<Vec<IpNet>> {
        let blocks: &[&str] = match text.trim() {
            "loopback" => &["127.0.0.0/8", "::1/128"],
            "linklocal" => &["169.254.0.0/16", "fe80::/10"],
            "uniquelocal" => &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
            text => {
                return text
                    .parse()
                    .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                    .ok()
                    .map(|it| vec![it]);
            }
        };
        Some(blocks.iter().filter_map(|block| block.parse().ok()).collect())
    }

    /// Whether what a peer says of its clients counts.
    pub fn trusts(&self, peer: Option<SocketAddr>) -> bool {
        self.trusts_after(0, peer)
    }

    fn trusts_after(&self, hops: usize, peer: Option<SocketAddr>) -> bool {
        match self {
            Self::Nobody => false,
            Self::Hops(trusted) => hops < *trusted,
            Self::Networks(networks) => {
                // Whoever comes by a Unix domain socket is on this machine.
                let ip =
                    peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip().to_canonical());
                networks.iter().any(|network| network.contains(&ip))
            }
        }
    }

    /// The client's address: the last that nobody trusted has written. `values` are those of the header, in
    /// order. The port is 0 where no proxy tells it.
    pub fn client<'a>(
        &self,
        peer: Option<SocketAddr>,
        values: impl DoubleEndedIterator<Item = &'a str>,
    ) -> Option<SocketAddr> {
        let mut client = peer;
        let entries = values.rev().flat_map(|value| value.rsplit(','));
        for (hops, entry) in entries.enumerate() {
            if !self.trusts_after(hops, client) {
                break;
            }
            // Behind what nobody can read, nothing can be believed either.
            let Some(address) = parse(entry.trim()) else { break };
            client = Some(address);
        }
        client
    }
}

/// An address, as the usual proxies write it: some with a port, and then IPv6 in brackets.
fn parse(entry: &str) -> Option<SocketAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let ip = bare.parse().map(|ip: IpAddr| SocketAddr::new(ip, 0));
    let mut address: SocketAddr = ip.or_else(|_| entry.parse()).ok()?;
    address.set_ip(address.ip().to_canonical());
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn trusted(list: &[&str]) -> TrustProxy {
        let networks = list.iter().flat_map(|it| TrustProxy::networks(it).unwrap());
        TrustProxy::Networks(networks.collect())
    }

    fn client(trust: &TrustProxy, peer: &str, values: &[&str]) -> String {
        let peer = Some(SocketAddr::new(peer.parse().unwrap(), 1));
        trust.client(peer, values.iter().copied()).unwrap().ip().to_string()
    }

    #[test]
    fn the_rightmost_that_is_not_trusted_is_the_client() {
        let trust = trusted(&["loopback", "10.0.0.0/8"]);
        for (peer, values, expected) in [
            ("127.0.0.1", &["203.0.113.7"][..], "203.0.113.7"),
            ("127.0.0.1", &["1.1.1.1, 203.0.113.7, 10.1.2.3"], "203.0.113.7"),
            ("127.0.0.1", &["1.1.1.1", "203.0.113.7", "10.1.2.3"], "203.0.113.7"),
            ("::ffff:10.0.0.1", &["203.0.113.7:4711"], "203.0.113.7"),
            ("::1", &["[2001:db8::1]:80"], "2001:db8::1"),
            ("::1", &["[2001:db8::1]"], "2001:db8::1"),
            ("::1", &["::ffff:203.0.113.7"], "203.0.113.7"),
            // All of them are trusted: the client is on the same network.
            ("127.0.0.1", &["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
            ("127.0.0.1", &[], "127.0.0.1"),
        ] {
            assert_eq!(client(&trust, peer, values), expected, "{peer} {values:?}");
        }
    }

    #[test]
    fn a_forged_header_of_a_peer_that_is_not_trusted_is_ignored() {
        for trust in [TrustProxy::Nobody, trusted(&["10.0.0.0/8"])] {
            assert_eq!(client(&trust, "203.0.113.7", &["127.0.0.1, 10.0.0.1"]), "203.0.113.7");
        }
        // Nor does what a client has written before its own address.
        let trust = trusted(&["10.0.0.1"]);
        assert_eq!(
            client(&trust, "10.0.0.1", &["10.0.0.1, 8.8.8.8", "203.0.113.7"]),
            "203.0.113.7"
        );
    }

    #[test]
    fn what_cannot_be_read_ends_the_look() {
        let trust = trusted(&["127.0.0.1", "10.0.0.0/8"]);
        for bad in ["unknown", "", "_hidden", "1.2.3", "1.2.3.4:x", "[::1", "fe80::1%eth0", "a.b"] {
            assert_eq!(client(&trust, "127.0.0.1", &[&format!("1.1.1.1, {bad}")]), "127.0.0.1");
            let good = format!("1.1.1.1, {bad}, 10.0.0.2");
            assert_eq!(client(&trust, "127.0.0.1", &[&good]), "10.0.0.2", "the last good one");
        }
    }

    #[test]
    fn hops_are_counted_from_the_server() {
        let values = &["9.9.9.9, 1.1.1.1, 2.2.2.2"];
        for (hops, expected) in [(0, "3.3.3.3"), (1, "2.2.2.2"), (2, "1.1.1.1"), (9, "9.9.9.9")] {
            assert_eq!(client(&TrustProxy::Hops(hops), "3.3.3.3", values), expected, "{hops}");
        }
    }

    #[test]
    fn a_unix_socket_is_on_this_machine() {
        let from = |trust: &TrustProxy| trust.client(None, ["1.1.1.1"].into_iter());
        assert!(from(&trusted(&["loopback"])).is_some());
        assert!(from(&TrustProxy::Hops(1)).is_some());
        assert!(from(&trusted(&["10.0.0.0/8"])).is_none());
    }

    #[test]
    fn networks_are_addresses_blocks_and_names() {
        for good in ["10.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "loopback", " uniquelocal "] {
            assert!(TrustProxy::networks(good).is_some(), "{good}");
        }
        for bad in ["", "10.0.0.0/33", "local", "10.0.0", "example.com", "10.0.0.0/"] {
            assert!(TrustProxy::networks(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        /// Whatever stands before the entry that the trusted proxy wrote changes nothing.
        #[test]
        fn what_the_client_writes_changes_nothing(forged in "[0-9a-f.:, \\[\\]x]{0,60}") {
            let trust = trusted(&["loopback"]);
            let value = format!("{forged}, 203.0.113.7");
            prop_assert_eq!(client(&trust, "127.0.0.1", &[&value]), "203.0.113.7");
            prop_assert_eq!(client(&trust, "203.0.113.7", &[&forged]), "203.0.113.7");
        }
    }
}
