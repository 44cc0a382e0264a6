//! The cut-over service (`node.md` 8).

use conclave_proto::migration::api::v1::FetchD14nCutoverResponse;
use conclave_proto::migration::api::v1::d14n_migration_api_server::D14nMigrationApi;
use tonic::{Request, Response, Status};

/// Tells migrating clients that this network stays as it is.
pub(crate) struct MigrationService;

/// Never: clients read the time as a signed number.
const NEVER_NS: u64 = i64::MAX.unsigned_abs();

#[tonic::async_trait]
impl D14nMigrationApi for MigrationService {
    async fn fetch_d14n_cutover(
        &self,
        _: Request<()>,
    ) -> Result<Response<FetchD14nCutoverResponse>, Status> {
        Ok(Response::new(FetchD14nCutoverResponse {
            timestamp_ns: NEVER_NS,
        }))
    }
}
