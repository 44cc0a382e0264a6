//! The program `conclave-node`: runs a node until it is told to stop.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use conclave_node::config::Arguments;
use conclave_node::{Config, Node, StartError};
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

/// How long tasks that are left over may take when everything else has ended.
const LEFT_OVER: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            // Standard error may be closed; there is nobody else to tell.
            let _ = writeln!(std::io::stderr(), "conclave-node: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    let (config, log) = arguments.resolve().map_err(|error| error.to_string())?;
    let filter = EnvFilter::try_new(&log).map_err(|_| format!("{log:?} is not a log level"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let runtime = Runtime::new().map_err(|error| format!("the program cannot start: {error}"))?;
    let served = runtime.block_on(serve(config));
    runtime.shutdown_timeout(LEFT_OVER);
    served
}

async fn serve(config: Config) -> Result<(), String> {
    // Before anything is served: a signal must never find its default action.
    let told_to_stop =
        told_to_stop().map_err(|error| format!("the program cannot take signals: {error}"))?;

    let node = Node::start(config)
        .await
        .map_err(|error: StartError| error.to_string())?;
    let ready = serde_json::json!({
        "event": "ready",
        "grpc": node.grpc_addr.to_string(),
        "http": node.http_addr.to_string(),
    });
    let mut stdout = std::io::stdout();
    // Whoever started us may not read it; serving goes on.
    let _ = writeln!(stdout, "{ready}").and_then(|()| stdout.flush());
    tracing::info!(grpc = %node.grpc_addr, http = %node.http_addr, "serving");

    told_to_stop.await;
    tracing::info!("stopping");
    node.shutdown().await;
    Ok(())
}

/// Resolves when somebody interrupts the program or asks it to end.
#[cfg(unix)]
fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Resolves when somebody interrupts the program.
#[cfg(windows)]
fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
