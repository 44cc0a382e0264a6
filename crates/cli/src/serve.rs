//! `serve`: the account for a page in a browser, over WebSocket on loopback.
//!
//! A page proves by a token that it belongs to the person: any page of any site can open a socket
//! to loopback, so neither the port nor the origin alone says who is there.

mod connection;
mod origin;
mod token;

use std::{sync::Arc, time::Duration};

use conclave_api::{Api, ApiError};
use serde::Serialize;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};

use crate::{
    arguments::ServeArguments,
    failure::Failure,
    output::{Output, Shown},
    shell::{Ask, Shell},
    signals::told_to_stop,
};
use token::Token;

/// Connections at the same time; further ones wait until one ends.
const MAX_CONNECTIONS: usize = 32;
/// How long commands in hand may take once the program is told to stop.
const LAST_COMMANDS: Duration = Duration::from_secs(5);
/// Pause after the system refused a connection, for instance because files ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[derive(Serialize)]
struct Ready {
    event: &'static str,
    url: String,
}

impl Shown for Ready {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("url", self.url.clone())]
    }
}

pub(crate) async fn run(shell: &Shell, arguments: ServeArguments) -> Result<(), Failure> {
    if !arguments.listen.ip().is_loopback() {
        return Err(Failure::usage(
            "The bridge listens on loopback addresses only, for instance 127.0.0.1:0.",
        ));
    }
    let stopped = told_to_stop()?;
    let token = Arc::new(Token::of(&arguments.token_file)?);
    let api = Api::open(shell.options(!shell.common.offline)).await?;
    if let Err(failure) = shell.unlock(&api, Ask::ThePage).await {
        api.close().await;
        return Err(failure);
    }
    let served = serve(&api, &arguments, token, stopped).await;
    // What takes longer goes on from its last transaction at the next start.
    drop(tokio::time::timeout(LAST_COMMANDS, api.close()).await);
    served
}

async fn serve(
    api: &Api,
    arguments: &ServeArguments,
    token: Arc<Token>,
    stopped: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
        let listen = arguments.listen;
        ApiError::new(
            "listen_failed",
            format!("It is not possible to listen on {listen}: {error}."),
        )
    })?;
    let url = format!("ws://{}", listener.local_addr()?);
    // Programs wait for this line, whether or not they asked for JSON.
    Output::new(true).item(&Ready {
        event: "ready",
        url,
    })?;

    tokio::pin!(stopped);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = &mut stopped => return Ok(()),
            (place, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    // Frames are small and each one is waited for: none may wait for the next.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a connection was gone at once");
                        continue;
                    }
                    let (api, token) = (api.clone(), Arc::clone(&token));
                    connections.spawn(async move {
                        connection::serve(stream, api, &token).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
