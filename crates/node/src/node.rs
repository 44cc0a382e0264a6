//! A running node: its listeners, services and end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use conclave_proto::identity::api::v1::identity_api_server::IdentityApiServer;
use conclave_proto::migration::api::v1::d14n_migration_api_server::D14nMigrationApiServer;
use conclave_proto::mls::api::v1::mls_api_server::MlsApiServer;
use http::header::{HeaderName, HeaderValue};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tonic_web::GrpcWebLayer;
use tower::util::MapResponseLayer;
use tower_http::cors::{Any, CorsLayer};

use crate::chain::{ChainConfigError, Chains};
use crate::config::{Config, Database};
use crate::files::{Files, FilesConfig};
use crate::health;
use crate::identity_api::IdentityService;
use crate::limits::REQUEST_BYTES;
use crate::live::Live;
use crate::migration_api::MigrationService;
use crate::mls_api::MlsService;
use crate::storage::Storage;
use crate::storage::sqlite::{OpenError, SqliteStorage};

/// How long requests in hand may take once the node stops. With what follows, below the 5 s that
/// `cli.md` promises.
const LAST_REQUESTS: Duration = Duration::from_secs(3);

/// How long the writes in hand may take after that.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// After this long without anything from a client, the node asks whether it is still there
/// (`node.md` 4.4).
const KEEPALIVE: Duration = Duration::from_secs(300);

/// How long a client may take to answer that.
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(20);

/// Says with every answer where the files are (`docs/files.md`): a port of this host, or a URL.
const FILES_HEADER: HeaderName = HeaderName::from_static("x-conclave-files");

/// Requests and streams of one connection at the same time.
const STREAMS_PER_CONNECTION: u32 = 2_048;

/// Why a node did not start. Each text is one sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The program around the node ended while it started.
    #[error("the node was interrupted while it started: {0}")]
    Interrupted(String),
    /// The chains are configured wrongly.
    #[error(transparent)]
    Chains(#[from] ChainConfigError),
    /// The folder for files cannot be used.
    #[error("the folder for files cannot be used: {0}")]
    Files(String),
    /// Somebody else listens there.
    #[error("the address {address} is in use by another program; choose another")]
    AddressInUse {
        /// Address and port.
        address: String,
    },
    /// It is not possible to listen there.
    #[error("it is not possible to listen on {address}: {reason}")]
    Listen {
        /// Address and port.
        address: String,
        /// What the system said.
        reason: String,
    },
}

impl StartError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Database(error) => error.code(),
            Self::Interrupted(_) => "interrupted",
            Self::Chains(_) => "config_chains",
            Self::Files(_) => "files_folder",
            Self::AddressInUse { .. } => "address_in_use",
            Self::Listen { .. } => "listen_failed",
        }
    }
}

/// Starts nodes.
#[derive(Debug)]
pub struct Node;

/// A node that serves. Dropping it stops it without waiting; [`Running::shutdown`] waits.
pub struct Running {
    /// Where gRPC and gRPC-web are served.
    pub grpc_addr: SocketAddr,
    /// Where HTTP is served.
    pub http_addr: SocketAddr,
    health: HealthReporter,
    storage: Arc<dyn Storage>,
    stopping: CancellationToken,
    _stop_when_dropped: DropGuard,
    tasks: Vec<JoinHandle<()>>,
}

impl Node {
    /// Opens the database, listens, and serves in tasks of the current runtime.
    ///
    /// # Errors
    /// [`StartError`]; then nothing runs.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        let grpc = listen(&config.listen).await?;
        let http = listen(&config.http_listen).await?;
        let grpc_addr = local_addr(&grpc, &config.listen)?;
        let http_addr = local_addr(&http, &config.http_listen)?;
        let chains = Arc::new(Chains::new(&config.chains)?);
        let live = Arc::new(Live::default());
        let where_files_are = match &config.files.url {
            Some(url) => HeaderValue::from_str(url)
                .map_err(|_| StartError::Files("its address is no URL".to_owned()))?,
            None => HeaderValue::from(http_addr.port()),
        };
        let files = open_files(config.files, &config.database).await?;
        let storage = open(config.database, Arc::clone(&live)).await?;
        let stopping = CancellationToken::new();
        let (health, health_service) = tonic_health::server::health_reporter();

