//! The remote commit log.

use conclave_proto::identity::associations::RecoverableEd25519Signature;
use conclave_proto::mls::api::v1::{
    BatchPublishCommitLogRequest, BatchQueryCommitLogRequest, PagingInfo, PublishCommitLogRequest,
    QueryCommitLogRequest, QueryCommitLogResponse,
};
use tonic::{Code, Status};

use crate::peer::{Peer, group, node};

fn entry(group_id: Vec<u8>, number: u8) -> PublishCommitLogRequest {
    PublishCommitLogRequest {
        group_id,
        serialized_commit_log_entry: vec![number; 3],
        signature: Some(RecoverableEd25519Signature {
            bytes: vec![number; 64],
            public_key: vec![number; 32],
        }),
    }
}

async fn publish(peer: &mut Peer, requests: Vec<PublishCommitLogRequest>) -> Result<(), Status> {
    peer.mls
        .batch_publish_commit_log(BatchPublishCommitLogRequest { requests })
        .await
        .map(|_| ())
}

fn query(group_id: Vec<u8>, direction: i32, limit: u32, id_cursor: u64) -> QueryCommitLogRequest {
    QueryCommitLogRequest {
        group_id,
        paging_info: Some(PagingInfo {
            direction,
            limit,
            id_cursor,
        }),
    }
}

async fn ask(
    peer: &mut Peer,
    requests: Vec<QueryCommitLogRequest>,
) -> Result<Vec<QueryCommitLogResponse>, Status> {
    peer.mls
        .batch_query_commit_log(BatchQueryCommitLogRequest { requests })
        .await
        .map(|reply| reply.into_inner().responses)
}

/// `node.md` 12, 5.
#[tokio::test]
async fn incomplete_entries_and_large_batches_are_refused() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let error = publish(&mut alix, vec![]).await.unwrap_err();
    assert_eq!(error.message(), "no log entries to publish");
    let error = publish(&mut alix, vec![entry(group(1), 1); 11])
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(
        error
            .message()
            .contains("cannot exceed 10 inserts in single batch")
    );
    let good = entry(group(1), 1);
    let changes: [fn(&mut PublishCommitLogRequest); 5] = [
        |bad| bad.signature = None,
        |bad| bad.group_id.clear(),
        |bad| bad.serialized_commit_log_entry.clear(),
        |bad| bad.serialized_commit_log_entry = vec![0; 9_000],
        |bad| bad.signature.as_mut().unwrap().bytes = vec![0; 65],
    ];
    for change in changes {
        let mut bad = good.clone();
        change(&mut bad);
        let error = publish(&mut alix, vec![good.clone(), bad])
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.message().contains("invalid commit log entry"));
    }
    let stored = ask(&mut alix, vec![query(group(1), 1, 100, 0)])
        .await
        .unwrap();
    assert!(stored[0].commit_log_entries.is_empty());
    publish(&mut alix, vec![good; 10]).await.unwrap();
    node.shutdown().await;
}

/// `node.md` 12, 6.
#[tokio::test]
async fn a_batch_has_one_to_twenty_queries() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let queries = |count| vec![query(group(1), 1, 100, 0); count];
    assert_eq!(ask(&mut alix, queries(20)).await.unwrap().len(), 20);
    for count in [0, 21] {
        let error = ask(&mut alix, queries(count)).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
    let error = ask(&mut alix, vec![query(vec![], 1, 1, 0)])
        .await
        .unwrap_err();
    assert_eq!(error.message(), "invalid request");
    let error = ask(&mut alix, vec![query(group(1), 2, 1, 0)])
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("failed to query commit log"));
    node.shutdown().await;
}

#[tokio::test]
async fn entries_come_back_in_ascending_order_page_by_page() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    for number in 0..5 {
        publish(
            &mut alix,
            vec![entry(group(1), number), entry(group(2), number)],
        )
        .await
        .unwrap();
    }
    let replies = ask(
        &mut alix,
        vec![
            query(group(2), 0, 2, 0),
            query(group(1), 1, 100, 5),
            query(group(3), 1, 100, 0),
            QueryCommitLogRequest {
                group_id: group(1),
                paging_info: None,
            },
        ],
    )
    .await
    .unwrap();
    let ids = |reply: &QueryCommitLogResponse| {
        reply
            .commit_log_entries
            .iter()
            .map(|entry| entry.sequence_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&replies[0]), [2, 4]);
    let info = replies[0].paging_info.unwrap();
    assert_eq!((info.direction, info.limit, info.id_cursor), (1, 2, 4));
    assert_eq!(replies[0].group_id, group(2));
    assert_eq!(ids(&replies[1]), [7, 9]);
    assert_eq!(replies[1].paging_info.unwrap().id_cursor, 0);
    assert!(replies[2].commit_log_entries.is_empty());
    assert_eq!(ids(&replies[3]), [1, 3, 5, 7, 9]);
    let first = &replies[3].commit_log_entries[0];
    assert_eq!(first.serialized_commit_log_entry, [0; 3]);
    assert_eq!(first.signature.as_ref().unwrap().bytes, [0; 64]);
    assert_eq!(first.signature.as_ref().unwrap().public_key, [0; 32]);
    node.shutdown().await;
}
