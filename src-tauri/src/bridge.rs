//! Between the page and the `api` crate: one command in, one event out.

use std::sync::Once;

use serde_json::Value;

/// Runs the api command of that name.
#[tauri::command]
pub(crate) async fn call(command: String, args: Value) -> Result<Value, Value> {
    static FIRST: Once = Once::new();
    FIRST.call_once(|| tracing::info!("the page is up"));
    let _ = args;
    Err(serde_json::json!({ "code": "unknown_command", "message": command }))
}