        let mls = MlsService {
            storage: Arc::clone(&storage),
            live,
            stopping: stopping.clone(),
        };
        let identity = IdentityService::new(Arc::clone(&storage), chains);
        let router = Server::builder()
            .accept_http1(true)
            .http2_adaptive_window(Some(true))
            .http2_keepalive_interval(Some(KEEPALIVE))
            .http2_keepalive_timeout(Some(KEEPALIVE_ANSWER))
            .max_concurrent_streams(STREAMS_PER_CONNECTION)
            .layer(browsers())
            .layer(GrpcWebLayer::new())
            .layer(MapResponseLayer::new(
                move |mut response: http::Response<tonic::body::Body>| {
                    let headers = response.headers_mut();
                    headers.insert(FILES_HEADER, where_files_are.clone());
                    response
                },
            ))
            .add_service(
                MlsApiServer::new(mls)
                    .max_decoding_message_size(REQUEST_BYTES)
                    .max_encoding_message_size(usize::MAX),
            )
            .add_service(
                // Requests to it are small: tonic's bound of 4 MiB for those is plenty.
                IdentityApiServer::new(identity).max_encoding_message_size(usize::MAX),
            )
            .add_service(D14nMigrationApiServer::new(MigrationService))
            .add_service(health_service);
        let incoming = TcpIncoming::from(grpc).with_nodelay(Some(true));
        let stop = stopping.clone();
        let serve_grpc = tokio::spawn(async move {
            let stopped = stop.cancelled_owned();
            if let Err(error) = router.serve_with_incoming_shutdown(incoming, stopped).await {
                tracing::error!(%error, "gRPC is no longer served");
            }
        });
        let serve_http = tokio::spawn(health::serve(http, Arc::clone(&files), stopping.clone()));
        let sweep_files = tokio::spawn(files.keep_swept(stopping.clone()));

        Ok(Running {
            grpc_addr,
            http_addr,
            health,
            storage,
            stopping: stopping.clone(),
            _stop_when_dropped: stopping.drop_guard(),
            tasks: vec![serve_grpc, serve_http, sweep_files],
        })
    }
}

impl Running {
    /// The URL that clients on this machine use.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.grpc_addr)
    }

    /// Ends the streams, finishes the requests in hand, stores what was accepted, and stops; all
    /// within 5 s.
    pub async fn shutdown(self) {
        self.health
            .set_service_status("", ServingStatus::NotServing)
            .await;
        self.stopping.cancel();
        let ended = futures::future::join_all(self.tasks);
        if tokio::time::timeout(LAST_REQUESTS, ended).await.is_err() {
            tracing::warn!("some clients did not take their answers; stopping without them");
        }
        if tokio::time::timeout(LAST_WRITES, self.storage.close())
            .await
            .is_err()
        {
            tracing::warn!("the last writes take long; stopping without waiting for them");
        }
    }
}

async fn open(database: Database, live: Arc<Live>) -> Result<Arc<dyn Storage>, StartError> {
    // A migration may take a while; it must not hold up the runtime of the program around us.
    let opened = tokio::task::spawn_blocking(move || match database {
        Database::Sqlite(path) => SqliteStorage::open(&path, live),
        Database::Temporary => SqliteStorage::temporary(live),
    })
    .await
    .map_err(|error| StartError::Interrupted(error.to_string()))?;
    Ok(Arc::new(opened?))
}

async fn open_files(
    mut config: FilesConfig,
    database: &Database,
) -> Result<Arc<Files>, StartError> {
    if let (None, Database::Sqlite(path)) = (&config.folder, database) {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".files");
        config.folder = Some(beside.into());
    }
    tokio::task::spawn_blocking(move || Files::open(config))
        .await
        .map_err(|error| StartError::Interrupted(error.to_string()))?
        .map_err(|error| StartError::Files(error.to_string()))
}

async fn listen(address: &str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| {
        let address = address.to_owned();
        if error.kind() == std::io::ErrorKind::AddrInUse {
            return StartError::AddressInUse { address };
        }
        StartError::Listen {
            address,
            reason: error.to_string(),
        }
    })
}

fn local_addr(listener: &TcpListener, address: &str) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|error| StartError::Listen {
        address: address.to_owned(),
        reason: error.to_string(),
    })
}

/// Lets pages of any origin use gRPC-web, with exactly the headers of `node.md` 5.4.
fn browsers() -> CorsLayer {
    let requests = [
        "content-type",
        "x-grpc-web",
        "grpc-timeout",
        "x-user-agent",
        "x-libxmtp-version",
        "x-app-version",
    ];
    let responses = ["grpc-status", "grpc-message", "grpc-status-details-bin"];
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([http::Method::POST])
        .allow_headers(requests.map(HeaderName::from_static))
        .expose_headers(responses.map(HeaderName::from_static))
        .max_age(Duration::from_secs(24 * 60 * 60))
}
