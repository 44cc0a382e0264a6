//! The HTTP listener: says that the node is up, and has files.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::files::{self, Files};

/// Serves `GET /health` and files until the node stops.
pub(crate) async fn serve(listener: TcpListener, files: Arc<Files>, stopping: CancellationToken) {
    let router = Router::new()
        .route("/health", get(health))
        .merge(files::routes(files));
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(stopping.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "HTTP is no longer served");
    }
}

async fn health() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "application/json")],
        r#"{"status":"serving"}"#,
    )
}
