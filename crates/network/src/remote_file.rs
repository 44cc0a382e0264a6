//! Files on servers that strangers name: pictures of groups, remote attachments.

mod upload;

use std::{
    error::Error,
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures::future::BoxFuture;
use reqwest::{
    Client, Proxy, Response, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT_ENCODING, CONTENT_RANGE, HeaderMap, LOCATION, RANGE},
    redirect::Policy,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

pub use upload::Uploaded;

use crate::{
    Socks5,
    file_url::{FileUrl, TrustedHosts, UrlRefused, is_public},
};

/// For a connection, TLS and proxy included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two pieces of an answer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Times that an answer may lead on to another address.
const REDIRECTS: usize = 3;

/// A file that could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The address is not asked.
    #[error(transparent)]
    Url(#[from] UrlRefused),
    /// The server does not have the file, or has it no more.
    #[error("the file is no longer on its server")]
    Gone,
    /// The server answers with another status.
    #[error("the file's server answers with the error {0}")]
    Status(u16),
    /// The file has more bytes than were asked for.
    #[error("the file has more than {0} bytes")]
    TooLarge(u64),
    /// Nobody answers, the name does not resolve, TLS fails, or the connection broke.
    #[error("the file's server cannot be reached: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("the file's server did not answer in time")]
    Timeout,
}

impl FileError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Url(_) => "url_refused",
            Self::Gone => "attachment_gone",
            Self::Status(_) => "file_unavailable",
            Self::TooLarge(_) => "attachment_too_large",
            Self::Unreachable(_) => "file_unreachable",
            Self::Timeout => "file_timeout",
        }
    }

    /// Whether the same may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Timeout => true,
            Self::Status(status) => matches!(status, 408 | 425 | 429 | 500..),
            Self::Url(_) | Self::Gone | Self::TooLarge(_) => false,
        }
    }
}

impl From<reqwest::Error> for FileError {
    fn from(error: reqwest::Error) -> Self {
        let mut cause: &dyn Error = &error;
        loop {
            if let Some(refused) = cause.downcast_ref::<UrlRefused>() {
                return Self::Url(*refused);
            }
            match cause.source() {
                Some(source) => cause = source,
                None if error.is_timeout() => return Self::Timeout,
                // The innermost text, which never holds the address.
                None => return Self::Unreachable(cause.to_string()),
            }
        }
    }
}

/// Resolves a name.
type Lookup =
    Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Fetches files. Cheap to clone.
#[derive(Clone)]
pub struct RemoteFiles(Arc<Inner>);

struct Inner {
    proxy: Option<Socks5>,
    lookup: Lookup,
    /// For addresses that strangers name.
    strict: OnceLock<Client>,
    /// For trusted hosts.
    trusting: OnceLock<Client>,
}

impl fmt::Debug for RemoteFiles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RemoteFiles")
            .finish_non_exhaustive()
    }
}

impl RemoteFiles {
    /// Through a proxy, which then resolves all names, or directly.
    #[must_use]
    pub fn new(proxy: Option<Socks5>) -> Self {
        let lookup: Lookup = Arc::new(|name| {
            Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
        });
        Self::with_lookup(proxy, lookup)
    }

    fn with_lookup(proxy: Option<Socks5>, lookup: Lookup) -> Self {
        Self(Arc::new(Inner {
            proxy,
            lookup,
            strict: OnceLock::new(),
            trusting: OnceLock::new(),
        }))
    }

