//! What the desktop does for the page: dialogs for files, and links that open outside.
//!
//! The page never names a path. What it may read or write is what a person chose in a dialog of the
//! system, so that even a page gone astray could neither read a file nor write one.

use conclave_api::{Answer, Api, ApiError};
use rfd::AsyncFileDialog;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::to_raw_value};
use tauri::Url;

/// Files that are prepared at once, as many as fit into one message.
const MOST_FILES: usize = 20;
/// The longest name that is suggested for a file, in characters.
const LONGEST_NAME: usize = 120;
/// Commands of the api that take a path.
const TAKE_A_PATH: [&str; 2] = ["attachment_prepare", "attachment_save"];
/// Schemes that open outside; anything else could start a program.
const OPENED: [&str; 3] = ["https", "http", "mailto"];

#[derive(Deserialize)]
struct Conversation {
    conversation_id: String,
}

#[derive(Deserialize)]
struct Attachment {
    message_id: String,
    index: u32,
    name: String,
}

#[derive(Deserialize)]
struct Link {
    url: String,
}

/// Whether the page may give these arguments to a command of the api: it names no path itself.
pub(crate) fn names_a_path(command: &str, args: &Value) -> bool {
    TAKE_A_PATH.contains(&command) && args.get("path").is_some_and(|path| !path.is_null())
}

/// Runs a command of the desktop; none if the name is not one of its own.
pub(crate) async fn call(
    api: &Api,
    command: &str,
    args: &Value,
) -> Option<Result<Answer, ApiError>> {
    Some(match command {
        "shell_choose_files" => choose_files(api, args).await,
        "shell_save_attachment" => save_attachment(api, args).await,
        "shell_open_link" => open_link(args),
        _ => return None,
    })
}

/// Lets the person choose files and prepares each; answers with what became of each, none if the
/// dialog was closed: `{name, prepared}` or `{name, failure}`, as `attachment_prepare` says it.
async fn choose_files(api: &Api, args: &Value) -> Result<Answer, ApiError> {
    let Conversation { conversation_id } = read(args)?;
    let chosen = AsyncFileDialog::new()
        .pick_files()
        .await
        .unwrap_or_default();
    let mut files = Vec::new();
    for (place, file) in chosen.iter().enumerate() {
        let prepared = if place < MOST_FILES {
            let args = json!({ "conversation_id": conversation_id, "path": file.path() });
            api.call("attachment_prepare", args).await
        } else {
            let text = format!("A message takes {MOST_FILES} files. Send the others after it.");
            Err(ApiError::new("too_many", text))
        };
        let name = file.file_name();
        files.push(match prepared {
            Ok(prepared) => json!({ "name": name, "prepared": prepared, "failure": null }),
            Err(failure) => json!({ "name": name, "prepared": null, "failure": failure }),
        });
    }
    answer(&files)
}

/// Lets the person choose where to save an attachment; answers with the path, null if the dialog was
/// closed.
///
/// # Errors
/// As `attachment_save`.
async fn save_attachment(api: &Api, args: &Value) -> Result<Answer, ApiError> {
    let Attachment {
        message_id,
        index,
        name,
    } = read(args)?;
    let place = AsyncFileDialog::new()
        .set_file_name(suggested(&name))
        .save_file()
        .await;
    let Some(place) = place else {
        return answer(&Value::Null);
    };
    let path = place.path();
    let args = json!({ "message_id": message_id, "index": index, "path": path });
    api.call("attachment_save", args).await?;
    answer(&path.display().to_string())
}

/// Opens a web or mail address with the program that the system has for it.
///
/// # Errors
/// `url_refused` for anything else, `link_not_opened` if there is no such program.
fn open_link(args: &Value) -> Result<Answer, ApiError> {
    let Link { url } = read(args)?;
    let url = openable(&url).ok_or_else(|| {
        ApiError::new(
            "url_refused",
            "Only web and mail addresses open outside. Nothing was opened.",
        )
    })?;
    open::that_detached(url.as_str()).map_err(|error| {
        tracing::warn!(%error, "a link could not be opened");
        ApiError::new(
            "link_not_opened",
            "This computer has no program for such links. Copy the link instead.",
        )
    })?;
    answer(&Value::Null)
}

/// An address that may open outside.
fn openable(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let honest = url.username().is_empty() && url.password().is_none();
    (OPENED.contains(&url.scheme()) && honest).then_some(url)
}

/// A name without folders, as a suggestion.
fn suggested(name: &str) -> String {
    let bare: String = name
        .chars()
        .filter(|one| !one.is_control() && !matches!(one, '/' | '\\'))
        .take(LONGEST_NAME)
        .collect();
    let bare = bare.trim_start_matches('.').trim();
    if bare.is_empty() { "file" } else { bare }.to_owned()
}

fn read<T: DeserializeOwned>(args: &Value) -> Result<T, ApiError> {
    T::deserialize(args)
        .map_err(|_| ApiError::new("invalid_arguments", "The page asked for something unknown."))
}

fn answer(result: &impl serde::Serialize) -> Result<Answer, ApiError> {
    to_raw_value(result)
        .map_err(|_| ApiError::new("internal_error", "The answer could not be written."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_and_mail_addresses_open_outside() {
        for good in [
            "https://cabin.example/map?x=1",
            "http://cabin.example",
            "mailto:bo@cabin.example",
        ] {
            assert!(openable(good).is_some(), "{good}");
        }
        for bad in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "smb://share/x",
            "https://bank.example@evil.example/",
            "--help",
            "",
        ] {
            assert!(openable(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_page_names_no_path() {
        assert!(names_a_path(
            "attachment_prepare",
            &json!({ "path": "/etc/passwd" })
        ));
        assert!(names_a_path("attachment_save", &json!({ "path": "x" })));
        assert!(!names_a_path(
            "attachment_prepare",
            &json!({ "base64": "" })
        ));
        assert!(!names_a_path(
            "attachment_prepare",
            &json!({ "path": null })
        ));
        assert!(!names_a_path("message_list", &json!({})));
    }

    #[test]
    fn a_suggested_name_has_no_folders() {
        assert_eq!(suggested("../../.bashrc"), "bashrc");
        assert_eq!(suggested("..\\a\nb.txt"), "ab.txt");
        assert_eq!(suggested("trail map.pdf"), "trail map.pdf");
        assert_eq!(suggested("/."), "file");
    }
}
