//! Identity updates and the accounts they lead to.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conclave_identity::{InboxId, UpdateBuilder};
use conclave_proto::identity::api::v1::get_identity_updates_request::Request as UpdatesRequest;
use conclave_proto::identity::api::v1::get_inbox_ids_request::Request as InboxIdRequest;
use conclave_proto::identity::api::v1::get_inbox_ids_response::Response as InboxIdResponse;
use conclave_proto::identity::api::v1::{
    GetIdentityUpdatesRequest, GetInboxIdsRequest, PublishIdentityUpdateRequest,
};
use conclave_proto::identity::associations::{IdentityUpdate, identity_action, signature};
use prost::Message;
use tonic::{Code, Status};

use crate::peer::{Peer, Person, node};

const ETHEREUM: i32 = 1;
const PASSKEY: i32 = 2;

async fn publish(peer: &mut Peer, update: IdentityUpdate) -> Result<(), Status> {
    peer.identity
        .publish_identity_update(PublishIdentityUpdateRequest {
            identity_update: Some(update),
        })
        .await
        .map(|_| ())
}

async fn refused(peer: &mut Peer, update: IdentityUpdate, text: &str) {
    let error = publish(peer, update).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    assert!(error.message().contains(text), "{}", error.message());
}

/// Sequence ids and updates of an inbox.
async fn log(peer: &mut Peer, inbox_id: &str, after: u64) -> Vec<(u64, IdentityUpdate)> {
    let request = GetIdentityUpdatesRequest {
        requests: vec![UpdatesRequest {
            inbox_id: inbox_id.to_owned(),
            sequence_id: after,
        }],
    };
    let reply = peer
        .identity
        .get_identity_updates(request)
        .await
        .unwrap()
        .into_inner();
    let [response] = reply.responses.as_slice() else {
        panic!("{} responses", reply.responses.len())
    };
    assert_eq!(response.inbox_id, inbox_id);
    response
        .updates
        .iter()
        .map(|entry| {
            assert!(entry.server_timestamp_ns > 1_700_000_000_000_000_000);
            (entry.sequence_id, entry.update.clone().unwrap())
        })
        .collect()
}

async fn resolve(peer: &mut Peer, accounts: &[(&str, i32)]) -> Vec<InboxIdResponse> {
    let requests = accounts
        .iter()
        .map(|(identifier, identifier_kind)| InboxIdRequest {
            identifier: (*identifier).to_owned(),
            identifier_kind: *identifier_kind,
        })
        .collect();
    peer.identity
        .get_inbox_ids(GetInboxIdsRequest { requests })
        .await
        .unwrap()
        .into_inner()
        .responses
}

async fn inbox_of(peer: &mut Peer, person: &Person) -> Option<String> {
    let address = person.identifier().to_string();
    let mut found = resolve(peer, &[(&address, ETHEREUM)]).await;
    found.remove(0).inbox_id
}

#[derive(serde::Deserialize)]
struct Series {
    inbox_id: String,
    first_wallet: String,
    second_wallet: String,
    passkey: String,
    updates: Vec<String>,
}

fn series() -> (Series, Vec<IdentityUpdate>) {
    let series: Series =
        serde_json::from_str(include_str!("../vectors/identity_series.json")).unwrap();
    let updates = series
        .updates
        .iter()
        .map(|text| IdentityUpdate::decode(STANDARD.decode(text).unwrap().as_slice()).unwrap())
        .collect();
    (series, updates)
}

/// Create, link a wallet and a passkey, second installation, change recovery, revoke, unlink: as
/// the official SDK made them.
#[tokio::test]
async fn the_log_of_an_official_client_is_taken_and_its_accounts_are_found() {
    let (series, updates) = series();
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    for (index, update) in updates.iter().enumerate() {
        publish(&mut alix, update.clone()).await.unwrap();
        let found = resolve(
            &mut alix,
            &[
                (&series.passkey, PASSKEY),
                (&series.first_wallet, 0),
                (&series.second_wallet, ETHEREUM),
                (&series.passkey, ETHEREUM),
                (&series.first_wallet.to_uppercase(), ETHEREUM),
            ],
        )
        .await;
        let inbox = |there: bool| there.then(|| series.inbox_id.clone());
        let expected = [
            (series.passkey.clone(), inbox(index >= 2), PASSKEY),
            (series.first_wallet.clone(), inbox(index < 6), ETHEREUM),
            (series.second_wallet.clone(), inbox(index >= 1), ETHEREUM),
            (series.passkey.clone(), None, ETHEREUM),
            (series.first_wallet.to_uppercase(), None, ETHEREUM),
        ];
        let found: Vec<_> = found
            .into_iter()
            .map(|reply| (reply.identifier, reply.inbox_id, reply.identifier_kind))
            .collect();
        assert_eq!(found, expected, "after update {index}");
    }
    let stored = log(&mut alix, &series.inbox_id, 0).await;
    let expected: Vec<_> = (1..).zip(updates).collect();
    assert_eq!(stored, expected);
    assert_eq!(log(&mut alix, &series.inbox_id, 5).await, expected[5..]);
    node.shutdown().await;
}

