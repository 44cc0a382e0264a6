//! What messages do to others. Reactions, receipts and deletions are no lines: they change what is
//! stored of their target, in the transaction that stores, publishes or gives up the message itself.

use conclave_content::{
    Body, ContentType, KnownType, Origin, Reaction, ReactionAction, ReactionSchema,
};
use conclave_store::{
    StoreError, Tx,
    conversation::Conversation,
    deletion::Deletion,
    kinds::{Delivery, IntentState, MessageKind, OwnRole, ReactionSchema as StoredSchema},
    message::Message,
    reaction::Reaction as StoredReaction,
};

use crate::{attachments, event::Changes, transcript::Stored};

/// What people read of a message that was deleted for everyone.
pub const DELETED: &str = "This message was deleted.";
/// Why a message is not sent whose target was given up.
pub(crate) const TARGET_FAILED: &str = "target_not_sent";
/// Lines that are told when what they answer changes.
const ANSWERS_TOLD: i64 = 100;

/// The type names of messages without a line of their own.
pub(crate) const REACTION: &str = "reaction";
pub(crate) const READ_RECEIPT: &str = "readReceipt";

/// Whoever sent a message, as the group's state was when it was processed.
pub(crate) struct Sender<'a> {
    pub(crate) inbox_id: &'a str,
    pub(crate) is_own: bool,
    pub(crate) is_super_admin: bool,
}

/// The type of a stored message.
pub(crate) fn known_type(message: &Message) -> KnownType {
    KnownType::of(&ContentType {
        authority: message.authority_id.clone(),
        type_id: message.type_id.clone(),
        major: u32::try_from(message.version_major).unwrap_or_default(),
        minor: u32::try_from(message.version_minor).unwrap_or_default(),
    })
}

/// Whether a message could be deleted for everyone by somebody who may.
pub(crate) fn is_deletable(message: &Message) -> bool {
    message.kind == MessageKind::Application && known_type(message).is_deletable()
}

/// A message of a member, ourselves on another device included, was stored.
pub(crate) fn arrived(
    tx: &Tx,
    conversation: &Conversation,
    stored: &Stored,
    sender: &Sender<'_>,
    sent_at_ns: i64,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    match &stored.body {
        Body::Reaction(reaction) => {
            let reacting = (stored.id.as_slice(), sender.inbox_id, sent_at_ns);
            react(tx, &conversation.thread(), reacting, reaction, changes)
        }
        Body::DeleteMessage(target) => delete(tx, conversation, stored, target, sender, changes),
        Body::ReadReceipt => read(tx, conversation, sender, sent_at_ns, changes),
        _ => {
            let (id, inbox_id) = (&conversation.id, sender.inbox_id);
            if attachments::arrived(tx, id, stored, inbox_id, sender.is_own, sent_at_ns)? {
                changes.transfers_due();
            }
            deleted_before(tx, conversation, stored, sender, changes)
        }
    }
}

/// As [`arrived`], for a message out of an archive: its files are fetched when the person asks.
pub(crate) fn restored(
    tx: &Tx,
    conversation: &Conversation,
    stored: &Stored,
    sender: &Sender<'_>,
    sent_at_ns: i64,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    match &stored.body {
        Body::Reaction(_) | Body::DeleteMessage(_) | Body::ReadReceipt => {
            arrived(tx, conversation, stored, sender, sent_at_ns, changes)
        }
        _ => {
            attachments::offered(tx, &conversation.id, stored, sent_at_ns)?;
            deleted_before(tx, conversation, stored, sender, changes)
        }
    }
}

