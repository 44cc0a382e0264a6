//! Decisions about conversations and people.

use conclave_engine::{ConsentState, InboxConsent as Decided};

use crate::{
    api::Api,
    error::ApiError,
    types::{
        Consent, ConsentSetArgs, Conversation, ConversationArgs, InboxConsent, InboxConsentArgs,
        InboxConsentListArgs, RequestAdder, RequestDetails, SharedConversation,
    },
    value,
};

impl From<Consent> for ConsentState {
    fn from(consent: Consent) -> Self {
        match consent {
            Consent::Unknown => Self::Unknown,
            Consent::Allowed => Self::Allowed,
            Consent::Denied => Self::Denied,
        }
    }
}

impl From<ConsentState> for Consent {
    fn from(consent: ConsentState) -> Self {
        match consent {
            ConsentState::Unknown => Self::Unknown,
            ConsentState::Allowed => Self::Allowed,
            ConsentState::Denied => Self::Denied,
        }
    }
}

impl From<Decided> for InboxConsent {
    fn from(decided: Decided) -> Self {
        Self {
            inbox_id: decided.inbox_id,
            addresses: decided.addresses,
            state: decided.state.into(),
            decided_at_ns: decided.decided_at_ns.map(value::ns),
        }
    }
}

impl Api {
    /// Sets the consent to a conversation; of a direct message also that to the person.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn consent_set(&self, args: ConsentSetArgs) -> Result<Conversation, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let client = self.client().await?;
        client
            .set_conversation_consent(&id, args.state.into())
            .await?;
        self.conversation(&id).await
    }

    /// The consent to a conversation that counts: its own, else that to the person who added us.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn conversation_consent(&self, conversation_id: &str) -> Result<Consent, ApiError> {
        let id = value::bytes(conversation_id)?;
        Ok(self.client().await?.conversation(&id).await?.consent.into())
    }

    /// The consent to a person.
    ///
    /// # Errors
    /// `invalid_id`.
    pub async fn inbox_consent(&self, inbox_id: &str) -> Result<InboxConsent, ApiError> {
        let inbox_id = value::inbox_id(inbox_id)?;
        Ok(self.client().await?.inbox_consent(&inbox_id).await?.into())
    }

    /// Sets the consent to a person: it counts for the direct message with them, and for the groups
    /// they added us to about which nothing was decided.
    ///
    /// # Errors
    /// `invalid_id`.
    pub async fn inbox_consent_set(
        &self,
        args: InboxConsentArgs,
    ) -> Result<InboxConsent, ApiError> {
        let inbox_id = value::inbox_id(&args.inbox_id)?;
        let client = self.client().await?;
        client
            .set_inbox_consent(&inbox_id, args.state.into())
            .await?;
        Ok(client.inbox_consent(&inbox_id).await?.into())
    }

    /// People about whom this was decided, the newest decision first.
    ///
    /// # Errors
    /// `no_account`, `not_registered`.
    pub async fn inbox_consent_list(
        &self,
        args: InboxConsentListArgs,
    ) -> Result<Vec<InboxConsent>, ApiError> {
        let client = self.client().await?;
        let decided = client.inbox_consents(args.state.into()).await?;
        Ok(decided.into_iter().map(InboxConsent::from).collect())
    }

    /// What a person sees of a request before they decide; nothing of its messages.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn request_details(
        &self,
        args: ConversationArgs,
    ) -> Result<RequestDetails, ApiError> {
        let id = value::bytes(&args.conversation_id)?;
        let request = self.client().await?.request(&id).await?;
        Ok(RequestDetails {
            added_by: RequestAdder {
                inbox_id: request.added_by.inbox_id,
                addresses: request.added_by.addresses,
                consent: request.added_by.state.into(),
            },
            member_count: value::count(request.member_count),
            shared: request
                .shared
                .into_iter()
                .map(|(id, name)| SharedConversation {
                    conversation_id: value::id(id),
                    name,
                })
                .collect(),
        })
    }
}
