//! How files are sent to the node and fetched from it over HTTP; `docs/files.md` describes it for
//! clients.

use std::io::SeekFrom;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_RANGE, RANGE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tower_http::cors::{Any, CorsLayer};

use super::range::{self, Wanted};
use super::{FileId, FileRefused, Files, Incoming};

/// How long a sender may take for the next piece.
const NEXT_PIECE: Duration = Duration::from_secs(60);
/// Bytes that are read at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// What a file is removed by; told once, to whoever sent it.
const FILE_SECRET: HeaderName = HeaderName::from_static("file-secret");
/// How many bytes of a file are here.
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// `GET /`, `POST /upload` and `/files/{id}`. Official clients join addresses as plain text, so
/// a doubled slash is taken too (`device-sync.md` 4.2).
pub(crate) fn routes(files: Arc<Files>) -> Router {
    let file = get(fetch).put(store).delete(remove);
    Router::new()
        .route("/", get(StatusCode::OK))
        .route("/upload", post(upload))
        .route("//upload", post(upload))
        .route("/files/{id}", file.clone())
        .route("//files/{id}", file)
        // Bodies are streamed under a bound of their own.
        .layer(DefaultBodyLimit::disable())
        .layer(browsers())
        .with_state(files)
}

/// Lets pages of any origin do what official clients in browsers do, and no more: uploads under a
/// digest are for programs.
fn browsers() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers([CONTENT_TYPE, RANGE])
        .expose_headers([CONTENT_RANGE, ETAG])
        .max_age(Duration::from_secs(60 * 60))
}

impl IntoResponse for FileRefused {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            Self::Busy => StatusCode::CONFLICT,
            Self::Digest => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Disk(error) => {
                tracing::error!(%error, "a file could not be written or read");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        (status, self.to_string()).into_response()
    }
}

/// How receiving ended.
enum End {
    /// The whole body came.
    Whole(Incoming),
    /// The sender stopped or went away.
    Broken(Incoming),
    /// No more may come.
    Refused(Incoming, FileRefused),
}

