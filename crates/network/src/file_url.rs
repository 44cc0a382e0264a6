//! Addresses of files that strangers name, and which of them are ever asked.
//!
//! A URL in a message or a group is chosen by somebody else. Without rules it would let them have
//! this computer talk to its own network: to routers, printers and programs on loopback.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use reqwest::Url;
use url::Host;

/// Bytes a URL of a file may have: as many as a group's picture may (`groups.md` 2).
const URL_LIMIT: usize = 2048;

/// Hosts (`host`, or `host:port` for a port that is not the usual one) that may be on a private
/// network and may be asked without TLS: those the person allowed, and their own node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedHosts(BTreeSet<String>);

impl TrustedHosts {
    fn contains(&self, url: &Url) -> bool {
        file_host(url).is_some_and(|host| self.0.contains(&host))
    }
}

impl<S: Into<String>> FromIterator<S> for TrustedHosts {
    fn from_iter<I: IntoIterator<Item = S>>(hosts: I) -> Self {
        Self(hosts.into_iter().map(Into::into).collect())
    }
}

/// Why a URL is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefused {
    /// No URL, one without a host, or one that is too long.
    #[error("this is no address of a file")]
    Malformed,
    /// Neither https nor, for a trusted host, http.
    #[error("only https addresses are asked")]
    Scheme,
    /// It contains a user name or password.
    #[error("the address contains a user name")]
    Credentials,
    /// It leads to this computer or a private network, and the person did not allow the host.
    #[error("the address leads into a private network")]
    Private,
    /// It leads from one address to the next too often.
    #[error("the address leads on to others too often")]
    Redirects,
}

/// A URL that may be asked, as far as it can be judged before its name is resolved.
#[derive(Debug, Clone)]
pub(crate) struct FileUrl {
    pub(crate) url: Url,
    pub(crate) is_trusted: bool,
}

impl FileUrl {
    pub(crate) fn parse(text: &str, trusted: &TrustedHosts) -> Result<Self, UrlRefused> {
        if text.len() > URL_LIMIT {
            return Err(UrlRefused::Malformed);
        }
        let url = Url::parse(text).map_err(|_| UrlRefused::Malformed)?;
        Self::check(url, trusted)
    }

    /// Where an answer leads on to.
    pub(crate) fn join(&self, location: &str, trusted: &TrustedHosts) -> Result<Self, UrlRefused> {
        if location.len() > URL_LIMIT {
            return Err(UrlRefused::Malformed);
        }
        let url = self.url.join(location).map_err(|_| UrlRefused::Malformed)?;
        Self::check(url, trusted)
    }

    fn check(url: Url, trusted: &TrustedHosts) -> Result<Self, UrlRefused> {
        let is_trusted = trusted.contains(&url);
        match url.scheme() {
            "https" => {}
            "http" if is_trusted => {}
            _ => return Err(UrlRefused::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefused::Credentials);
        }
        let is_public = match url.host().ok_or(UrlRefused::Malformed)? {
            Host::Ipv4(address) => is_public(IpAddr::V4(address)),
            Host::Ipv6(address) => is_public(IpAddr::V6(address)),
            Host::Domain(name) => is_public_name(name),
        };
        if is_trusted || is_public {
            Ok(Self { url, is_trusted })
        } else {
            Err(UrlRefused::Private)
        }
    }
}

/// The host of a URL as [`TrustedHosts`] has it; `None` for what is no http or https URL.
#[must_use]
pub fn host_of(url: &str) -> Option<String> {
    file_host(&Url::parse(url).ok()?)
}

fn file_host(url: &Url) -> Option<String> {
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// Whether a name can be one of the public internet: names without a dot and those under the
/// domains set aside for local use (RFC 6761, 6762, 8375, and ICANN's `internal`) never are.
fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let Some((_, top)) = name.rsplit_once('.') else {
        return false;
    };
    !matches!(top, "localhost" | "local" | "internal" | "test" | "invalid")
        && name != "home.arpa"
        && !name.ends_with(".home.arpa")
}

