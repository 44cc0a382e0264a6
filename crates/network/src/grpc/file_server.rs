//! Where a node says its files are (`docs/files.md`).

use conclave_proto::mls::api::v1::FetchKeyPackagesRequest;
use tonic::transport::Uri;

use super::GrpcNetwork;
use crate::{FileServer, NetworkError};

/// Stands in every answer of a node that keeps files.
const HEADER: &str = "x-conclave-files";

impl GrpcNetwork {
    pub(super) async fn announced_files(&self) -> Result<Option<FileServer>, NetworkError> {
        // A cheap question; only the headers of the answer count.
        let mut mls = self.mls.clone();
        let asked = mls.fetch_key_packages(FetchKeyPackagesRequest::default());
        let answer = tokio::time::timeout(self.timeouts.call, asked)
            .await
            .map_err(|_| NetworkError::Timeout)??;
        let announced = answer.metadata().get(HEADER);
        let announced = announced.and_then(|value| value.to_str().ok());
        let node = self.config.uri()?;
        Ok(announced.and_then(|text| address(&node, text)))
    }
}

/// A port is one of the node's own host, which only makes sense where TLS is not used; anything
/// else has to be an address itself.
fn address(node: &Uri, announced: &str) -> Option<FileServer> {
    match announced.parse::<u16>() {
        Ok(port) if node.scheme_str() == Some("http") => Some(FileServer {
            url: format!("http://{}:{port}", node.host()?),
            is_nodes_host: true,
        }),
        Ok(_) => None,
        Err(_) => {
            let url = announced.trim_end_matches('/');
            let parsed: Uri = url.parse().ok()?;
            let is_web = matches!(parsed.scheme_str(), Some("http" | "https"));
            is_web.then(|| FileServer {
                url: url.to_owned(),
                is_nodes_host: parsed.host() == node.host(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_belongs_to_the_host_of_the_node_and_a_url_to_itself() {
        let of = |node: &str, announced| address(&node.parse().unwrap(), announced);
        let server = |url: &str, is_nodes_host| {
            Some(FileServer {
                url: url.to_owned(),
                is_nodes_host,
            })
        };
        let plain = "http://192.168.1.5:5556";
        assert_eq!(of(plain, "5558"), server("http://192.168.1.5:5558", true));
        assert_eq!(
            of("http://[::1]:5556", "80"),
            server("http://[::1]:80", true)
        );
        assert_eq!(of("https://node.example", "5558"), None);
        let url = "https://node.example:8443";
        assert_eq!(of("https://node.example", url), server(url, true));
        let elsewhere = of("https://node.example", "https://files.example/");
        assert_eq!(elsewhere, server("https://files.example", false));
        for odd in ["", "65536", "files.example", "file:///etc"] {
            assert_eq!(of(plain, odd), None, "{odd}");
        }
    }
}
