//! The desktop window of Conclave.
//!
//! Holds only what a desktop has: the window, one instance per data folder, and the bridge between
//! the page and the `api` crate. Everything else is below that crate.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod bridge;
mod built_in_node;
mod desktop;
mod launch;
mod window;

use std::{
    error::Error,
    io::{IsTerminal as _, stderr},
    process::ExitCode,
    sync::Arc,
};

use bridge::Account;
use built_in_node::BuiltInNode;
use clap::Parser as _;
use conclave_api::{NodeResolver, Options};
use launch::Launch;
use tauri::{AppHandle, Manager as _, RunEvent, async_runtime};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr)
        .init();

    match run(&Launch::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the app until its window is closed.
fn run(launch: &Launch) -> Result<(), Box<dyn Error>> {
    let data = launch.data_folder()?;
    let node = Arc::new(BuiltInNode::new(launch));
    let account = Account::new(Options {
        data_dir: data.path().to_owned(),
        key: launch.key(),
        node_resolver: Arc::clone(&node) as Arc<dyn NodeResolver>,
        node: None,
        app_version: concat!("conclave/", env!("CARGO_PKG_VERSION")).to_owned(),
        live: true,
        messages_of_shown: true,
    });

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
        .manage(account)
        .invoke_handler(tauri::generate_handler![bridge::call])
        .setup(move |app| {
            open_account(app.handle().clone());
            window::open(app, &data)?;
            Ok(())
        })
        .build(context)?
        .run(move |app, event| {
            if matches!(event, RunEvent::Exit) {
                async_runtime::block_on(async {
                    app.state::<Account>().close().await;
                    node.stop().await;
                });
            }
        });
    Ok(())
}

/// Opens the data folder while the web view starts, so that the page's first question finds it
/// open. What goes wrong is told to the page when it asks.
fn open_account(app: AppHandle) {
    async_runtime::spawn(async move {
        if let Err(error) = app.state::<Account>().open(&app).await {
            tracing::warn!(code = error.code, "the data folder did not open");
        }
    });
}
