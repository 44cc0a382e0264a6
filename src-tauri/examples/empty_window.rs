//! A window with an empty page in the same web view: what `benches/app.mjs` measures the app
//! against.

use tauri::{Builder, WebviewUrl, WebviewWindowBuilder, http::Response, http::header};

const PAGE: &str = "<!doctype html><title>Empty</title><p data-testid=empty-page>Empty";

fn main() -> tauri::Result<()> {
    Builder::default()
        .register_uri_scheme_protocol("empty", |_, _| {
            let mut response = Response::new(PAGE.as_bytes());
            let html = header::HeaderValue::from_static("text/html");
            response.headers_mut().insert(header::CONTENT_TYPE, html);
            response
        })
        .setup(|app| {
            let page = WebviewUrl::CustomProtocol("empty://localhost/".parse()?);
            WebviewWindowBuilder::new(app, "main", page)
                .inner_size(1120.0, 760.0)
                .build()?;
            Ok(())
        })
        .run(tauri::generate_context!())
}
