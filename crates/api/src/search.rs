//! Searching messages.

use conclave_engine::{Search, SnippetPart as StoredPart};

use crate::{
    api::Api,
    error::ApiError,
    message,
    types::{SearchArgs, SearchHit, SearchPage, SnippetPart},
    value,
};

/// Results of a page, if the shell does not say how many.
const PAGE: u32 = 30;

impl From<StoredPart> for SnippetPart {
    fn from(StoredPart { text, is_match }: StoredPart) -> Self {
        Self { text, is_match }
    }
}

impl Api {
    /// Searches messages in the local database, the newest first; what can be typed is written at
    /// [`SearchArgs::query`]. A search that can't be read is answered with a sentence, not an error.
    ///
    /// # Errors
    /// `invalid_id`, `invalid_arguments` for a position from elsewhere, `unknown_conversation`.
    pub async fn search_messages(&self, args: SearchArgs) -> Result<SearchPage, ApiError> {
        let after = args.before.map(|position| {
            position.parse().map_err(|_| {
                ApiError::arguments("This position does not come from an earlier page of results.")
            })
        });
        let search = Search {
            query: args.query,
            conversation_id: args
                .conversation_id
                .map(|id| value::bytes(&id))
                .transpose()?,
            limit: usize::try_from(args.limit.unwrap_or(PAGE)).unwrap_or_default(),
            after: after.transpose()?,
            utc_offset_minutes: args.utc_offset_minutes.unwrap_or_default(),
        };
        let client = self.client().await?;
        let page = client.search(search).await?;
        let (found, snippets): (Vec<_>, Vec<_>) = page
            .hits
            .into_iter()
            .map(|hit| (hit.message, hit.snippet))
            .unzip();
        let messages = message::rows(&client, found).await?;
        let items = messages.into_iter().zip(snippets);
        let items = items.map(|(message, snippet)| SearchHit {
            message,
            snippet: snippet.into_iter().map(SnippetPart::from).collect(),
        });
        Ok(SearchPage {
            items: items.collect(),
            next: page.next.map(|position| position.to_string()),
            problem: page.problem,
        })
    }
}