#[tokio::test]
async fn an_update_sent_again_is_accepted_and_stored_once() {
    let (series, updates) = series();
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    for update in updates.iter().take(3) {
        publish(&mut alix, update.clone()).await.unwrap();
        publish(&mut alix, update.clone()).await.unwrap();
    }
    publish(&mut alix, updates[0].clone()).await.unwrap();
    assert_eq!(log(&mut alix, &series.inbox_id, 0).await.len(), 3);
    node.shutdown().await;
}

/// `node.md` 12, 13.
#[tokio::test]
async fn updates_that_break_a_rule_are_refused() {
    let node = node().await;
    let mut peer = Peer::of(&node).await;
    let (alix, bo, caro) = (Person::new(1), Person::new(2), Person::new(3));
    let inbox = InboxId::derive(&alix.identifier(), 1).unwrap();
    let time = 2_000_000_000;

    let missing = peer
        .identity
        .publish_identity_update(PublishIdentityUpdateRequest::default())
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Code::InvalidArgument);
    assert_eq!(missing.message(), "IdentityUpdate is required");
    refused(&mut peer, IdentityUpdate::default(), "inbox id").await;

    let add = UpdateBuilder::new(inbox.clone(), time).add(bo.identifier(), alix.identifier());
    let add = alix.sign(add, &[&bo]);
    refused(&mut peer, add.clone(), "XID not yet created").await;

    let mut wrong_inbox = alix.create(1);
    wrong_inbox.inbox_id = InboxId::derive(&bo.identifier(), 1)
        .unwrap()
        .as_str()
        .to_owned();
    // The text names the inbox, so the signature does not fit either.
    let error = publish(&mut peer, wrong_inbox).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");

    publish(&mut peer, alix.create(1)).await.unwrap();
    publish(&mut peer, add.clone()).await.unwrap();

    let stranger =
        UpdateBuilder::new(inbox.clone(), time + 1).add(caro.identifier(), caro.identifier());
    refused(&mut peer, caro.sign(stranger, &[]), "add self").await;
    let stranger =
        UpdateBuilder::new(inbox.clone(), time + 1).revoke(alix.identifier(), caro.identifier());
    refused(
        &mut peer,
        caro.sign(stranger, &[]),
        "Missing existing member",
    )
    .await;
    let not_recovery =
        UpdateBuilder::new(inbox.clone(), time + 2).revoke(alix.identifier(), bo.identifier());
    refused(
        &mut peer,
        bo.sign(not_recovery, &[]),
        "Missing existing member",
    )
    .await;

    let mut other_create = alix.create(1);
    other_create.client_timestamp_ns += 5_000_000_000;
    let error = publish(&mut peer, other_create).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");

    // The same signatures in another update.
    let mut replayed = add.clone();
    replayed.client_timestamp_ns += 1;
    refused(&mut peer, replayed, "Replay detected").await;

    let large = IdentityUpdate {
        inbox_id: inbox.as_str().to_owned(),
        actions: vec![alix.create(1).actions[0].clone(); 1_000],
        client_timestamp_ns: 0,
    };
    refused(&mut peer, large, "at most 65536 bytes").await;
    assert_eq!(log(&mut peer, inbox.as_str(), 0).await.len(), 2);
    node.shutdown().await;
}

/// `identity.md` 3.6: readers would take it; this node does not append it.
#[tokio::test]
async fn an_old_signature_in_another_encoding_is_refused() {
    let node = node().await;
    let mut peer = Peer::of(&node).await;
    let (alix, bo) = (Person::new(1), Person::new(2));
    let inbox = InboxId::derive(&alix.identifier(), 1).unwrap();
    let add = UpdateBuilder::new(inbox.clone(), 1).add(bo.identifier(), alix.identifier());
    let add = alix.sign(add, &[&bo]);
    let revoke = UpdateBuilder::new(inbox.clone(), 2).revoke(bo.identifier(), alix.identifier());
    publish(&mut peer, alix.create(1)).await.unwrap();
    publish(&mut peer, add.clone()).await.unwrap();
    assert_eq!(
        inbox_of(&mut peer, &bo).await.as_deref(),
        Some(inbox.as_str())
    );
    publish(&mut peer, alix.sign(revoke, &[])).await.unwrap();
    assert_eq!(inbox_of(&mut peer, &bo).await, None);

    let mut again = add;
    let Some(identity_action::Kind::Add(action)) = &mut again.actions[0].kind else {
        panic!("no add")
    };
    for wire in [
        &mut action.existing_member_signature,
        &mut action.new_member_signature,
    ] {
        let Some(signature::Signature::Erc191(erc191)) =
            wire.as_mut().and_then(|wire| wire.signature.as_mut())
        else {
            panic!("no wallet signature")
        };
        let v = erc191.bytes.last_mut().unwrap();
        *v = if *v >= 27 { *v - 27 } else { *v + 27 };
    }
    refused(&mut peer, again, "Replay detected").await;
    assert_eq!(inbox_of(&mut peer, &bo).await, None);
    node.shutdown().await;
}

