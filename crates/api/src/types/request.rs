use serde::{Deserialize, Serialize};
use ts_rs::TS;
use zeroize::Zeroize;

use super::{Anchor, Consent, ListFilter, NodeChoice, Preset, WalletSecretKind};

/// No arguments.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, TS)]
pub struct Nothing {}

/// Arguments of `wallet_import`.
#[derive(Deserialize, TS)]
pub struct WalletImport {
    /// What `secret` is.
    pub kind: WalletSecretKind,
    /// The phrase, key or keystore JSON; erased from memory after use.
    pub secret: String,
    /// Password of a keystore.
    pub password: Option<String>,
}

impl Drop for WalletImport {
    fn drop(&mut self) {
        self.secret.zeroize();
        self.password.zeroize();
    }
}

/// Arguments that name a node.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct NodeArgs {
    /// The node.
    pub node: NodeChoice,
}

/// Arguments that name a conversation.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct ConversationArgs {
    /// Conversation id.
    pub conversation_id: String,
}

/// Arguments that name a message.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct MessageArgs {
    /// Message id.
    pub message_id: String,
}

/// Arguments of `conversation_list`.
#[derive(Debug, Clone, Default, Deserialize, TS)]
pub struct ConversationListArgs {
    /// Which conversations.
    #[serde(default)]
    pub filter: ListFilter,
    /// `next` of the page before.
    pub after: Option<String>,
    /// Rows, 1 to 1000.
    pub limit: u32,
}

/// Arguments of `message_list`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct MessageListArgs {
    /// Conversation id.
    pub conversation_id: String,
    /// Where the page begins.
    #[serde(default)]
    pub anchor: Anchor,
    /// Rows, 1 to 500.
    pub limit: u32,
}

/// Arguments of `message_send`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct MessageSendArgs {
    /// Conversation id.
    pub conversation_id: String,
    /// Text, 1 to 65,536 bytes of UTF-8.
    pub text: String,
}

/// Arguments of `who_resolve`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct WhoArgs {
    /// Addresses or inbox ids, at most 400.
    pub who: Vec<String>,
}

/// Arguments of `group_create`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct GroupCreateArgs {
    /// Addresses or inbox ids, at most 400; may be empty.
    pub who: Vec<String>,
    /// Name, at most 100 bytes.
    #[serde(default)]
    pub name: String,
    /// Description, at most 1000 bytes.
    #[serde(default)]
    pub description: String,
    /// Image URL, at most 2048 bytes.
    #[serde(default)]
    pub image_url: String,
    /// Free string of an application, at most 8192 bytes.
    #[serde(default)]
    pub app_data: String,
    /// Who may do what.
    #[serde(default)]
    pub preset: Preset,
}

/// Arguments of `dm_create`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct DmCreateArgs {
    /// Address or inbox id.
    pub who: String,
}

/// Arguments of `member_add` and `member_remove`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct MembersArgs {
    /// Conversation id.
    pub conversation_id: String,
    /// Addresses or inbox ids, at most 400.
    pub who: Vec<String>,
}

/// Arguments of `group_update`; absent fields stay as they are.
#[derive(Debug, Clone, Default, Deserialize, TS)]
pub struct GroupUpdateArgs {
    /// Conversation id.
    pub conversation_id: String,
    /// Name, at most 100 bytes.
    pub name: Option<String>,
    /// Description, at most 1000 bytes.
    pub description: Option<String>,
    /// Image URL, at most 2048 bytes.
    pub image_url: Option<String>,
    /// Free string of an application, at most 8192 bytes.
    pub app_data: Option<String>,
}

/// Arguments of `consent_set`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct ConsentSetArgs {
    /// Conversation id.
    pub conversation_id: String,
    /// The new state.
    pub state: Consent,
}
