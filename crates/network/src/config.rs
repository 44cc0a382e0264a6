//! Where the node is and how patient we are with it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tonic::transport::Uri;

use crate::NetworkError;

/// A node and the way to it.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// `http://host:port` or `https://host[:port]`.
    pub url: String,
    /// The proxy that all connections go through; it also resolves the node's name.
    pub proxy: Option<Socks5>,
    /// Name and version of the program, `name/version`, sent as `x-app-version`.
    pub app_version: String,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How often to repeat unary calls.
    pub retry: Retry,
}

impl NodeConfig {
    /// The node at `url` without a proxy, with the usual patience.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            proxy: None,
            app_version: format!("conclave/{}", env!("CARGO_PKG_VERSION")),
            timeouts: Timeouts::default(),
            retry: Retry::default(),
        }
    }

    /// The URL, checked: `http` or `https`, a host, and nothing that could hold a secret.
    pub(crate) fn uri(&self) -> Result<Uri, NetworkError> {
        let refuse = |why: &str| Err(NetworkError::InvalidUrl(why.to_owned()));
        let Ok(uri) = self.url.trim().parse::<Uri>() else {
            return refuse("it must look like https://node.example or http://127.0.0.1:5556");
        };
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return refuse("it must start with http:// or https://");
        }
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => {
                refuse("it must not contain a user name")
            }
            Some(authority) if authority.host().is_empty() => refuse("it names no host"),
            Some(_) if uri.query().is_some() => refuse("it must not contain a question mark"),
            Some(_) => Ok(uri),
            None => refuse("it names no host"),
        }
    }
}

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS and proxy included.
    pub connect: Duration,
    /// For the reply to a unary call, and for a stream to open.
    pub call: Duration,
    /// For the reply to a call that carries much.
    pub upload: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            call: Duration::from_secs(30),
            upload: Duration::from_secs(120),
        }
    }
}

/// How often to repeat a unary call. Pauses grow by a factor of three and are jittered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts after the first.
    pub times: usize,
    /// Pause before the second attempt.
    pub first_pause: Duration,
    /// Pause after the node asked for one; taken once per call. Nodes refill by whole minutes
    /// (`node.md` 5.1, 11).
    pub rate_limit_pause: Duration,
    /// No attempt starts later than this after the first one.
    pub total: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            times: 5,
            first_pause: Duration::from_millis(50),
            rate_limit_pause: Duration::from_secs(60),
            total: Duration::from_secs(120),
        }
    }
}

/// A SOCKS5 proxy (RFC 1928), which also resolves names.
#[derive(Clone, PartialEq, Eq)]
pub struct Socks5 {
    /// `host:port`.
    pub address: String,
    /// User name and password (RFC 1929), 1 to 255 bytes each.
    pub credentials: Option<(String, String)>,
}

impl FromStr for Socks5 {
    type Err = NetworkError;

    /// Reads `host:port`, `socks5://host:port` or `socks5h://host:port`, each optionally with
    /// `user:password@` before the host.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |why: &str| NetworkError::InvalidProxy(why.to_owned());
        let text = text.trim();
        let rest = match text.split_once("://") {
            None => text,
            Some(("socks5" | "socks5h", rest)) => rest,
            Some(_) => return Err(refuse("it must start with socks5://")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, address) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((user, address)) => {
                let (name, password) = user
                    .split_once(':')
                    .ok_or_else(|| refuse("the user name needs a password"))?;
                let length = 1..=255;
                if !length.contains(&name.len()) || !length.contains(&password.len()) {
                    return Err(refuse("user name and password have 1 to 255 bytes"));
                }
                (Some((name.to_owned(), password.to_owned())), address)
            }
        };
        let (host, port) = address
            .rsplit_once(':')
            .ok_or_else(|| refuse("it needs a port"))?;
        if host.is_empty() || host.contains(['/', '?', '#']) {
            return Err(refuse("it names no host"));
        }
        if !port.parse::<u16>().is_ok_and(|port| port != 0) {
            return Err(refuse("the port is a number from 1 to 65535"));
        }
        Ok(Self {
            address: address.to_owned(),
            credentials,
        })
    }
}

impl fmt::Debug for Socks5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the password.
        f.debug_struct("Socks5")
            .field("address", &self.address)
            .field("credentials", &self.credentials.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_addresses_are_checked() {
        for good in [
            "http://127.0.0.1:5556",
            "https://grpc.example:443/",
            " https://node.example ",
        ] {
            assert!(NodeConfig::new(good).uri().is_ok(), "{good}");
        }
        for bad in [
            "",
            "node.example",
            "localhost:5556",
            "ftp://node.example",
            "http://",
            "https://name:secret@node.example",
            "https://node.example/?key=1",
            "http://a b",
        ] {
            let error = NodeConfig::new(bad).uri().unwrap_err();
            assert_eq!(error.code(), "invalid_node_url", "{bad}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn proxies_are_read_and_keep_their_password() {
        let plain: Socks5 = "127.0.0.1:9050".parse().unwrap();
        assert_eq!(plain, "socks5h://127.0.0.1:9050/".parse().unwrap());
        let named: Socks5 = "socks5://alix:p@ss@[::1]:1080".parse().unwrap();
        assert_eq!(named.address, "[::1]:1080");
        assert_eq!(
            named.credentials,
            Some(("alix".to_owned(), "p@ss".to_owned()))
        );
        assert!(!format!("{named:?}").contains("p@ss"));
        for bad in [
            "",
            "proxy",
            "http://proxy:1",
            "proxy:0",
            "proxy:70000",
            ":1080",
            "alix@proxy:1",
            "a/b:1",
        ] {
            assert_eq!(
                bad.parse::<Socks5>().unwrap_err().code(),
                "invalid_proxy",
                "{bad}"
            );
        }
    }
}
