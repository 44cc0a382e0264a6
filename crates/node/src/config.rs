//! How a node is configured: flags before environment before file before defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use directories::ProjectDirs;
use serde::Deserialize;

use crate::files::FilesConfig;

/// Where gRPC is served unless something else is asked for (`cli.md`).
pub const LISTEN: &str = "127.0.0.1:5556";

/// Where HTTP is served unless something else is asked for (`cli.md`).
pub const HTTP_LISTEN: &str = "127.0.0.1:5558";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Environment variables of this form, ending in a chain's number, name RPC endpoints.
const CHAIN_VARIABLE: &str = "CONCLAVE_NODE_CHAIN_RPC_";

/// What a node needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Address and port for gRPC and gRPC-web; port 0 lets the system choose.
    pub listen: String,
    /// Address and port for HTTP; port 0 lets the system choose.
    pub http_listen: String,
    /// Where the data is kept.
    pub database: Database,
    /// RPC endpoints of chains, by `eip155:<number>` or number.
    pub chains: BTreeMap<String, String>,
    /// Files that clients share.
    pub files: FilesConfig,
}

impl Config {
    /// A node on loopback ports that the system chooses, with data that goes when it stops. For
    /// tests, and for trying things out.
    #[must_use]
    pub fn temporary() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            http_listen: "127.0.0.1:0".to_owned(),
            database: Database::Temporary,
            chains: BTreeMap::new(),
            files: FilesConfig::default(),
        }
    }
}

/// Where a node keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// An SQLite file in a folder of its own, removed when the node stops.
    Temporary,
}

/// Why there is no configuration. Each text is one sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The configuration file cannot be read.
    #[error("the configuration file {} cannot be read: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system or the parser said.
        reason: String,
    },
    /// A database that is neither kind.
    #[error("the database {0:?} is neither sqlite:PATH nor a postgres:// address")]
    Database(String),
    /// PostgreSQL is asked for.
    #[error("this build of conclave-node has SQLite only; give a database as sqlite:PATH")]
    Postgres,
    /// The system names no folder for data.
    #[error("this system names no folder for data; give a database with --database sqlite:PATH")]
    NoDataFolder,
}

impl ConfigError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "config_file",
            Self::Database(_) => "config_database",
            Self::Postgres => "postgres_unsupported",
            Self::NoDataFolder => "no_data_folder",
        }
    }
}

/// A node of the XMTP network that anyone can run.
#[derive(Debug, Clone, Parser)]
#[command(name = "conclave-node", version)]
pub struct Arguments {
    /// Address and port for gRPC and gRPC-web [default: 127.0.0.1:5556].
    #[arg(long, env = "CONCLAVE_NODE_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Address and port for HTTP: files, GET /health [default: 127.0.0.1:5558].
    #[arg(long, env = "CONCLAVE_NODE_HTTP_LISTEN", value_name = "ADDRESS:PORT")]
    http_listen: Option<String>,
    /// sqlite:PATH [default: a file in the platform's data folder].
    #[arg(long, env = "CONCLAVE_NODE_DATABASE", value_name = "DATABASE")]
    database: Option<String>,
    /// Where files that clients share are kept [default: beside the database].
    #[arg(long, env = "CONCLAVE_NODE_FILES_FOLDER", value_name = "FOLDER")]
    files_folder: Option<PathBuf>,
    /// Bytes that one file may have [default: 134217728].
    #[arg(long, env = "CONCLAVE_NODE_FILE_LIMIT", value_name = "BYTES")]
    file_limit: Option<u64>,
    /// Bytes that all files may have together [default: 10737418240].
    #[arg(long, env = "CONCLAVE_NODE_FILES_LIMIT", value_name = "BYTES")]
    files_limit: Option<u64>,
    /// Days that a file is kept [default: 30].
    #[arg(long, env = "CONCLAVE_NODE_FILES_KEEP_DAYS", value_name = "DAYS")]
    files_keep_days: Option<u32>,
    /// The address by which clients reach the HTTP listener, if a proxy stands before it.
    #[arg(long, env = "CONCLAVE_NODE_FILES_URL", value_name = "URL")]
    files_url: Option<String>,
    /// What to log: error, warn, info, debug, trace [default: info].
    #[arg(long, env = "CONCLAVE_NODE_LOG", value_name = "LEVEL")]
    log: Option<String>,
    /// A TOML file with listen, http_listen, database, log, the keys of files and a table chains.
    #[arg(long, env = "CONCLAVE_NODE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<String>,
    #[serde(alias = "http-listen")]
    http_listen: Option<String>,
    database: Option<String>,
    log: Option<String>,
    files_folder: Option<PathBuf>,
    file_limit: Option<u64>,
    files_limit: Option<u64>,
    files_keep_days: Option<u32>,
    files_url: Option<String>,
    #[serde(default)]
    chains: BTreeMap<String, String>,
}

