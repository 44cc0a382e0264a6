//! What the desktop does for the page: dialogs for files, and links that open outside.
//!
//! The page makes up no path. What it may read or write is what a person chose in a dialog of the
//! system, so that even a page gone astray could neither read a file nor write one.

use std::sync::{Mutex, PoisonError};

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
const TAKE_A_PATH: [&str; 6] = [
    "attachment_prepare",
    "attachment_save",
    "archive_export",
    "archive_inspect",
    "archive_import",
    "data_folder_move",
];
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

/// What a dialog for a path is for.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum PathKind {
    File,
    NewFile,
    Folder,
}

#[derive(Deserialize)]
struct PathWanted {
    kind: PathKind,
    suggested: String,
}

/// The path that the person chose last, which the page may give back.
#[derive(Default)]
pub(crate) struct Chosen(Mutex<Option<String>>);

impl Chosen {
    fn is(&self, path: &Value) -> bool {
        let chosen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        chosen.is_some() && chosen.as_deref() == path.as_str()
    }

    fn choose(&self, path: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(path.to_owned());
    }
}

/// Whether the page gives a path to a command of the api that no person chose.
pub(crate) fn makes_up_a_path(chosen: &Chosen, command: &str, args: &Value) -> bool {
    let path = args.get("path").filter(|path| !path.is_null());
    TAKE_A_PATH.contains(&command) && path.is_some_and(|path| !chosen.is(path))
}

/// Runs a command of the desktop; none if the name is not one of its own.
pub(crate) async fn call(
    api: &Api,
    chosen: &Chosen,
    command: &str,
    args: &Value,
) -> Option<Result<Answer, ApiError>> {
    Some(match command {
        "shell_choose_files" => choose_files(api, args).await,
        "shell_save_attachment" => save_attachment(api, args).await,
        "shell_choose_path" => choose_path(chosen, args).await,
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

/// Lets the person choose a file, a new file or a folder; answers with its path, null if the dialog
/// was closed. The page may give this path to a command.
async fn choose_path(chosen: &Chosen, args: &Value) -> Result<Answer, ApiError> {
    let PathWanted { kind, suggested } = read(args)?;
    let dialog = AsyncFileDialog::new();
    let place = match kind {
        PathKind::File => dialog.pick_file().await,
        PathKind::NewFile => {
            let named = dialog.set_file_name(self::suggested(&suggested));
            named.save_file().await
        }
        PathKind::Folder => dialog.pick_folder().await,
    };
    let Some(place) = place else {
        return answer(&Value::Null);
    };
    let path = place.path().to_str().ok_or_else(|| {
        ApiError::new("path_refused", "The name is not UTF-8. Choose another one.")
    })?;
    chosen.choose(path);
    answer(&path)
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
    fn the_page_makes_up_no_path() {
        let chosen = Chosen::default();
        let refused = |command: &str, args: Value| makes_up_a_path(&chosen, command, &args);
        for command in TAKE_A_PATH {
            assert!(
                refused(command, json!({ "path": "/etc/passwd" })),
                "{command}"
            );
            assert!(refused(command, json!({ "path": 1 })), "{command}");
        }
        assert!(!refused("attachment_prepare", json!({ "base64": "" })));
        assert!(!refused("attachment_prepare", json!({ "path": null })));
        assert!(!refused("message_list", json!({})));

        chosen.choose("/media/disk");
        assert!(!refused(
            "data_folder_move",
            json!({ "path": "/media/disk" })
        ));
        assert!(refused("data_folder_move", json!({ "path": "/media" })));
    }

    #[test]
    fn a_suggested_name_has_no_folders() {
        assert_eq!(suggested("../../.bashrc"), "bashrc");
        assert_eq!(suggested("..\\a\nb.txt"), "ab.txt");
        assert_eq!(suggested("trail map.pdf"), "trail map.pdf");
        assert_eq!(suggested("/."), "file");
    }
}
