//! One page: its token, its commands, its events.
//!
//! Frames are JSON texts. The page begins with `{"token"}` and gets `{"ready":true}`. Then it sends
//! `{"id","command","args"}` and gets `{"id","result"}` or `{"id","error"}`, in any order, and
//! `{"event"}` whenever something happened.

use std::{sync::Arc, time::Duration};

use conclave_api::{Answer, Api, ApiError, types::Event};
use futures::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    sync::{Semaphore, broadcast::error::RecvError, mpsc},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config,
    tungstenite::{
        Message,
        handshake::server::{Callback, ErrorResponse, Request, Response},
        http::{HeaderValue, StatusCode, header::ORIGIN},
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{origin, token::Token};

/// Most bytes of a message from a page: the largest file to be sent (100 MiB) in base64, and what is
/// said of it. Pages of other origins are turned away before they can say anything.
const MAX_MESSAGE: usize = 136 * 1024 * 1024;
/// Commands of one page at the same time; while there are so many, nothing more is read from it.
const MAX_COMMANDS: usize = 32;
/// How long a page may take to open the socket and show its token.
const OPENING: Duration = Duration::from_secs(10);
/// How long one message may take to get out before the page counts as gone.
const SENDING: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Shown {
    token: String,
}

#[derive(Deserialize)]
struct Call {
    id: u64,
    command: String,
    #[serde(default)]
    args: Value,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Frame {
    Ready { ready: bool },
    Result { id: u64, result: Answer },
    Error { id: u64, error: ApiError },
    Event { event: Event },
}

/// Why a connection ends; the page may be told.
struct Ended(Option<(CloseCode, &'static str)>);

const REFUSED: Ended = Ended(Some((CloseCode::Policy, "the token is missing or wrong")));
const UNREADABLE: Ended = Ended(Some((CloseCode::Unsupported, "this is no command")));
const GONE: Ended = Ended(None);

type Socket = WebSocketStream<TcpStream>;

/// Refuses pages of other origins during the handshake.
struct OriginCheck;

impl Callback for OriginCheck {
    fn on_request(self, request: &Request, response: Response) -> Result<Response, ErrorResponse> {
        let allowed = |value: &HeaderValue| value.to_str().is_ok_and(origin::is_allowed);
        if request.headers().get_all(ORIGIN).iter().all(allowed) {
            return Ok(response);
        }
        let mut refusal = ErrorResponse::new(Some("this page may not connect".to_owned()));
        *refusal.status_mut() = StatusCode::FORBIDDEN;
        Err(refusal)
    }
}

/// Serves one page until it goes.
pub(super) async fn serve(stream: TcpStream, api: Api, token: &Token) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let opening = accept_hdr_async_with_config(stream, OriginCheck, Some(config));
    let mut socket = match timeout(OPENING, opening).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => return tracing::info!(%error, "a page was not let in"),
        Err(_) => return tracing::info!("a page did not open its socket in time"),
    };
    let Err(Ended(reason)) = talk(&mut socket, &api, token).await;
    let frame = reason.map(|(code, reason)| CloseFrame {
        code,
        reason: reason.into(),
    });
    // The page may be gone already.
    drop(timeout(OPENING, socket.close(frame)).await);
}

async fn talk(
    socket: &mut Socket,
    api: &Api,
    token: &Token,
) -> Result<std::convert::Infallible, Ended> {
    let first = timeout(OPENING, read(socket))
        .await
        .map_err(|_| REFUSED)??;
    match serde_json::from_str::<Shown>(&first) {
        Ok(shown) if token.is(&shown.token) => {}
        _ => return Err(REFUSED),
    }
    // From before `ready` on, so that nothing happens unseen after it.
    let mut events = api.events();
    send(socket, &Frame::Ready { ready: true }).await?;

    let (answers, mut answered) = mpsc::channel(MAX_COMMANDS);
    let slots = Arc::new(Semaphore::new(MAX_COMMANDS));
    loop {
        let has_slot = slots.available_permits() > 0;
        tokio::select! {
            Some((answer, slot)) = answered.recv() => {
                send(socket, &answer).await?;
                drop(slot);
            }
            event = events.recv() => {
                let event = match event {
                    Ok(event) => event,
                    Err(RecvError::Lagged(_)) => Event::Resync {},
                    Err(RecvError::Closed) => return Err(GONE),
                };
                send(socket, &Frame::Event { event }).await?;
            }
            text = read(socket), if has_slot => {
                let call: Call = serde_json::from_str(&text?).map_err(|_| UNREADABLE)?;
                let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else { continue };
                let (api, answers) = (api.clone(), answers.clone());
                // Not bound to the connection: what was begun is finished although the page goes.
                tokio::spawn(async move {
                    let answer = run(&api, call).await;
                    // The channel has a place for each slot; an error says that the page is gone.
                    drop(answers.send((answer, slot)).await);
                });
            }
        }
    }
}

async fn run(api: &Api, call: Call) -> Frame {
    let Call { id, command, args } = call;
    match api.call(&command, args).await {
        Ok(result) => Frame::Result { id, result },
        Err(error) => Frame::Error { id, error },
    }
}

/// The next text.
async fn read(socket: &mut Socket) -> Result<String, Ended> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_))) => return Err(UNREADABLE),
            Some(Ok(Message::Close(_) | Message::Frame(_)) | Err(_)) | None => return Err(GONE),
        }
    }
}

async fn send(socket: &mut Socket, answer: &Frame) -> Result<(), Ended> {
    let text = serde_json::to_string(answer).map_err(|_| GONE)?;
    match timeout(SENDING, socket.send(Message::text(text))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(GONE),
    }
}
