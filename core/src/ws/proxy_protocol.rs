//! The PROXY protocol, versions 1 and 2 (haproxy's `proxy-protocol.txt`): what a balancer that passes bytes on
//! says before them, and above all the client's address. No I/O: the caller brings what it has read, and is told
//! how much more surely belongs to the header, so that nobody reads beyond it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The shortest header of either version: `PROXY UNKNOWN` and its line's end.
const SHORTEST: usize = 15;
/// The longest header of version 1.
pub const LONGEST_LINE: usize = 107;
/// What stands before the addresses of version 2.
const FIXED: usize = 16;
/// The most bytes of addresses and extensions in version 2: extensions hold names and certificates' parts.
const MOST: usize = 4096;

/// How far a header has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes more belong to it at least.
    More(usize),
    /// It goes on to the end of the line.
    Line,
    /// It is whole: the client's address, or nothing if the balancer speaks for itself or does not know.
    Whole(Option<SocketAddr>),
    /// It is no header.
    Invalid,
}

/// Reads the bytes of a header, from its first to the last that has come.
pub fn read(bytes: &[u8]) -> Progress {
    let begins = |start: &[u8]| {
        let shared = bytes.len().min(start.len());
        bytes[..shared] == start[..shared]
    };
    if !begins(SIGNATURE) && !begins(b"PROXY ") {
        return Progress::Invalid;
    }
    if bytes.len() < SHORTEST {
        return Progress::More(SHORTEST - bytes.len());
    }
    if begins(SIGNATURE) { binary(bytes) } else { line(bytes) }
}

fn line(bytes: &[u8]) -> Progress {
    match bytes.iter().position(|&byte| byte == b'\n') {
        None if bytes.len() >= LONGEST_LINE => Progress::Invalid,
        None => Progress::Line,
        Some(at) if at + 1 == bytes.len() => {
            fields(&bytes[..at]).map_or(Progress::Invalid, Progress::Whole)
        }
        Some(_) => Progress::Invalid,
    }
}

fn fields(line: &[u8]) -> Option<Option<SocketAddr>> {
    let line = str::from_utf8(line).ok()?.strip_suffix('\r')?;
    let mut fields = line.split(' ').skip(1);
    let family = fields.next()?;
    if family == "UNKNOWN" {
        return Some(None);
    }
    let [client, server, port, server_port] = std::array::from_fn(|_| fields.next());
    let is_end = fields.next().is_none();
    let ip = |text: Option<&str>| -> Option<IpAddr> {
        match family {
            "TCP4" => text?.parse::<Ipv4Addr>().ok().map(IpAddr::from),
            "TCP6" => text?.parse::<Ipv6Addr>().ok().map(IpAddr::from),
            _ => None,
        }
    };
    let (client, port) = (ip(client)?, number(port?)?);
    let whole = is_end && ip(server).is_some() && number(server_port?).is_some();
    whole.then(|| Some(SocketAddr::new(client.to_canonical(), port)))
}

/// A port in its one spelling.
fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port: &u16| port.to_string() == text)
}

