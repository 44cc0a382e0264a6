//! The data folder that a command works on.

use std::{
    io::{IsTerminal as _, stdin},
    path::{Path, PathBuf},
    sync::Arc,
};

use conclave_api::{
    Api, ApiError, KeySource, NodeResolver, Options,
    types::{ConversationArgs, NodeChoice, Nothing, Stage, UnlockArgs},
};
use directories::ProjectDirs;
use futures::future::{BoxFuture, FutureExt as _, ready};

use crate::{arguments::Common, failure::Failure, input, output::Output};

/// Code of the errors of a device that was revoked.
pub(crate) const REVOKED: &str = "installation_revoked";

/// What all commands share.
pub(crate) struct Shell {
    pub(crate) common: Common,
    pub(crate) output: Output,
    data_dir: PathBuf,
}

/// An account that is open for one command.
pub(crate) struct Open<'a> {
    pub(crate) api: &'a Api,
    pub(crate) common: &'a Common,
    pub(crate) output: Output,
}

/// Who is asked for a passphrase that no file holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask {
    /// Whoever sits at the terminal, if somebody does.
    Whoever,
    /// The page, later.
    ThePage,
}

/// The node in place of the one that runs inside the desktop app.
struct BuiltInNode {
    url: Option<String>,
    offline: bool,
}

impl NodeResolver for BuiltInNode {
    fn built_in(&self, _: &Path) -> BoxFuture<'_, Result<String, ApiError>> {
        let url = match &self.url {
            Some(url) => Ok(url.clone()),
            // Commands that touch only the local database connect to nothing.
            None if self.offline => Ok("http://127.0.0.1:9".to_owned()),
            None => Err(ApiError::new(
                "node_required",
                "This account uses the node inside the desktop app. Name the node with --node \
                 URL, or use --offline.",
            )),
        };
        ready(url).boxed()
    }
}

impl Shell {
    pub(crate) fn new(common: Common, output: Output) -> Result<Self, Failure> {
        let platform =
            || ProjectDirs::from("chat", "Conclave", "conclave").map(|dirs| dirs.data_dir().into());
        let data_dir = common.data.clone().or_else(platform).ok_or_else(|| {
            Failure::usage("This system names no data folder. Name one with --data DIR.")
        })?;
        Ok(Self {
            common,
            output,
            data_dir,
        })
    }

    /// How the data folder is opened.
    pub(crate) fn options(&self, live: bool) -> Options {
        let Common {
            node,
            key_file,
            offline,
            ..
        } = self.common.clone();
        Options {
            data_dir: self.data_dir.clone(),
            key: key_file.map_or_else(KeySource::system_keychain, KeySource::File),
            node_resolver: Arc::new(BuiltInNode {
                url: node.clone(),
                offline,
            }),
            node: node.map(|url| NodeChoice::Address { url }),
            app_version: format!("conclave-cli/{}", env!("CARGO_PKG_VERSION")),
            live,
            messages_of_shown: false,
        }
    }

    /// Opens the data folder for a command. One that is locked needs its passphrase, from the file
    /// that was named or from who sits there.
    pub(crate) async fn open(&self) -> Result<Api, Failure> {
        let api = Api::open(self.options(false)).await?;
        if let Err(failure) = self.unlock(&api, Ask::Whoever).await {
            api.close().await;
            return Err(failure);
        }
        Ok(api)
    }

    /// Unlocks an account that is locked.
    pub(crate) async fn unlock(&self, api: &Api, ask: Ask) -> Result<(), Failure> {
        if api.status(Nothing {}).await?.stage != Stage::Locked {
            return Ok(());
        }
        let passphrase = match (&self.common.passphrase_file, ask) {
            (Some(file), _) => input::passphrase(Some(file), "")?,
            (None, Ask::ThePage) => return Ok(()),
            (None, Ask::Whoever) if stdin().is_terminal() => {
                input::passphrase(None, "Passphrase of the database: ")?
            }
            (None, Ask::Whoever) => {
                // Any command says that it is locked.
                api.data_folder(Nothing {}).await?;
                return Ok(());
            }
        };
        let passphrase = passphrase.as_str().to_owned();
        api.unlock(UnlockArgs { passphrase }).await?;
        Ok(())
    }

    pub(crate) fn with<'a>(&'a self, api: &'a Api) -> Open<'a> {
        Open {
            api,
            common: &self.common,
            output: self.output,
        }
    }
}

impl Open<'_> {
    /// Refuses `--offline` where it leaves nothing to do.
    pub(crate) fn require_online(&self) -> Result<(), Failure> {
        if self.common.offline {
            return Err(Failure::usage(
                "This command needs the network; leave --offline away.",
            ));
        }
        Ok(())
    }

    /// Fetches new conversations if this one is not known here yet.
    pub(crate) async fn find(&self, id: &str) -> Result<(), Failure> {
        let found = self.api.conversation_get(conversation(id)).await;
        match found {
            Err(error) if error.code == "unknown_conversation" && !self.common.offline => {
                self.api.sync_conversations(Nothing {}).await?;
                Ok(())
            }
            found => Ok(found.map(drop)?),
        }
    }

    /// Fetches and publishes what waits in a conversation, unless offline. One that we were
    /// removed from can still be read, and everything on a device that was revoked.
    pub(crate) async fn refresh(&self, id: &str) -> Result<(), Failure> {
        self.find(id).await?;
        if self.common.offline {
            return Ok(());
        }
        match self.api.conversation_sync(conversation(id)).await {
            Err(error) if error.code == "conversation_inactive" => Ok(()),
            Err(error) if error.code == REVOKED => Ok(()),
            done => Ok(done.map(drop)?),
        }
    }
}

/// Arguments that name a conversation.
pub(crate) fn conversation(id: &str) -> ConversationArgs {
    ConversationArgs {
        conversation_id: id.to_owned(),
    }
}
