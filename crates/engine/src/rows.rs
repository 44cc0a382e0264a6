//! Rows that shells show together, each kind in one read of the local database.

use std::collections::BTreeMap;

use conclave_store::message::Message;

use crate::{
    client::Client,
    error::EngineError,
    event::MessageId,
    identities::{addresses, newest_state},
};

impl Client {
    /// Those of these messages that are there, in the order asked for.
    ///
    /// # Errors
    /// The store's.
    pub async fn messages_by_id(&self, ids: Vec<MessageId>) -> Result<Vec<Message>, EngineError> {
        self.0
            .store
            .read(move |reader| {
                let mut found = Vec::with_capacity(ids.len());
                for id in &ids {
                    found.extend(reader.message(id)?);
                }
                Ok::<_, EngineError>(found)
            })
            .await
    }

    /// The first address of each of these inboxes that has one, as far as known here.
    ///
    /// # Errors
    /// The store's.
    pub async fn first_addresses(
        &self,
        inbox_ids: Vec<String>,
    ) -> Result<BTreeMap<String, String>, EngineError> {
        self.0
            .store
            .read(move |reader| {
                let mut found = BTreeMap::new();
                for inbox_id in inbox_ids {
                    let state = newest_state(reader, &inbox_id)?;
                    let first = state.and_then(|(_, state)| addresses(&state).into_iter().next());
                    found.extend(first.map(|address| (inbox_id, address)));
                }
                Ok::<_, EngineError>(found)
            })
            .await
    }
}
