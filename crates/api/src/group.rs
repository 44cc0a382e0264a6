//! Making groups and direct messages, changing and syncing them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use conclave_engine::{ConsentState, ForkState, MetadataChange, NewConversation, Refused};

use crate::{
    api::Api,
    conversation,
    error::ApiError,
    permissions::{duration, permission_changes},
    types::{
        AllSync, Conversation, ConversationArgs, Created, DmCreateArgs, Failure, GroupCreateArgs,
        GroupDebug, GroupSync, GroupUpdateArgs, Media, Nothing, OperationArgs, Preset,
    },
    value,
};

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self {
            who: refused.who,
            code: refused.reason.code().to_owned(),
            message: refused.reason.message().to_owned(),
        }
    }
}

pub(crate) fn failures(refused: Vec<Refused>) -> Vec<Failure> {
    refused.into_iter().map(Failure::from).collect()
}

/// Ids are compared only; a bound keeps them from being used to store something.
const OPERATION_ID_BYTES: usize = 64;

pub(crate) fn operation_id(id: Option<String>) -> Result<Option<String>, ApiError> {
    match id {
        Some(id) if id.is_empty() || id.len() > OPERATION_ID_BYTES => Err(ApiError::arguments(
            "The id of an operation has 1 to 64 characters.",
        )),
        id => Ok(id),
    }
}

impl Api {
    /// Creates a group. Who can't be added is named; everybody else is in.
    ///
    /// # Errors
    /// `malformed`, `not_registered`, `no_installation` (nobody can be added then, and there is no
    /// group), `metadata_too_long`, `too_many_people`, `cancelled` before there was a group, the
    /// network's.
    pub async fn group_create(&self, args: GroupCreateArgs) -> Result<Created, ApiError> {
        let client = self.client().await?;
        let new = NewConversation {
            permissions: permission_changes(&args.permissions)?,
            disappearing_in_ns: duration(args.disappearing_in_ns.as_deref())?,
            who: args.who,
            name: args.name,
            description: args.description,
            image_url: args.image_url,
            app_data: args.app_data,
            admins_only: args.preset == Preset::Admins,
            operation_id: operation_id(args.operation_id)?,
        };
        let (entry, failed) = client.create_group(&new).await?;
        Ok(Created {
            conversation: conversation::one(&client, entry).await?,
            failed: failures(failed),
        })
    }

    /// Finds or creates the direct message with a person.
    ///
    /// # Errors
    /// As [`Api::group_create`], and `direct_message` with oneself.
    pub async fn dm_create(&self, args: DmCreateArgs) -> Result<Created, ApiError> {
        let client = self.client().await?;
        let entry = client.create_dm(&args.who).await?;
        Ok(Created {
            conversation: conversation::one(&client, entry).await?,
            failed: Vec::new(),
        })
    }

    /// Changes name, description, picture or application data.
    ///
    /// # Errors
    /// `metadata_too_long`, `denied_by_policy`, `direct_message`, `unknown_conversation`, the
    /// network's.
    pub async fn group_update(&self, args: GroupUpdateArgs) -> Result<Conversation, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let change = MetadataChange {
            name: args.name,
            description: args.description,
            image_url: args.image_url,
            app_data: args.app_data,
            minimum_version: args.minimum_version,
        };
        self.client().await?.update_metadata(&id, change).await?;
        self.conversation(&id).await
    }

    /// Fetches the picture of a group. Its server sees that somebody asks, so the person does.
    ///
    /// # Errors
    /// `url_refused` for an address that is never asked, `image_refused` for what is no picture or
    /// one too large, `attachment_gone`, `file_unavailable`, `file_unreachable`, `file_timeout`.
    pub async fn group_image(&self, args: ConversationArgs) -> Result<Media, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let picture = self.client().await?.group_picture(&id).await?;
        Ok(Media {
            media_type: picture.media_type.to_owned(),
            base64: STANDARD.encode(picture.bytes),
        })
    }

    /// Stops an operation after the batch under way. One that has ended already is left alone.
    ///
    /// # Errors
    /// `no_account`, `not_registered`.
    pub async fn operation_cancel(&self, args: OperationArgs) -> Result<Nothing, ApiError> {
        self.client().await?.cancel_operation(&args.operation_id);
        Ok(Nothing {})
    }

    /// Fetches and publishes everything that waits in one conversation.
    ///
    /// # Errors
    /// `unknown_conversation`, the network's.
    pub async fn conversation_sync(&self, args: ConversationArgs) -> Result<GroupSync, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let client = self.client().await?;
        if !self.is_live().await {
            client.carry_transfers(None).await?;
        }
        let done = client.group_sync(&id).await?;
        Ok(GroupSync {
            new_messages: value::count(done.new_messages),
            published: value::count(done.published),
            failed: value::count(done.failed),
        })
    }

    /// Fetches and publishes everything that waits, in denied conversations too: nothing of them
    /// is shown, and nothing of them is lost.
    ///
    /// # Errors
    /// The network's, if no conversation could be reached.
    pub async fn sync_all(&self, _: Nothing) -> Result<AllSync, ApiError> {
        let done = self.client().await?.sync_all(ConsentState::ALL).await?;
        Ok(AllSync {
            synced: value::count(done.synced),
            failed: value::count(done.failed),
            new_messages: value::count(done.new_messages),
        })
    }

    /// Epoch facts of a group.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn group_debug(&self, args: ConversationArgs) -> Result<GroupDebug, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let client = self.client().await?;
        let entry = client.conversation(&id).await?;
        let facts = client.group_debug(&id).await?;
        let fork = match entry.conversation.fork {
            ForkState::None => "none",
            ForkState::Suspected => "suspected",
            ForkState::Confirmed => "confirmed",
        };
        Ok(GroupDebug {
            epoch: facts.epoch,
            epoch_authenticator: value::id(facts.epoch_authenticator),
            cursor: facts.cursor,
            fork: fork.to_owned(),
            leaf_count: value::count(facts.leaf_count),
        })
    }
}
