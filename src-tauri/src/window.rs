//! The main window.

use tauri::{
    App, AppHandle, Manager as _, Url, WebviewUrl, WebviewWindowBuilder, webview::NewWindowResponse,
};

use crate::launch::DataFolder;

/// Label of the main window; the capability file grants its rights to this name.
pub(crate) const MAIN: &str = "main";

/// Opens the main window with the embedded page.
///
/// # Errors
/// The web view cannot be started.
pub(crate) fn open(app: &App, data: &DataFolder) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("Conclave")
        .inner_size(1120.0, 760.0)
        .min_inner_size(360.0, 480.0)
        // Two people on one desktop must not share what the page remembers.
        .data_directory(data.path().join("webview"))
        .on_navigation(is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        // Files are dropped onto the page, which reads them itself.
        .disable_drag_drop_handler()
        .build()?;
    Ok(())
}

/// Brings the main window to the front, for a second start on the same data folder.
pub(crate) fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(MAIN) else {
        return;
    };
    let shown = window
        .unminimize()
        .and_then(|()| window.show())
        .and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!(%error, "the window could not be brought to the front");
    }
}

/// Whether the window may go to this address: only the embedded page, so that a link in a message
/// can never replace the app. Windows serves it under a name of its own.
fn is_own_page(url: &Url) -> bool {
    if cfg!(windows) {
        url.scheme() == "http" && url.host_str() == Some("tauri.localhost")
    } else {
        url.scheme() == "tauri"
    }
}

#[cfg(test)]
mod tests;
