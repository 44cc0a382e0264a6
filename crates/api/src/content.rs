//! Contents as shells see them.

use conclave_engine::{
    ActionStyle as Style, Actions, Body, GroupUpdate, Quote, QuoteState,
    ReactionSchema as StoredSchema, Tally, WalletSendCalls,
};

use crate::{
    types::{
        Action, ActionStyle, Content, FieldChange, Reaction, ReactionSchema, ReplyState, ReplyTo,
        WalletCall,
    },
    value,
};

impl From<Body> for Content {
    fn from(body: Body) -> Self {
        match body {
            Body::Text(text) => Self::Text { text },
            Body::Markdown(text) => Self::Markdown { text },
            // What it answers stands beside the content.
            Body::Reply(reply) => reply.body.into(),
            // Where they are on their way is stored beside the message.
            Body::Attachment(_) | Body::RemoteAttachment(_) | Body::RemoteAttachments(_) => {
                Self::Attachments { items: Vec::new() }
            }
            Body::TransactionReference(read) => {
                let amount = read.metadata.as_ref().and_then(|data| data.amount_text());
                let data = read.metadata.unwrap_or_default();
                Self::TransactionReference {
                    namespace: read.namespace,
                    network_id: read.network_id,
                    reference: read.reference,
                    transaction_type: data.transaction_type,
                    currency: data.currency,
                    amount,
                    from_address: data.from_address,
                    to_address: data.to_address,
                }
            }
            Body::WalletSendCalls(request) => request.into(),
            Body::Actions(actions) => actions.into(),
            Body::Intent(intent) => Self::Intent {
                id: intent.id,
                action_id: intent.action_id,
            },
            Body::GroupUpdated(update) => update.into(),
            Body::LeaveRequest => Self::LeaveRequest {},
            // These are no lines; they are seen only where all messages are listed as they came.
            body @ (Body::Reaction(_) | Body::ReadReceipt | Body::DeleteMessage(_)) => {
                let fallback = Some(body.text().into_owned());
                Self::Other { fallback }
            }
            Body::Unsupported { fallback } => Self::Other { fallback },
        }
    }
}

impl From<WalletSendCalls> for Content {
    fn from(request: WalletSendCalls) -> Self {
        let calls = request.calls.into_iter().map(|call| WalletCall {
            description: call.description().map(str::to_owned),
            to: call.to,
            value: call.value,
            data: call.data,
        });
        Self::WalletSendCalls {
            chain_id: request.chain_id,
            from: request.from,
            calls: calls.collect(),
        }
    }
}

impl From<Actions> for Content {
    fn from(actions: Actions) -> Self {
        let offered = actions.actions.into_iter().map(|action| Action {
            id: action.id,
            label: action.label,
            image_url: action.image_url,
            style: action.style.and_then(|style| match style {
                Style::Primary => Some(ActionStyle::Primary),
                Style::Secondary => Some(ActionStyle::Secondary),
                Style::Danger => Some(ActionStyle::Danger),
                Style::Unknown => None,
            }),
            expires_at: action.expires_at,
        });
        Self::Actions {
            id: actions.id,
            description: actions.description,
            expires_at: actions.expires_at,
            actions: offered.collect(),
        }
    }
}

impl From<GroupUpdate> for Content {
    fn from(update: GroupUpdate) -> Self {
        Self::GroupUpdated {
            by: update.by,
            added: update.added,
            removed: update.removed,
            left: update.left,
            fields: update
                .fields
                .into_iter()
                .map(|change| FieldChange {
                    field: change.field,
                    old: change.old,
                    new: change.new,
                })
                .collect(),
            added_admins: update.added_admins,
            removed_admins: update.removed_admins,
            added_super_admins: update.added_super_admins,
            removed_super_admins: update.removed_super_admins,
        }
    }
}

impl From<Quote> for ReplyTo {
    fn from(quote: Quote) -> Self {
        let (state, sender_inbox_id, text) = match quote.state {
            QuoteState::Known {
                sender_inbox_id,
                text,
            } => (ReplyState::Known, Some(sender_inbox_id), text),
            QuoteState::Deleted { sender_inbox_id } => {
                (ReplyState::Deleted, Some(sender_inbox_id), String::new())
            }
            QuoteState::Missing => (ReplyState::Missing, None, String::new()),
        };
        Self {
            message_id: value::id(quote.message_id),
            sender_inbox_id,
            text,
            state,
        }
    }
}

impl From<Tally> for Reaction {
    fn from(tally: Tally) -> Self {
        Self {
            content: tally.content,
            schema: match tally.schema {
                StoredSchema::Unicode => ReactionSchema::Unicode,
                StoredSchema::Shortcode => ReactionSchema::Shortcode,
                StoredSchema::Custom => ReactionSchema::Custom,
            },
            count: value::count(tally.count),
            is_own: tally.is_own,
            senders: tally.senders,
        }
    }
}
