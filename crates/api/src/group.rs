//! Making groups and direct messages, changing and syncing them.

use conclave_engine::{ConsentState, ForkState, MetadataChange, NewConversation, Refused};

use crate::{
    api::Api,
    conversation,
    error::ApiError,
    types::{
        AllSync, Conversation, ConversationArgs, Created, DmCreateArgs, Failure, GroupCreateArgs,
        GroupDebug, GroupSync, GroupUpdateArgs, Nothing, Permissions, Preset,
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

impl Api {
    /// Creates a group. Who can't be added is named; everybody else is in.
    ///
    /// # Errors
    /// `malformed`, `not_registered`, `no_installation` (nobody can be added then, and there is no
    /// group), `metadata_too_long`, `too_many_people`, the network's.
    pub async fn group_create(&self, args: GroupCreateArgs) -> Result<Created, ApiError> {
        let client = self.client().await?;
        let new = NewConversation {
            who: args.who,
            name: args.name,
            description: args.description,
            image_url: args.image_url,
            app_data: args.app_data,
            admins_only: args.preset == Preset::Admins,
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
        };
        self.client().await?.update_metadata(&id, change).await?;
        self.conversation(&id).await
    }

    /// Fetches and publishes everything that waits in one conversation.
    ///
    /// # Errors
    /// `unknown_conversation`, the network's.
    pub async fn conversation_sync(&self, args: ConversationArgs) -> Result<GroupSync, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let done = self.client().await?.group_sync(&id).await?;
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

    /// Who may do what in a group, from its MLS state.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn permissions(&self, args: ConversationArgs) -> Result<Permissions, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let metadata = self.client().await?.group_metadata(&id).await?;
        Ok(Permissions::from(&metadata.policies))
    }
}
