//! Generates the permission of the one command the page may call, and embeds the built UI.

use std::{fs, path::Path};

use tauri_build::{AppManifest, Attributes};

/// The UI as `npm run build` leaves it, relative to this package.
const USER_INTERFACE: &str = "../ui/dist";

fn main() {
    // Tauri refuses to compile without the folder. An empty one lets `cargo check` and the tests
    // of the other crates run before the UI is built; the window then shows an empty page.
    if !Path::new(USER_INTERFACE).exists()
        && let Err(error) = fs::create_dir_all(USER_INTERFACE)
    {
        println!("cargo:warning=cannot create {USER_INTERFACE}: {error}");
    }
    // Tauri embeds the files while it compiles but does not watch them.
    println!("cargo:rerun-if-changed={USER_INTERFACE}");

    let commands = AppManifest::new().commands(&["call"]);
    if let Err(error) = tauri_build::try_build(Attributes::new().app_manifest(commands)) {
        println!("cargo::error={error:#}");
    }
}
