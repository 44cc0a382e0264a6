//! The desktop window of Conclave.
//!
//! Holds only what a desktop has: the window, one instance per data folder, and the bridge between
//! the page and the `api` crate. Everything else is below that crate.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod bridge;
mod launch;
mod window;

use std::{
    io::{IsTerminal as _, stderr},
    process::ExitCode,
};

use clap::Parser as _;
use launch::Launch;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr)
        .init();

    match run(Launch::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the app until its window is closed.
fn run(launch: Launch) -> Result<(), Box<dyn std::error::Error>> {
    let data = launch.data_folder()?;

    let mut context = tauri::generate_context!();
    // Two data folders are two people: each has its own instance lock.
    context
        .config_mut()
        .identifier
        .push_str(&data.instance_suffix());

    tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(
            |app, _arguments, _folder| window::show(app),
        ))
        .invoke_handler(tauri::generate_handler![bridge::call])
        .setup(move |app| {
            window::open(app, &data)?;
            Ok(())
        })
        .run(context)?;
    Ok(())
}