    /// The bytes of a small file, at most `limit`, within `time`.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn get(
        &self,
        url: &str,
        trusted: &TrustedHosts,
        limit: u64,
        time: Duration,
    ) -> Result<Vec<u8>, FileError> {
        let fetch = async {
            let mut file = self.open(url, trusted, 0).await?;
            if file.length.is_some_and(|length| length > limit) {
                return Err(FileError::TooLarge(limit));
            }
            let mut bytes = Vec::new();
            while let Some(piece) = file.next().await? {
                bytes.extend_from_slice(&piece);
                if bytes.len() as u64 > limit {
                    return Err(FileError::TooLarge(limit));
                }
            }
            Ok(bytes)
        };
        tokio::time::timeout(time, fetch)
            .await
            .unwrap_or(Err(FileError::Timeout))
    }

    /// Begins to fetch a file after its first `from` bytes; how far that worked is in the answer.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn open(
        &self,
        url: &str,
        trusted: &TrustedHosts,
        from: u64,
    ) -> Result<RemoteFile, FileError> {
        self.open_within(url, trusted, from, REDIRECTS).await
    }

    /// As [`RemoteFiles::open`], from this address alone: an answer that leads to another one is
    /// refused.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn open_directly(
        &self,
        url: &str,
        trusted: &TrustedHosts,
        from: u64,
    ) -> Result<RemoteFile, FileError> {
        self.open_within(url, trusted, from, 0).await
    }

    async fn open_within(
        &self,
        url: &str,
        trusted: &TrustedHosts,
        from: u64,
        redirects: usize,
    ) -> Result<RemoteFile, FileError> {
        let mut target = FileUrl::parse(url, trusted)?;
        for _ in 0..=redirects {
            let client = self.client(target.is_trusted)?;
            let mut request = client
                .get(target.url.clone())
                // Only the file itself: nothing that has to be unpacked.
                .header(ACCEPT_ENCODING, "identity");
            if from > 0 {
                request = request.header(RANGE, format!("bytes={from}-"));
            }
            let response = request.send().await?;
            if !is_redirect(response.status()) {
                return RemoteFile::new(response, from);
            }
            let location = response.headers().get(LOCATION);
            let location = location
                .and_then(|location| location.to_str().ok())
                .ok_or(UrlRefused::Malformed)?;
            target = target.join(location, trusted)?;
        }
        Err(UrlRefused::Redirects.into())
    }

    fn client(&self, is_trusted: bool) -> Result<&Client, FileError> {
        let slot = if is_trusted {
            &self.0.trusting
        } else {
            &self.0.strict
        };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let client = self.build(is_trusted)?;
        Ok(slot.get_or_init(|| client))
    }

    fn build(&self, is_trusted: bool) -> Result<Client, FileError> {
        let mut builder = Client::builder()
            .user_agent("conclave")
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(1)
            .tls_backend_preconfigured(tls()?)
            .no_proxy()
            .dns_resolver(Resolver {
                lookup: Arc::clone(&self.0.lookup),
                // Through a proxy the only name that is resolved here is the proxy's.
                is_public_only: !is_trusted && self.0.proxy.is_none(),
            });
        if let Some(proxy) = &self.0.proxy {
            builder = builder.proxy(Proxy::all(proxy_url(proxy)?)?);
        }
        Ok(builder.build()?)
    }
}

/// What the operating system trusts, as for the node.
fn tls() -> Result<ClientConfig, FileError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| FileError::Unreachable(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// `socks5h`: the proxy resolves names.
fn proxy_url(proxy: &Socks5) -> Result<Url, FileError> {
    let refused = || FileError::Unreachable("the proxy's address cannot be used".to_owned());
    let mut url = Url::parse(&format!("socks5h://{}", proxy.address)).map_err(|_| refused())?;
    if let Some((name, password)) = &proxy.credentials {
        url.set_username(name).map_err(|()| refused())?;
        url.set_password(Some(password)).map_err(|()| refused())?;
    }
    Ok(url)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Resolves names and hands on only what may be connected to. The connection is made to exactly
/// these addresses, so a name that resolves otherwise a moment later gains nothing.
struct Resolver {
    lookup: Lookup,
    is_public_only: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.lookup)(name.as_str().to_owned());
        let is_public_only = self.is_public_only;
        Box::pin(async move {
            let mut addresses = found.await?;
            if is_public_only && !addresses.is_empty() {
                addresses.retain(|address| is_public(address.ip()));
                if addresses.is_empty() {
                    return Err(UrlRefused::Private.into());
                }
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// A file that comes in.
#[derive(Debug)]
pub struct RemoteFile {
    /// Bytes before the first piece: as asked for, or 0 from a server that begins anew.
    pub from: u64,
    /// Bytes of the whole file, as far as the server says.
    pub length: Option<u64>,
    response: Response,
}

impl RemoteFile {
    fn new(response: Response, asked: u64) -> Result<Self, FileError> {
        let rest = response.content_length();
        let (from, length) = match response.status().as_u16() {
            200 => (0, rest),
            206 => {
                let from = first_byte(response.headers()).unwrap_or_default();
                if from != asked {
                    return Err(FileError::Status(206));
                }
                (from, rest.and_then(|rest| from.checked_add(rest)))
            }
            404 | 410 => return Err(FileError::Gone),
            status => return Err(FileError::Status(status)),
        };
        Ok(Self {
            from,
            length,
            response,
        })
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`FileError::Unreachable`], [`FileError::Timeout`].
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, FileError> {
        Ok(self.response.chunk().await?.map(Vec::from))
    }
}

/// The first position of a `Content-Range: bytes FIRST-LAST/LENGTH` (RFC 9110, 14.4).
fn first_byte(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (first, _) = range.strip_prefix("bytes ")?.split_once('-')?;
    first.trim().parse().ok()
}

#[cfg(test)]
mod tests;
