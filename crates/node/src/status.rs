//! Storage failures as gRPC status codes (`node.md` 3.7).

use tonic::Status;

use crate::storage::StorageError;

/// What a stream or call gets when the node stops (`node.md` 3.7).
pub(crate) fn stopping() -> Status {
    Status::unavailable("service is shutting down")
}

impl From<StorageError> for Status {
    fn from(error: StorageError) -> Self {
        match &error {
            StorageError::Database(reason) => {
                // The reason may name files; the client learns that it was not its fault.
                tracing::error!(%reason, "a request failed in the database");
                Self::internal("the node's database failed; try again later")
            }
            StorageError::ReplyTooLarge => Self::out_of_range(error.to_string()),
            StorageError::Stopping => stopping(),
        }
    }
}