/// Whether an address is one of the public internet, by the IANA registries of special-purpose
/// addresses. IPv4 addresses inside IPv6 ones count as themselves.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224.., ..)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // Mapped IPv4, and the well-known prefix of NAT64 (RFC 4291, 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => embedded(high, low),
        // Assignments of protocols, Teredo among them, and documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(url: &str) -> Result<(), UrlRefused> {
        FileUrl::parse(url, &TrustedHosts::default()).map(|_| ())
    }

    #[test]
    fn public_https_addresses_are_asked() {
        for url in [
            "https://images.example/a.png",
            "https://images.example:8443/a.png?size=2#top",
            "https://8.8.8.8/a",
            "https://[2606:4700::1111]/a",
        ] {
            assert_eq!(judge(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn other_schemes_and_forms_are_refused() {
        for (url, why) in [
            ("http://images.example/a.png", UrlRefused::Scheme),
            ("file:///etc/passwd", UrlRefused::Scheme),
            ("javascript:alert(1)", UrlRefused::Scheme),
            ("data:image/png;base64,AAAA", UrlRefused::Scheme),
            ("ftp://images.example/a", UrlRefused::Scheme),
            (
                "https://eri:secret@images.example/",
                UrlRefused::Credentials,
            ),
            ("https://", UrlRefused::Malformed),
            ("a.png", UrlRefused::Malformed),
            ("", UrlRefused::Malformed),
        ] {
            assert_eq!(judge(url), Err(why), "{url}");
        }
        let long = format!("https://images.example/{}", "a".repeat(URL_LIMIT));
        assert_eq!(judge(&long), Err(UrlRefused::Malformed));
    }

    #[test]
    fn private_addresses_are_refused_however_they_are_written() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "router",
            "printer.local",
            "db.internal",
            "nas.home.arpa",
            "127.0.0.1",
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "0177.0.0.1",
            "１２７.0.0.1",
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:10.0.0.1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[2002:7f00:1::]",
            "[2001::1]",
            "[2001:db8::1]",
            "[fc00::1]",
            "[fd12:3456::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
        ] {
            let url = format!("https://{host}/a");
            assert_eq!(judge(&url), Err(UrlRefused::Private), "{url}");
        }
    }

    #[test]
    fn neighbours_of_private_addresses_are_public() {
        for host in [
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "[2001:200::1]",
            "[2002:808:808::]",
            "[64:ff9b::808:808]",
            "localhost.example",
        ] {
            assert_eq!(judge(&format!("https://{host}/a")), Ok(()), "{host}");
        }
    }

    #[test]
    fn an_allowed_host_is_asked_at_that_port_only() {
        let trusted: TrustedHosts = ["192.168.1.5:8080", "[::1]", "nas.local"]
            .into_iter()
            .collect();
        let judge = |url: &str| FileUrl::parse(url, &trusted).map(|url| url.is_trusted);
        assert_eq!(judge("http://192.168.1.5:8080/a"), Ok(true));
        assert_eq!(judge("https://192.168.1.5:8080/a"), Ok(true));
        assert_eq!(judge("http://[::1]/a"), Ok(true));
        assert_eq!(judge("http://NAS.local/a"), Ok(true));
        assert_eq!(judge("http://192.168.1.5/a"), Err(UrlRefused::Scheme));
        assert_eq!(judge("https://192.168.1.5/a"), Err(UrlRefused::Private));
        assert_eq!(judge("ftp://nas.local/a"), Err(UrlRefused::Scheme));
        assert_eq!(judge("https://images.example/a"), Ok(false));
    }

    #[test]
    fn the_host_of_a_url_is_named_as_it_is_allowed() {
        assert_eq!(
            host_of("http://192.168.1.5:8080/a").as_deref(),
            Some("192.168.1.5:8080")
        );
        assert_eq!(
            host_of("https://Images.example:443/a").as_deref(),
            Some("images.example")
        );
        assert_eq!(host_of("mailto:eri@images.example"), None);
    }
}