#[tokio::test]
async fn of_two_conflicting_updates_one_wins() {
    let node = node().await;
    let peer = Peer::of(&node).await;
    for seed in 10..18 {
        let (alix, bo, caro) = (Person::new(seed), Person::new(2), Person::new(3));
        let inbox = InboxId::derive(&alix.identifier(), 1).unwrap();
        publish(&mut peer.clone(), alix.create(1)).await.unwrap();
        let change = |to: &Person, time| {
            let update = UpdateBuilder::new(inbox.clone(), time)
                .change_recovery(to.identifier(), alix.identifier());
            alix.sign(update, &[])
        };
        let (mut one, mut two) = (peer.clone(), peer.clone());
        let (first, second) = tokio::join!(
            publish(&mut one, change(&bo, 1_000_000_000)),
            publish(&mut two, change(&caro, 2_000_000_000)),
        );
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        let stored = log(&mut peer.clone(), inbox.as_str(), 0).await;
        assert_eq!(stored.len(), 2);
        assert!(stored[0].0 < stored[1].0);
    }
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inbox_has_at_most_256_updates() {
    let node = node().await;
    let mut peer = Peer::of(&node).await;
    let alix = Person::new(1);
    let inbox = InboxId::derive(&alix.identifier(), 1).unwrap();
    publish(&mut peer, alix.create(1)).await.unwrap();
    let update = |number: u64| {
        let update = UpdateBuilder::new(inbox.clone(), number * 1_000_000_000)
            .change_recovery(alix.identifier(), alix.identifier());
        alix.sign(update, &[])
    };
    for number in 2..=256 {
        publish(&mut peer, update(number)).await.unwrap();
    }
    refused(&mut peer, update(257), "inbox log is full").await;
    // A resend of the last is still no error.
    publish(&mut peer, update(256)).await.unwrap();
    assert_eq!(log(&mut peer, inbox.as_str(), 0).await.len(), 256);
    node.shutdown().await;
}

/// `node.md` 12, 14, and 7.
#[tokio::test]
async fn an_address_in_two_inboxes_belongs_to_the_newer_until_revoked_there() {
    let node = node().await;
    let mut peer = Peer::of(&node).await;
    let (alix, bo, eri) = (Person::new(1), Person::new(2), Person::new(5));
    let first = InboxId::derive(&alix.identifier(), 1).unwrap();
    let second = InboxId::derive(&bo.identifier(), 1).unwrap();
    publish(&mut peer, alix.create(1)).await.unwrap();
    publish(&mut peer, bo.create(1)).await.unwrap();
    assert_eq!(inbox_of(&mut peer, &eri).await, None);
    let add = |inbox: &InboxId, owner: &Person, time: u64| {
        let update = UpdateBuilder::new(inbox.clone(), time * 1_000_000_000)
            .add(eri.identifier(), owner.identifier());
        owner.sign(update, &[&eri])
    };
    let revoke = |inbox: &InboxId, owner: &Person, time: u64| {
        let update = UpdateBuilder::new(inbox.clone(), time * 1_000_000_000)
            .revoke(eri.identifier(), owner.identifier());
        owner.sign(update, &[])
    };
    for (update, expected) in [
        (add(&first, &alix, 1), Some(&first)),
        (add(&second, &bo, 2), Some(&second)),
        (revoke(&second, &bo, 3), Some(&first)),
        (revoke(&first, &alix, 4), None),
        (add(&first, &alix, 5), Some(&first)),
    ] {
        publish(&mut peer, update).await.unwrap();
        let found = inbox_of(&mut peer, &eri).await;
        assert_eq!(found.as_deref(), expected.map(InboxId::as_str));
    }
    node.shutdown().await;
}

#[tokio::test]
async fn identity_reads_answer_every_request_in_its_place() {
    let node = node().await;
    let mut peer = Peer::of(&node).await;
    let alix = Person::new(1);
    let inbox = InboxId::derive(&alix.identifier(), 1).unwrap();
    publish(&mut peer, alix.create(1)).await.unwrap();
    let request = |texts: &[&str]| GetIdentityUpdatesRequest {
        requests: texts
            .iter()
            .map(|text| UpdatesRequest {
                inbox_id: (*text).to_owned(),
                sequence_id: 0,
            })
            .collect(),
    };
    let unknown = "ab".repeat(32);
    let reply = peer
        .identity
        .get_identity_updates(request(&["", inbox.as_str(), &unknown, inbox.as_str()]))
        .await
        .unwrap()
        .into_inner();
    let found: Vec<_> = reply
        .responses
        .iter()
        .map(|response| (response.inbox_id.as_str(), response.updates.len()))
        .collect();
    let expected = [
        ("", 0),
        (inbox.as_str(), 1),
        (unknown.as_str(), 0),
        (inbox.as_str(), 1),
    ];
    assert_eq!(found, expected);
    let error = peer
        .identity
        .get_identity_updates(request(&["no hex"]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);

    let request = GetInboxIdsRequest {
        requests: vec![InboxIdRequest {
            identifier: "x".to_owned(),
            identifier_kind: 9,
        }],
    };
    let error = peer.identity.get_inbox_ids(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    node.shutdown().await;
}
