//! Between the page and the `api` crate: one command in, one event out.

use serde_json::Value;

/// Runs the api command of that name.
#[tauri::command]
pub(crate) async fn call(command: String, args: Value) -> Result<Value, Value> {
    let _ = args;
    Err(serde_json::json!({ "code": "unknown_command", "message": command }))
}