fn binary(bytes: &[u8]) -> Progress {
    let Some(&[version_command, family, high, low]) = bytes.get(12..FIXED) else {
        return Progress::More(FIXED - bytes.len());
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > MOST || bytes.len() > FIXED + length {
        return Progress::Invalid;
    }
    if bytes.len() < FIXED + length {
        return Progress::More(FIXED + length - bytes.len());
    }
    let addresses = &bytes[FIXED..];
    match (version_command, family) {
        // The balancer looks whether we are alive.
        (0x20, _) => Progress::Whole(None),
        (0x21, 0x11) => address::<4, 12>(addresses),
        (0x21, 0x21) => address::<16, 36>(addresses),
        // Unknown, datagrams and Unix domains: nothing that is an address of a client of ours.
        (0x21, 0x00 | 0x12 | 0x22 | 0x31 | 0x32) => Progress::Whole(None),
        _ => Progress::Invalid,
    }
}

/// The client's address and the server's, then their ports.
fn address<const IP: usize, const ALL: usize>(bytes: &[u8]) -> Progress
where
    [u8; IP]: Into<IpAddr>,
{
    let Some(all) = bytes.first_chunk::<ALL>() else {
        return Progress::Invalid;
    };
    let (Some(&ip), [high, low]) = (all.first_chunk::<IP>(), [all[2 * IP], all[2 * IP + 1]]) else {
        return Progress::Invalid;
    };
    let ip: IpAddr = ip.into();
    Progress::Whole(Some(SocketAddr::new(ip.to_canonical(), u16::from_be_bytes([high, low]))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads as a server does, never beyond what surely belongs to the header. Returns what became of it and
    /// how much was taken.
    fn take(stream: &[u8]) -> (Progress, usize) {
        let mut taken = 0;
        loop {
            let rest = &stream[taken..];
            let count = match read(&stream[..taken]) {
                Progress::More(count) => count,
                Progress::Line => {
                    let window = &rest[..rest.len().min(LONGEST_LINE - taken)];
                    window.iter().position(|&byte| byte == b'\n').map_or(window.len(), |at| at + 1)
                }
                end => return (end, taken),
            };
            if count == 0 || count > rest.len() {
                return (Progress::More(count), taken);
            }
            taken += count;
        }
    }

    fn v2(version_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[version_command, family], &length, rest].concat()
    }

    fn whole(address: &str) -> Progress {
        Progress::Whole(Some(address.parse().unwrap()))
    }

    #[test]
    fn headers_are_taken_to_their_last_byte_and_no_further() {
        let four = [&[203, 0, 113, 7, 10, 0, 0, 1][..], &4711u16.to_be_bytes(), &[0, 80]].concat();
        let ip: Ipv6Addr = "2001:db8::1".parse().unwrap();
        let six = [&ip.octets()[..], &ip.octets(), &4711u16.to_be_bytes(), &[0, 80]].concat();
        let extended = [&four[..], &[0x04, 0, 3, 1, 2, 3]].concat();
        for (header, expected) in [
            (b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 80\r\n".to_vec(), whole("203.0.113.7:4711")),
            (b"PROXY TCP6 2001:db8::1 ::1 4711 80\r\n".to_vec(), whole("[2001:db8::1]:4711")),
            (b"PROXY TCP6 ::ffff:1.2.3.4 ::1 1 0\r\n".to_vec(), whole("1.2.3.4:1")),
            (b"PROXY UNKNOWN\r\n".to_vec(), Progress::Whole(None)),
            (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n".to_vec(), Progress::Whole(None)),
            (v2(0x21, 0x11, &four), whole("203.0.113.7:4711")),
            (v2(0x21, 0x11, &extended), whole("203.0.113.7:4711")),
            (v2(0x21, 0x21, &six), whole("[2001:db8::1]:4711")),
            (v2(0x20, 0x00, &[]), Progress::Whole(None)),
            (v2(0x20, 0x11, &four), Progress::Whole(None)),
            (v2(0x21, 0x00, &[1, 2, 3]), Progress::Whole(None)),
            (v2(0x21, 0x31, &[0; 216]), Progress::Whole(None)),
            (v2(0x20, 0x00, &[0; MOST]), Progress::Whole(None)),
        ] {
            let stream = [&header[..], b"GET /ws HTTP/1.1\r\n\r\n"].concat();
            assert_eq!(take(&stream), (expected, header.len()), "{header:?}");
        }
    }

    #[test]
    fn anything_else_is_no_header() {
        for bad in [
            &b"GET /ws HTTP/1.1\r\n"[..],
            b"PROXY TCP4 203.0.113.7 10.0.0.1 4711\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 80 1\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 04711 80\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 65536 80\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 +1 80\r\n",
            b"PROXY TCP4 2001:db8::1 ::1 4711 80\r\n",
            b"PROXY TCP4  203.0.113.7 10.0.0.1 4711 80\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 80\n",
            b"PROXY UDP4 203.0.113.7 10.0.0.1 4711 80\r\n",
            b"proxy UNKNOWN\r\n\r\n\r\n",
            &[b"PROXY UNKNOWN ", &[b'x'; 200][..]].concat(),
            &v2(0x22, 0x11, &[0; 12]),
            &v2(0x11, 0x11, &[0; 12]),
            &v2(0x21, 0x11, &[0; 11]),
            &v2(0x21, 0x21, &[0; 35]),
            &v2(0x21, 0x77, &[0; 36]),
            &v2(0x20, 0x00, &[0; MOST + 1]),
        ] {
            assert_eq!(take(bad).0, Progress::Invalid, "{}", String::from_utf8_lossy(bad));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived_and_none_is_taken_that_is_not_there(
            start in prop_oneof![
                Just(&b"PROXY "[..]), Just(&b"PROXY TCP4 "[..]), Just(&SIGNATURE[..]), Just(&b""[..]),
            ],
            rest in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let stream = [start, &rest].concat();
            let (progress, taken) = take(&stream);
            prop_assert!(taken <= stream.len());
            // The same, however the bytes are cut: what is not whole wants more, and never less.
            if let Progress::Whole(_) = progress {
                for cut in 0..taken {
                    prop_assert!(matches!(read(&stream[..cut]), Progress::More(_) | Progress::Line));
                }
            }
        }

        #[test]
        fn an_address_comes_back(ip in any::<[u8; 4]>(), port: u16) {
            let client = SocketAddr::new(ip.into(), port);
            let line = format!("PROXY TCP4 {} 127.0.0.1 {port} 80\r\n", client.ip());
            prop_assert_eq!(take(line.as_bytes()), (Progress::Whole(Some(client)), line.len()));
        }
    }
}