async fn receive(mut incoming: Incoming, body: Body) -> End {
    let mut pieces = body.into_data_stream();
    loop {
        match tokio::time::timeout(NEXT_PIECE, pieces.next()).await {
            Ok(Some(Ok(piece))) => {
                if let Err(refused) = incoming.write(&piece).await {
                    return End::Refused(incoming, refused);
                }
            }
            Ok(None) => return End::Whole(incoming),
            Ok(Some(Err(_))) | Err(_) => return End::Broken(incoming),
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Takes a file and answers with its UUID, and nothing else.
async fn upload(State(files): State<Arc<Files>>, body: Body) -> Result<Response, FileRefused> {
    match receive(files.receive(FileId::random(), 0).await?, body).await {
        End::Whole(incoming) => {
            let id = incoming.finish().await?;
            let secret = [(FILE_SECRET, files.secret(&id))];
            Ok((secret, id.to_string()).into_response())
        }
        End::Broken(_) => Ok(StatusCode::BAD_REQUEST.into_response()),
        End::Refused(_, refused) => Err(refused),
    }
}

/// Takes a file under its digest, whole or, with a `Content-Range`, from where an earlier request
/// stopped.
async fn store(
    State(files): State<Arc<Files>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, FileRefused> {
    let Some(id @ FileId::Digest(_)) = FileId::parse(&id) else {
        return Ok(StatusCode::METHOD_NOT_ALLOWED.into_response());
    };
    let text = |name| text(&headers, name);
    let (from, length) = match text(CONTENT_RANGE) {
        Some(range) => match range::sent(range) {
            Some((from, length)) => (from, Some(length)),
            None => return Ok(StatusCode::BAD_REQUEST.into_response()),
        },
        None => (
            0,
            text(CONTENT_LENGTH).and_then(|length| length.parse().ok()),
        ),
    };
    if files.find(&id).await?.is_some() {
        return Ok(StatusCode::OK.into_response());
    }
    if length.is_some_and(|length| length > files.config.file_bytes) {
        return Err(FileRefused::TooLarge);
    }
    let here = files.unfinished(&id).await;
    if from > here {
        return Ok(offset(StatusCode::CONFLICT, here));
    }
    match receive(files.receive(id, from).await?, body).await {
        End::Whole(incoming) if length.is_none_or(|length| length == incoming.length()) => {
            let id = incoming.finish().await?;
            let secret = [(FILE_SECRET, files.secret(&id))];
            Ok((StatusCode::CREATED, secret).into_response())
        }
        End::Whole(incoming) if length.is_some_and(|length| length < incoming.length()) => {
            incoming.discard();
            Ok(StatusCode::BAD_REQUEST.into_response())
        }
        End::Whole(incoming) | End::Broken(incoming) => {
            Ok(offset(StatusCode::ACCEPTED, incoming.pause().await?))
        }
        End::Refused(incoming, refused) => {
            incoming.discard();
            Err(refused)
        }
    }
}

/// Removes a file for whoever knows its secret.
async fn remove(
    State(files): State<Arc<Files>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, FileRefused> {
    let Some(id) = FileId::parse(&id) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    // Compared by their digests, so that how long it takes tells nothing.
    let given = text(&headers, FILE_SECRET).unwrap_or_default();
    if Sha256::digest(given) != Sha256::digest(files.secret(&id)) {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    let status = match files.remove(&id).await? {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::NOT_FOUND,
    };
    Ok(status.into_response())
}

fn offset(status: StatusCode, bytes: u64) -> Response {
    (status, [(UPLOAD_OFFSET, bytes.to_string())]).into_response()
}

/// Gives a file or a part of it. `HEAD` of one that is not whole says how much of it is here.
async fn fetch(
    State(files): State<Arc<Files>>,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, FileRefused> {
    let Some(id) = FileId::parse(&id) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let Some((mut file, length)) = files.find(&id).await? else {
        let here = files.unfinished(&id).await;
        return Ok(offset(StatusCode::NOT_FOUND, here));
    };
    let tag = format!("\"{id}\"");
    let text = |name| text(&headers, name);
    let is_same = text(IF_RANGE).is_none_or(|known| known == tag);
    let wanted = text(RANGE)
        .filter(|_| is_same)
        .map_or(Wanted::All, |range| range::wanted(range, length));
    let (status, first, count) = match wanted {
        Wanted::All => (StatusCode::OK, 0, length),
        Wanted::Part(first, last) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Nothing => {
            let range = format!("bytes */{length}");
            return Ok(
                (StatusCode::RANGE_NOT_SATISFIABLE, [(CONTENT_RANGE, range)]).into_response(),
            );
        }
    };
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        file.seek(SeekFrom::Start(first)).await?;
        pieces(file, count)
    };
    let mut response = (
        status,
        [
            (CONTENT_LENGTH, count.to_string()),
            (ETAG, tag),
            (CONTENT_TYPE, "application/octet-stream".to_owned()),
            (ACCEPT_RANGES, "bytes".to_owned()),
            (CACHE_CONTROL, "private, immutable".to_owned()),
            // Whatever it is, no browser is to show it as a page of this node.
            (CONTENT_DISPOSITION, "attachment".to_owned()),
            (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (
                CONTENT_SECURITY_POLICY,
                "default-src 'none'; sandbox".to_owned(),
            ),
        ],
        body,
    )
        .into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{length}", first + count - 1);
        if let Ok(range) = HeaderValue::from_str(&range) {
            response.headers_mut().insert(CONTENT_RANGE, range);
        }
    }
    Ok(response)
}

/// The next `count` bytes of a file, a piece at a time.
fn pieces(file: File, count: u64) -> Body {
    let stream = futures::stream::try_unfold((file, count), |(mut file, left)| async move {
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_BYTES);
        if size == 0 {
            return Ok(None);
        }
        let mut piece = vec![0; size];
        let read = file.read(&mut piece).await?;
        if read == 0 {
            // Shorter than it was: the connection breaks off, so that nobody takes it for whole.
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
        }
        piece.truncate(read);
        Ok(Some((Bytes::from(piece), (file, left - read as u64))))
    });
    Body::from_stream(stream)
}
