//! Conversations and messages as they come, for shells that print them.

use conclave_engine::{Client, ConsentState, EngineError, Message as Stored};
use futures::{Stream, StreamExt, stream::BoxStream};

use crate::{
    api::Api,
    conversation,
    error::ApiError,
    message,
    types::{Consent, Conversation, Message},
    value,
};

/// Rows as they come; it ends when the account is closed.
pub type Rows<T> = BoxStream<'static, Result<T, ApiError>>;

impl Api {
    /// Conversations that come to be from now on, of these consents; empty for allowed and
    /// unknown.
    ///
    /// # Errors
    /// `no_account`, `not_registered`.
    pub async fn stream_conversations(
        &self,
        consent: Vec<Consent>,
    ) -> Result<Rows<Conversation>, ApiError> {
        let client = self.client().await?;
        let entries = client.stream().await?;
        let rows = entries.then(move |entry| {
            let client = client.clone();
            async move { conversation::one(&client, entry?).await }
        });
        Ok(rows
            .filter(move |row| {
                let wanted = match row {
                    Ok(row) if consent.is_empty() => row.consent != Consent::Denied,
                    Ok(row) => consent.contains(&row.consent),
                    Err(_) => true,
                };
                std::future::ready(wanted)
            })
            .boxed())
    }

    /// Messages of one conversation that are stored from now on, each once, in order.
    ///
    /// # Errors
    /// `invalid_id`, `unknown_conversation`.
    pub async fn stream_messages(&self, conversation_id: &str) -> Result<Rows<Message>, ApiError> {
        let client = self.client().await?;
        let messages = client
            .stream_messages(&value::bytes(conversation_id)?)
            .await?;
        Ok(shown(client, messages))
    }

    /// Messages of all conversations of these consents that are stored from now on, each once, in
    /// order per conversation; empty for allowed and unknown.
    ///
    /// # Errors
    /// `no_account`, `not_registered`.
    pub async fn stream_all_messages(
        &self,
        consent: Vec<Consent>,
    ) -> Result<Rows<Message>, ApiError> {
        let client = self.client().await?;
        let consent = consent.into_iter().map(ConsentState::from).collect();
        let messages = client.stream_all_messages(consent).await?;
        Ok(shown(client, messages))
    }
}

/// Messages as they come, each with what is shown beside it then.
fn shown(
    client: Client,
    messages: impl Stream<Item = Result<Stored, EngineError>> + Send + 'static,
) -> Rows<Message> {
    messages
        .then(move |found| {
            let client = client.clone();
            async move { message::one(&client, found?).await }
        })
        .boxed()
}
