//! Sending files to a server: to a node of ours in pieces that can go on later (`docs/files.md`),
//! to any other by one PUT.

use std::time::Duration;

use reqwest::{
    Method, RequestBuilder, Response,
    header::{CONTENT_RANGE, CONTENT_TYPE},
};

use super::{FileError, RemoteFiles};
use crate::file_url::{FileUrl, TrustedHosts, UrlRefused};

/// Where a node says how much of a file it has.
const UPLOAD_OFFSET: &str = "upload-offset";
/// What a node says that a file can be removed by.
const FILE_SECRET: &str = "file-secret";
/// What encrypted files are to a server.
const BYTES: &str = "application/octet-stream";

/// Longest name that a history server gives a file, and longest secret: a UUID has 36 characters.
const NAME_BYTES: usize = 64;

/// How much of a file a server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uploaded {
    /// All of it; what it can be removed by, if the server says.
    Whole(Option<String>),
    /// This many bytes.
    Part(u64),
}

impl RemoteFiles {
    /// Asks a node how much it has of the file that is to be at `url`.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn uploaded(&self, url: &str, trusted: &TrustedHosts) -> Result<Uploaded, FileError> {
        let response = self.request(Method::HEAD, url, trusted)?.send().await?;
        match response.status().as_u16() {
            200 => Ok(Uploaded::Whole(None)),
            404 => Ok(Uploaded::Part(offset(&response).unwrap_or(0))),
            status => Err(FileError::Status(status)),
        }
    }

    /// Sends a node the bytes of a file from position `from` on; `length`: of the whole file. The
    /// node may have another idea of what is missing; what it has then is in the answer.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn upload_part(
        &self,
        url: &str,
        trusted: &TrustedHosts,
        part: Vec<u8>,
        from: u64,
        length: u64,
    ) -> Result<Uploaded, FileError> {
        let end = from.saturating_add(part.len() as u64);
        let range = format!("bytes {from}-{}/{length}", end.saturating_sub(1));
        let response = self
            .request(Method::PUT, url, trusted)?
            .header(CONTENT_RANGE, range)
            .body(part)
            .send()
            .await?;
        match (response.status().as_u16(), offset(&response)) {
            (200 | 201, _) => Ok(Uploaded::Whole(secret(&response))),
            (202 | 409, Some(offset)) => Ok(Uploaded::Part(offset)),
            // Somebody sends the same file at this moment.
            (409, None) => Err(FileError::Timeout),
            (413, _) => Err(FileError::TooLarge(length.saturating_sub(1))),
            (status, _) => Err(FileError::Status(status)),
        }
    }

    /// Sends a whole file to any server that takes a PUT.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn upload(
        &self,
        url: &str,
        trusted: &TrustedHosts,
        file: Vec<u8>,
        time: Duration,
    ) -> Result<(), FileError> {
        let length = file.len() as u64;
        let response = self
            .request(Method::PUT, url, trusted)?
            .body(file)
            .timeout(time)
            .send()
            .await?;
        match response.status().as_u16() {
            200..=299 => Ok(()),
            413 => Err(FileError::TooLarge(length.saturating_sub(1))),
            status => Err(FileError::Status(status)),
        }
    }

    /// Sends a whole file to a history server, which names it (device-sync.md 4.1): `url` is the
    /// server's address and `/upload`. The answer: its name, and what it can be removed by, if the server
    /// says.
    ///
    /// # Errors
    /// [`FileError`]; [`FileError::TooLarge`] also for what such a server says instead.
    pub async fn post(
        &self,
        url: &str,
        trusted: &TrustedHosts,
        file: tokio::fs::File,
        time: Duration,
    ) -> Result<(String, Option<String>), FileError> {
        let length = file.metadata().await.map_or(0, |about| about.len());
        let mut response = self
            .request(Method::POST, url, trusted)?
            .body(file)
            .timeout(time)
            .send()
            .await?;
        match response.status().as_u16() {
            200..=299 => {}
            400 | 413 => return Err(FileError::TooLarge(length.saturating_sub(1))),
            status => return Err(FileError::Status(status)),
        }
        let secret = secret(&response);
        let mut name = Vec::new();
        while let Some(piece) = response.chunk().await? {
            name.extend_from_slice(&piece);
            if name.len() > NAME_BYTES {
                return Err(UrlRefused::Malformed.into());
            }
        }
        let name = String::from_utf8(name).map_err(|_| UrlRefused::Malformed)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(UrlRefused::Malformed.into());
        }
        Ok((name, secret))
    }

    /// Removes a file from a node that said what by. One that is gone already is no error.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn remove(
        &self,
        url: &str,
        trusted: &TrustedHosts,
        secret: &str,
    ) -> Result<(), FileError> {
        let request = self.request(Method::DELETE, url, trusted)?;
        let response = request.header(FILE_SECRET, secret).send().await?;
        match response.status().as_u16() {
            200..=299 | 404 | 410 => Ok(()),
            status => Err(FileError::Status(status)),
        }
    }

    fn request(
        &self,
        method: Method,
        url: &str,
        trusted: &TrustedHosts,
    ) -> Result<RequestBuilder, FileError> {
        let target = FileUrl::parse(url, trusted)?;
        let client = self.client(target.is_trusted)?;
        Ok(client
            .request(method, target.url)
            .header(CONTENT_TYPE, BYTES))
    }
}

fn secret(response: &Response) -> Option<String> {
    let secret = response.headers().get(FILE_SECRET)?.to_str().ok()?;
    (secret.len() <= NAME_BYTES).then(|| secret.to_owned())
}

fn offset(response: &Response) -> Option<u64> {
    let offset = response.headers().get(UPLOAD_OFFSET)?;
    offset.to_str().ok()?.parse().ok()
}
