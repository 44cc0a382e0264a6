use serde::Serialize;
use ts_rs::TS;

use super::Attachment;

/// A change of a metadata field in a system line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct FieldChange {
    /// For instance `group_name`.
    pub field: String,
    /// Value before; null if there was none.
    pub old: Option<String>,
    /// Value after; null if it was removed.
    pub new: Option<String>,
}

/// One call that a wallet is asked to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct WalletCall {
    /// Whom it calls.
    pub to: Option<String>,
    /// With how much, in hex of the smallest unit.
    pub value: Option<String>,
    /// With what, in hex.
    pub data: Option<String>,
    /// What the sender says that it does.
    pub description: Option<String>,
}

/// How an action should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ActionStyle {
    /// The expected one.
    Primary,
    /// Another one.
    Secondary,
    /// One to think about first.
    Danger,
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Action {
    /// Names it in `actions_answer`.
    pub id: String,
    /// What its button says.
    pub label: String,
    /// A picture; never fetched by itself.
    pub image_url: Option<String>,
    /// How it should look; null if the sender does not say.
    pub style: Option<ActionStyle>,
    /// RFC 3339, as its sender wrote it; null for never.
    pub expires_at: Option<String>,
}

/// The decoded content; of a reply, what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// Markdown.
    Markdown {
        /// Its source.
        text: String,
    },
    /// Files.
    Attachments {
        /// At most 50.
        items: Vec<Attachment>,
    },
    /// Names a transaction, by the word of the sender; never acted on.
    TransactionReference {
        /// The family of chains, for instance `eip155`.
        namespace: Option<String>,
        /// The chain.
        network_id: String,
        /// The transaction's hash.
        reference: String,
        /// For instance `transfer`.
        transaction_type: Option<String>,
        /// For instance `USDC`.
        currency: Option<String>,
        /// In whole units of the currency where the sender gives its decimals.
        amount: Option<String>,
        /// Who paid.
        from_address: Option<String>,
        /// Who was paid.
        to_address: Option<String>,
    },
    /// Asks a wallet to make calls; never acted on.
    WalletSendCalls {
        /// The chain, in hex.
        chain_id: String,
        /// Whose wallet.
        from: String,
        /// At most 100.
        calls: Vec<WalletCall>,
    },
    /// Asks to choose one of several actions.
    Actions {
        /// Its id; a choice names it.
        id: String,
        /// What it is about.
        description: String,
        /// RFC 3339, as its sender wrote it; null for never.
        expires_at: Option<String>,
        /// At most 50.
        actions: Vec<Action>,
    },
    /// The choice of an action.
    Intent {
        /// `id` of the actions.
        id: String,
        /// `id` of the chosen one.
        action_id: String,
    },
    /// Deleted for everyone; what it said is gone.
    Deleted {
        /// Who deleted it.
        by: String,
    },
    /// A membership, metadata or role change.
    GroupUpdated {
        /// Who did it.
        by: String,
        /// Inboxes that came in.
        added: Vec<String>,
        /// Inboxes that were removed.
        removed: Vec<String>,
        /// Inboxes that left by their own wish.
        left: Vec<String>,
        /// Metadata fields that changed; names that begin with `_` are left out.
        fields: Vec<FieldChange>,
        /// Inboxes that became admins.
        added_admins: Vec<String>,
        /// Inboxes that are no longer admins.
        removed_admins: Vec<String>,
        /// Inboxes that became super admins.
        added_super_admins: Vec<String>,
        /// Inboxes that are no longer super admins.
        removed_super_admins: Vec<String>,
    },
    /// The sender asks to be taken out of the group.
    LeaveRequest {},
    /// An envelope that could not be read.
    Gap {
        /// Stable code of the reason.
        reason: String,
    },
    /// A change of the group by a member that the rules refuse, in whole or in part.
    RefusedChange {
        /// Who made it; empty where that is not known.
        by: String,
        /// Stable code: `commit_rejected_v1` to `commit_rejected_v11` by the rule it breaks,
        /// `commit_identity_missing`, `commit_invalid`, `metadata_rewritten`, `stray_device`.
        reason: String,
        /// What happened, in sentences.
        text: String,
    },
    /// A type this version does not show; `text` of the message holds the sender's fallback.
    Other {
        /// The sender's fallback text.
        fallback: Option<String>,
    },
}