/// An own message was queued: what it does is shown at once.
pub(crate) fn queued(
    tx: &Tx,
    conversation: &Conversation,
    message: &Message,
    body: &Body,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    match body {
        Body::Reaction(reaction) => {
            let reacting = (
                message.id.as_slice(),
                message.sender_inbox_id.as_str(),
                message.sent_at_ns,
            );
            react(tx, &conversation.thread(), reacting, reaction, changes)
        }
        // Its text stays until the network has the deletion: should that fail, it comes back.
        Body::DeleteMessage(target) => {
            let Some(target) = tx.message(target)? else {
                return Ok(());
            };
            tx.mask_message(&target.id, Some(&message.sender_inbox_id), deleted(&target))?;
            tell(tx, &target, changes)
        }
        Body::ReadReceipt => {
            tx.note_read(
                &message.conversation_id,
                &message.sender_inbox_id,
                message.sent_at_ns,
            )?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// An own message without a line came back from the node: what it does is for good now, and as of
/// its place among those of others.
pub(crate) fn published(
    tx: &Tx,
    conversation: &Conversation,
    message: &Message,
    sent_at_ns: i64,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    if message.visible {
        return Ok(());
    }
    match Body::decode(&message.content, Origin::Member).1 {
        Body::Reaction(reaction) => {
            let reacting = (
                message.id.as_slice(),
                message.sender_inbox_id.as_str(),
                sent_at_ns,
            );
            react(tx, &conversation.thread(), reacting, &reaction, changes)
        }
        Body::DeleteMessage(target) => match tx.message(&target)? {
            Some(target) if is_deletable(&target) => {
                erase(tx, &target, &message.sender_inbox_id, changes)
            }
            Some(_) => Ok(()),
            None => tx.insert_deletion(&Deletion {
                message_id: message.id.clone(),
                target_id: target.to_vec(),
                thread: conversation.thread(),
                by_inbox_id: message.sender_inbox_id.clone(),
                is_super_admin: conversation.own_role == OwnRole::SuperAdmin,
            }),
        },
        Body::ReadReceipt => {
            tx.note_read(
                &message.conversation_id,
                &message.sender_inbox_id,
                sent_at_ns,
            )?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Gives an own message up, for the reason with this code, and with it whatever waits for it:
/// nobody could make sense of that without it.
pub(crate) fn failed(
    tx: &Tx,
    message: Message,
    code: &str,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    if message.delivery == Delivery::Published {
        return Ok(());
    }
    tx.mark_message_failed(&message.id, code)?;
    let mut given_up = vec![message];
    // A message fails once, so this ends.
    while let Some(message) = given_up.pop() {
        undo(tx, &message, changes)?;
        for waiting in abandon(tx, &message)? {
            tx.mark_message_failed(&waiting.id, TARGET_FAILED)?;
            given_up.push(waiting);
        }
    }
    Ok(())
}

/// Gives up whatever waits for an own message that is taken back.
pub(crate) fn taken_back(
    tx: &Tx,
    message: &Message,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    for waiting in abandon(tx, message)? {
        failed(tx, waiting, TARGET_FAILED, changes)?;
    }
    Ok(())
}

/// Takes what waits for a message out of the outbox, and returns it.
fn abandon(tx: &Tx, message: &Message) -> Result<Vec<Message>, StoreError> {
    let waiting = tx.waiting_references(&message.id)?;
    for message in &waiting {
        if let Some(intent) = tx.intent_of_message(&message.id)?
            && matches!(
                intent.state,
                IntentState::ToPublish | IntentState::Published
            )
        {
            tx.intent_failed(intent.id)?;
        }
    }
    Ok(waiting)
}

/// Undoes what a message showed before it was given up.
fn undo(tx: &Tx, message: &Message, changes: &mut Changes) -> Result<(), StoreError> {
    if message.visible {
        changes.message(&message.conversation_id, &message.id);
        return Ok(());
    }
    match Body::decode(&message.content, Origin::Member).1 {
        Body::Reaction(reaction) => restore_reaction(tx, message, &reaction, changes),
        Body::DeleteMessage(target) => {
            let target = tx.message(&target)?;
            let Some(target) = target.filter(|target| {
                target.deleted_by_inbox_id.as_ref() == Some(&message.sender_inbox_id)
                    && !target.content.is_empty()
            }) else {
                return Ok(());
            };
            let (_, body) = Body::decode(&target.content, Origin::Member);
            let preview = body.is_preview().then(|| body.preview());
            tx.mask_message(&target.id, None, preview.as_deref())?;
            tell(tx, &target, changes)
        }
        // Nobody asks for another attempt of it.
        Body::ReadReceipt => tx.delete_message(&message.id).map(drop),
        _ => Ok(()),
    }
}

/// Brings a reaction of ours to what the messages say that were not given up.
fn restore_reaction(
    tx: &Tx,
    message: &Message,
    given_up: &Reaction,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let thread = tx.thread(&message.conversation_id)?;
    let own = &message.sender_inbox_id;
    for earlier in tx.references_by(&given_up.reference, own, REACTION)? {
        let Body::Reaction(reaction) = Body::decode(&earlier.content, Origin::Member).1 else {
            continue;
        };
        let is_same = (&reaction.content, reaction.schema) == (&given_up.content, given_up.schema);
        if is_same && earlier.delivery != Delivery::Failed {
            let reacting = (earlier.id.as_slice(), own.as_str(), earlier.sent_at_ns);
            return react(tx, &thread, reacting, &reaction, changes);
        }
    }
    let none = Reaction {
        action: ReactionAction::Removed,
        ..given_up.clone()
    };
    let reacting = (message.id.as_slice(), own.as_str(), message.sent_at_ns);
    react(tx, &thread, reacting, &none, changes)
}

/// How a schema is stored.
pub(crate) fn stored_schema(schema: ReactionSchema) -> StoredSchema {
    match schema {
        ReactionSchema::Unicode => StoredSchema::Unicode,
        ReactionSchema::Shortcode => StoredSchema::Shortcode,
        ReactionSchema::Custom => StoredSchema::Custom,
    }
}

/// `reacting`: the message that says so, who sent it, and when.
fn react(
    tx: &Tx,
    thread: &str,
    (message_id, sender_inbox_id, sent_at_ns): (&[u8], &str, i64),
    reaction: &Reaction,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let target = tx.message(&reaction.reference)?;
    if let Some(target) = &target
        && (target.deleted_by_inbox_id.is_some() || tx.thread(&target.conversation_id)? != thread)
    {
        return Ok(());
    }
    let stored = StoredReaction {
        target_id: &reaction.reference,
        thread,
        sender_inbox_id,
        schema: stored_schema(reaction.schema),
        content: &reaction.content,
        message_id,
        sent_at_ns,
    };
    match reaction.action {
        ReactionAction::Added => {
            if !tx.add_reaction(&stored)? {
                tx.count_diagnostic("reaction_beyond_bound", sent_at_ns)?;
            }
        }
        ReactionAction::Removed => tx.remove_reaction(&stored)?,
        ReactionAction::Unknown => return Ok(()),
    }
    if let Some(target) = target {
        changes.message(&target.conversation_id, &target.id);
    }
    Ok(())
}

/// Whether somebody may delete a message for everyone (content-and-client.md 2.6): who wrote it, and
/// super admins; not plain admins.
fn may_delete(message: &Message, by_inbox_id: &str, is_super_admin: bool) -> bool {
    is_deletable(message) && (message.sender_inbox_id == by_inbox_id || is_super_admin)
}

fn delete(
    tx: &Tx,
    conversation: &Conversation,
    stored: &Stored,
    target_id: &[u8; 32],
    sender: &Sender<'_>,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let thread = conversation.thread();
    match tx.message(target_id)? {
        None => tx.insert_deletion(&Deletion {
            message_id: stored.id.to_vec(),
            target_id: target_id.to_vec(),
            thread,
            by_inbox_id: sender.inbox_id.to_owned(),
            is_super_admin: sender.is_super_admin,
        }),
        Some(target)
            if may_delete(&target, sender.inbox_id, sender.is_super_admin)
                && tx.thread(&target.conversation_id)? == thread =>
        {
            erase(tx, &target, sender.inbox_id, changes)
        }
        // Whoever sent it had no say in this message.
        Some(_) => Ok(()),
    }
}

/// A message came whose deletion was there before.
fn deleted_before(
    tx: &Tx,
    conversation: &Conversation,
    stored: &Stored,
    sender: &Sender<'_>,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let deletions = tx.deletions_of(&stored.id)?;
    if deletions.is_empty() {
        return Ok(());
    }
    let thread = conversation.thread();
    for deletion in deletions {
        if deletion.thread != thread {
            continue;
        }
        tx.delete_deletion(&deletion.message_id)?;
        if let Some(message) = tx.message(&stored.id)?
            && message.sender_inbox_id == sender.inbox_id
            && message.deleted_by_inbox_id.is_none()
            && may_delete(&message, &deletion.by_inbox_id, deletion.is_super_admin)
        {
            erase(tx, &message, &deletion.by_inbox_id, changes)?;
        }
    }
    Ok(())
}

fn erase(
    tx: &Tx,
    target: &Message,
    by_inbox_id: &str,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    if target.content.is_empty() && target.deleted_by_inbox_id.is_some() {
        return Ok(());
    }
    tx.erase_message(&target.id, by_inbox_id, deleted(target))?;
    changes.erased();
    tell(tx, target, changes)
}

/// What the list shows of a message once it is deleted.
fn deleted(target: &Message) -> Option<&'static str> {
    target.preview.as_ref().map(|_| DELETED)
}

/// A message changed, and with it what lines show that answer it.
fn tell(tx: &Tx, target: &Message, changes: &mut Changes) -> Result<(), StoreError> {
    changes.message(&target.conversation_id, &target.id);
    for (conversation_id, id) in tx.lines_referring_to(&target.id, ANSWERS_TOLD)? {
        changes.message(&conversation_id, &id);
    }
    Ok(())
}

fn read(
    tx: &Tx,
    conversation: &Conversation,
    sender: &Sender<'_>,
    sent_at_ns: i64,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    if tx.note_read(&conversation.id, sender.inbox_id, sent_at_ns)? {
        changes.conversation(&conversation.id);
    }
    // What we read on another device is read here.
    if sender.is_own {
        for id in tx.stitched_ids(&conversation.id)? {
            if tx.mark_read(&id, sent_at_ns)? {
                changes.conversation(&id);
            }
        }
    }
    Ok(())
}
