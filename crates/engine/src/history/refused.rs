//! Why something about a transfer of history is not done.

/// Why something about a transfer of history is not done. Nothing was changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryRefused {
    /// No such transfer or archive.
    #[error("There is no transfer of history with this pin here. Look at the list again.")]
    Unknown,
    /// There is nothing to be answered, taken, stopped or given up.
    #[error("This transfer has come to another point meanwhile. Look at the list again.")]
    NotNow,
    /// Nobody else could have history.
    #[error(
        "No other device belongs to you on this network, so nobody has your history. Take it in from a file, if you have one."
    )]
    NoOtherDevice,
    /// The archive would come from or go to a server that is not the configured one.
    #[error(
        "The archive would lie on {0}, which is not the server that this device uses. Allow it only if you know whose it is."
    )]
    Server(String),
    /// Another installation of ours answers.
    #[error(
        "Another device of yours is answering this request already. If nothing comes of it in ten minutes, you can answer here."
    )]
    Claimed,
    /// Another installation of ours has answered.
    #[error("Another device of yours has answered this request.")]
    AnsweredElsewhere,
    /// Whoever asks was revoked meanwhile.
    #[error("The device that asks was revoked meanwhile. Nothing was sent.")]
    PeerRevoked,
    /// A server returned something else than what was put there.
    #[error(
        "The server returned another file than the one that was announced. Nothing was taken in. Ask again."
    )]
    OtherFile,
    /// An archive of ours without its end.
    #[error("The archive does not say that it is whole. Nothing was taken in. Ask again.")]
    NotSealed,
}

impl HistoryRefused {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown_history",
            Self::NotNow => "history_not_now",
            Self::NoOtherDevice => "no_other_device",
            Self::Server(_) => "history_server",
            Self::Claimed => "history_claimed",
            Self::AnsweredElsewhere => "answered_elsewhere",
            Self::PeerRevoked => "history_peer_revoked",
            Self::OtherFile => "history_other_file",
            Self::NotSealed => "history_not_sealed",
        }
    }
}
