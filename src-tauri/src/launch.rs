//! What the person or the desktop asked for when starting the app.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Parser;
use conclave_api::KeySource;
use directories::ProjectDirs;
use sha2::{Digest as _, Sha256};

/// Command line of the desktop app.
#[derive(Debug, Parser)]
#[command(
    name = "conclave",
    version,
    about = "Conclave, a messenger for encrypted groups"
)]
pub(crate) struct Launch {
    /// Folder that holds this person's account [default: the platform data folder]
    #[arg(long, value_name = "DIR", env = "CONCLAVE_DATA")]
    data: Option<PathBuf>,

    /// File of 64 hex characters with the database key [default: the system's keychain]
    #[arg(long, value_name = "FILE", env = "CONCLAVE_KEY_FILE")]
    key_file: Option<PathBuf>,

    /// Node to use for "this computer" in place of the built-in one, such as http://127.0.0.1:5556
    #[arg(long, value_name = "URL", env = "CONCLAVE_NODE")]
    pub(crate) node: Option<String>,

    /// Link the desktop asks to open (accepted and not acted on yet)
    #[arg(value_name = "LINK", hide = true)]
    link: Option<String>,
}

/// The folder of one person, created and absolute. Once the data was moved it leads there, and still
/// holds what the window remembers; one instance is one such folder.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder {
    path: PathBuf,
    default: bool,
}

impl Launch {
    /// Creates the chosen folder, or the platform's own, and resolves it.
    ///
    /// # Errors
    /// The platform names no data folder, or the folder cannot be created or read.
    pub(crate) fn data_folder(&self) -> io::Result<DataFolder> {
        let platform = platform_data_folder();
        let chosen = match (&self.data, &platform) {
            (Some(chosen), _) => chosen,
            (None, Some(platform)) => platform,
            (None, None) => {
                return Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    "This system names no data folder. Start with --data DIR.",
                ));
            }
        };
        let explain = |error: io::Error| {
            io::Error::new(
                error.kind(),
                format!(
                    "The data folder {} cannot be used: {error}. Choose another with --data DIR.",
                    chosen.display()
                ),
            )
        };
        fs::create_dir_all(chosen).map_err(explain)?;
        let path = fs::canonicalize(chosen).map_err(explain)?;
        let default = platform.is_some_and(|platform| {
            fs::canonicalize(platform).is_ok_and(|platform| platform == path)
        });
        Ok(DataFolder { path, default })
    }
}

impl Launch {
    /// Where the key of the database is.
    pub(crate) fn key(&self) -> KeySource {
        self.key_file
            .clone()
            .map_or_else(KeySource::system_keychain, KeySource::File)
    }
}

impl DataFolder {
    /// Where the folder is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is appended to the app's identifier so that each data folder has its own instance.
    /// Empty for the platform's own folder. A D-Bus name element may not begin with a digit.
    pub(crate) fn instance_suffix(&self) -> String {
        if self.default {
            return String::new();
        }
        let digest = Sha256::digest(self.path.as_os_str().as_encoded_bytes());
        let short: String = hex::encode(digest).chars().take(16).collect();
        format!(".d{short}")
    }
}

/// The folder the platform keeps for this app, where it names one.
fn platform_data_folder() -> Option<PathBuf> {
    ProjectDirs::from("chat", "Conclave", "conclave").map(|dirs| dirs.data_dir().to_path_buf())
}

#[cfg(test)]
mod tests;