impl Arguments {
    /// The configuration and what to log, with the file and, for chains, the environment.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn resolve(self) -> Result<(Config, String), ConfigError> {
        let file = match &self.config {
            Some(path) => read(path)?,
            None => File::default(),
        };
        let mut chains = file.chains;
        for (name, url) in std::env::vars_os() {
            let (Some(name), Some(url)) = (name.to_str(), url.to_str()) else {
                continue;
            };
            if let Some(chain) = name.strip_prefix(CHAIN_VARIABLE) {
                // One chain, however the file names it.
                chains.remove(chain);
                chains.insert(format!("eip155:{chain}"), url.to_owned());
            }
        }
        let database = match self.database.or(file.database) {
            Some(text) => database(&text)?,
            None => Database::Sqlite(default_path()?),
        };
        let usual = FilesConfig::default();
        let days = self.files_keep_days.or(file.files_keep_days);
        let files = FilesConfig {
            folder: self.files_folder.or(file.files_folder),
            file_bytes: self
                .file_limit
                .or(file.file_limit)
                .unwrap_or(usual.file_bytes),
            total_bytes: self
                .files_limit
                .or(file.files_limit)
                .unwrap_or(usual.total_bytes),
            keep: days.map_or(usual.keep, |days| DAY * days),
            url: self.files_url.or(file.files_url),
        };
        let or_default = |flag: Option<String>, file: Option<String>, default: &str| {
            flag.or(file).unwrap_or_else(|| default.to_owned())
        };
        let config = Config {
            listen: or_default(self.listen, file.listen, LISTEN),
            http_listen: or_default(self.http_listen, file.http_listen, HTTP_LISTEN),
            database,
            chains,
            files,
        };
        Ok((config, or_default(self.log, file.log, "info")))
    }
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let failed = |reason: String| ConfigError::File {
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    toml::from_str(&text).map_err(|error| {
        // The parser's own text has several lines with the place drawn.
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(start).filter(|b| *b == b'\n').count();
        failed(format!("line {line}: {}", error.message()))
    })
}

fn database(text: &str) -> Result<Database, ConfigError> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Err(ConfigError::Postgres);
    }
    match text.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => Ok(Database::Sqlite(PathBuf::from(path))),
        _ => Err(ConfigError::Database(text.to_owned())),
    }
}

fn default_path() -> Result<PathBuf, ConfigError> {
    let folders =
        ProjectDirs::from("chat", "Conclave", "conclave-node").ok_or(ConfigError::NoDataFolder)?;
    Ok(folders.data_dir().join("node.db"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(flags: &[&str]) -> Arguments {
        Arguments::try_parse_from(std::iter::once(&"conclave-node").chain(flags)).unwrap()
    }

    #[test]
    fn a_flag_comes_before_the_file_and_the_file_before_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        std::fs::write(
            &path,
            "listen = \"127.0.0.1:1\"\nhttp_listen = \"127.0.0.1:2\"\n[chains]\n\"eip155:1\" = \"http://x\"\n",
        )
        .unwrap();
        let flags = [
            "--config",
            path.to_str().unwrap(),
            "--listen",
            "127.0.0.1:3",
        ];
        let (config, log) = arguments(&flags).resolve().unwrap();
        assert_eq!(config.listen, "127.0.0.1:3");
        assert_eq!(config.http_listen, "127.0.0.1:2");
        assert_eq!(config.chains["eip155:1"], "http://x");
        assert_eq!(log, "info");
        assert!(matches!(config.database, Database::Sqlite(_)));
    }

    #[test]
    fn files_are_kept_as_usual_unless_something_else_is_asked_for() {
        let (config, _) = arguments(&["--database=sqlite:/data/node.db"])
            .resolve()
            .unwrap();
        assert_eq!(config.files, FilesConfig::default());
        let flags = [
            "--database=sqlite:/data/node.db",
            "--files-folder=/files",
            "--file-limit=5",
            "--files-limit=6",
            "--files-keep-days=7",
            "--files-url=https://node.example",
        ];
        let (config, _) = arguments(&flags).resolve().unwrap();
        let asked = FilesConfig {
            folder: Some("/files".into()),
            file_bytes: 5,
            total_bytes: 6,
            keep: Duration::from_secs(7 * 24 * 3600),
            url: Some("https://node.example".to_owned()),
        };
        assert_eq!(config.files, asked);
    }

    #[test]
    fn a_wrong_file_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:1\"\nlisten_to = \"x\"\n").unwrap();
        let error = arguments(&["--config", path.to_str().unwrap()])
            .resolve()
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("line 2") && text.contains("listen_to"),
            "{text}"
        );
        assert!(!text.contains('\n'), "{text}");
    }

    #[test]
    fn databases_are_sqlite_files() {
        assert_eq!(
            database("sqlite:/data/node.db").unwrap(),
            Database::Sqlite("/data/node.db".into())
        );
        assert!(matches!(
            database("postgres://x"),
            Err(ConfigError::Postgres)
        ));
        for wrong in ["", "sqlite:", "/data/node.db", "mysql://x"] {
            assert!(
                matches!(database(wrong), Err(ConfigError::Database(_))),
                "{wrong}"
            );
        }
    }
}
