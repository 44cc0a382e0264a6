use serde::{Deserialize, Serialize};
use ts_rs::TS;
use zeroize::Zeroize;

use super::{
    Anchor, ListFilter, NodeChoice, PermissionChange, Preset, RoleChange, WalletSecretKind,
};

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

/// Arguments of `conversation_mark_unread`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct MarkUnreadArgs {
    /// Conversation id.
    pub conversation_id: String,
    /// The first message that is unread then; the newest one of others if it is not given.
    #[ts(optional)]
    pub message_id: Option<String>,
}

/// Arguments of `draft_set`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct DraftArgs {
    /// Conversation id.
    pub conversation_id: String,
    /// The text; empty for none.
    pub text: String,
    /// Id of the message it replies to.
    pub reply_to: Option<String>,
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
    /// Text, 1 to 65,536 bytes of UTF-8; with files it may be empty.
    pub text: String,
    /// What the text is; plain text unless said otherwise.
    #[serde(default)]
    #[ts(optional, as = "Option<MessageFormat>")]
    pub format: MessageFormat,
    /// The message that it answers.
    #[serde(default)]
    #[ts(optional)]
    pub reply_to: Option<String>,
    /// Prepared files, at most 50. They are a message of their own before the text.
    #[serde(default)]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub attachments: Vec<String>,
}

/// What the text of a message to send is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MessageFormat {
    /// Plain text.
    #[default]
    Text,
    /// Markdown.
    Markdown,
    /// The JSON payload of a transaction reference, for programs.
    TransactionReference,
    /// The JSON payload of a wallet request, for programs.
    WalletSendCalls,
    /// The JSON payload of actions, for programs.
    Actions,
}

/// Arguments of `message_react`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct MessageReactArgs {
    /// The message to react to.
    pub message_id: String,
    /// An emoji, a `:shortcode:` or anything else; at most 256 bytes.
    pub content: String,
    /// False takes the reaction back.
    pub is_added: bool,
}

/// Arguments of `actions_answer`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct ActionsAnswerArgs {
    /// The message that offers the actions.
    pub message_id: String,
    /// The chosen one.
    pub action_id: String,
}

/// Arguments of `settings_set`: what is not given stays.
#[derive(Debug, Clone, Default, Deserialize, TS)]
pub struct SettingsArgs {
    /// Whether others hear what was read here.
    #[serde(default)]
    #[ts(optional)]
    pub send_read_receipts: Option<bool>,
    /// Bytes up to which files of allowed people are fetched by themselves; 0 for never.
    #[serde(default)]
    #[ts(optional, type = "number")]
    pub auto_download_bytes: Option<u64>,
    /// A server that takes files by PUT at `ADDRESS/files/DIGEST`, in place of the node's; empty for none.
    #[serde(default)]
    #[ts(optional)]
    pub upload_server: Option<String>,
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
    /// Permissions that differ from the preset.
    #[serde(default)]
    pub permissions: Vec<PermissionChange>,
    /// Messages disappear so long after they were received; absent if they stay.
    #[serde(default)]
    pub disappearing_in_ns: Option<String>,
    /// Names the operation in progress events and for `operation_cancel`: 1 to 64 characters that
    /// no other operation under way has.
    pub operation_id: Option<String>,
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
    /// Names the operation in progress events and for `operation_cancel`: 1 to 64 characters that
    /// no other operation under way has.
    pub operation_id: Option<String>,
}

/// Arguments of `operation_cancel`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct OperationArgs {
    /// The id that was given to the operation.
    pub operation_id: String,
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
    /// Lowest protocol version that may follow the group: three numbers, not above ours.
    pub minimum_version: Option<String>,
}

/// Arguments of `permissions_set`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PermissionsSetArgs {
    /// Conversation id.
    pub conversation_id: String,
    /// What to change, all in one commit.
    pub changes: Vec<PermissionChange>,
}

/// Arguments of `role_change`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct RoleChangeArgs {
    /// Conversation id.
    pub conversation_id: String,
    /// Address or inbox id of a member.
    pub who: String,
    /// The change.
    pub change: RoleChange,
}

/// Arguments of `disappearing_set`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct DisappearingSetArgs {
    /// Conversation id.
    pub conversation_id: String,
    /// Messages disappear so long after they were received; null if they stay.
    pub in_ns: Option<String>,
}

/// Arguments of `pin_set`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct PinSetArgs {
    /// Conversation id.
    pub conversation_id: String,
    /// Message id.
    pub message_id: String,
    /// Whether it is pinned afterwards.
    pub pinned: bool,
}

/// Arguments of lists that are read backwards: `group_changes` and `conversation_files`.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct BackwardsArgs {
    /// Conversation id.
    pub conversation_id: String,
    /// `older` of the page before; null for the newest.
    pub before: Option<String>,
    /// Rows, 1 to 500.
    pub limit: u32,
}
