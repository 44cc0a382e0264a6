//! The HTTP listener: says that the node is up.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves `GET /health` until the node stops.
pub(crate) async fn serve(listener: TcpListener, stopping: CancellationToken) {
    let router = Router::new().route("/health", get(health));
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
