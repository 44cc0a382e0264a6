//! Groups whose members went separate ways: noticed, shown, and mended by being added again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use conclave_engine::{AdminChange, Delivery, Fork, ForkState, GroupId, MetadataChange};
use conclave_mls::{
    commit_log::{CommitResult, RemoteLog},
    extensions::{ATTRIBUTE_COMMIT_LOG_SIGNER, ATTRIBUTE_MINIMUM_VERSION, ATTRIBUTE_NAME},
};

use crate::{
    actor::{Actor, Town, agree, group_of, until},
    hostile::{Hostile, Raw},
};

/// Longer than the pause between two looks at a log.
const LATER: Duration = Duration::from_secs(6 * 60);

async fn fork(person: &Actor, id: &GroupId) -> Option<Fork> {
    let entry = person.client().conversation(id).await.unwrap();
    Fork::of(&entry.conversation)
}

/// Syncs when the logs are due again.
async fn sync_later(person: &Actor) {
    person.wait(LATER);
    person.sync().await;
}

/// Bo asks, Alix's device answers, Bo is in again with everything that was there before.
async fn is_added_again(bo: &Actor, alix: &Actor, id: &GroupId) {
    bo.client().request_readd(id).await.unwrap();
    let asked = fork(bo, id).await.unwrap();
    assert!(asked.requested_at_ns.is_some() && asked.text.contains("were asked"));
    alix.sync().await;
    let alix_sees = alix.client().group_metadata(id).await.unwrap();
    assert!(alix_sees.super_admins.contains(&alix.inbox_id()));
    bo.sync().await;
    assert_eq!(fork(bo, id).await, None);
    bo.sync().await;
    alix.sync().await;
    agree(&[alix, bo], id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_missed_an_expired_key_package_is_added_again() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let (davon, fritz) = (town.person("Davon").await, town.person("Fritz").await);
    let id = group_of(&alix, &[&bo, &fritz]).await;
    alix.say(&id, "before").await;
    bo.sync().await;
    fritz.sync().await;

    let (davon_inbox, fritz) = (davon.inbox_id(), Hostile::of(fritz, &town).await);
    let sequence_id = town.newest_update(&davon_inbox).await;
    let davon = Hostile::of(davon, &town).await;
    let package = davon.short_lived_key_package(20).await;
    let ends_s = package.not_after_s;
    fritz
        .does(&id, |state| {
            Raw::default()
                .membership(state, |membership| {
                    membership.members.insert(davon_inbox.clone(), sequence_id);
                })
                .add(package)
        })
        .await;
    alix.sync().await;
    assert_eq!(alix.members(&id).await.len(), 4, "in time for Alix");
    alix.say(&id, "welcome, Davon").await;

    // Bo was away until the key package had expired.
    until("the key package has expired", || async {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs()
            > ends_s
    })
    .await;
    bo.sync().await;
    let shown = fork(&bo, &id).await.unwrap();
    assert_eq!(shown.state, ForkState::Suspected);
    assert_eq!(shown.reason, "commit_expired_key_package");
    assert!(shown.can_request && shown.requested_at_ns.is_none());
    assert_eq!(bo.texts(&id).await, ["before"]);
    // What Bo writes waits, and nothing of it is lost.
    bo.say(&id, "from Bo").await;
    let waiting = bo.messages(&id).await.pop().unwrap();
    assert_eq!(waiting.delivery, Delivery::Unpublished);
    alix.sync().await;
    assert!(!alix.texts(&id).await.contains(&"from Bo".to_owned()));

    is_added_again(&bo, &alix, &id).await;
    let minimum = alix.client().conversation(&id).await.unwrap();
    assert_eq!(
        minimum.conversation.minimum_version.as_deref(),
        Some("1.6.0")
    );
    assert_eq!(bo.texts(&id).await, ["before", "from Bo"]);
    assert_eq!(
        alix.texts(&id).await,
        ["before", "welcome, Davon", "from Bo"]
    );
    alix.say(&id, "good to have you back").await;
    bo.sync().await;
    assert_eq!(bo.texts(&id).await.last().unwrap(), "good to have you back");
    assert_eq!(
        bo.only_conversation().await,
        id,
        "the request is no conversation"
    );
    assert_eq!(alix.only_conversation().await, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_that_differ_confirm_a_fork_and_it_is_mended() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    alix.rename(&id, "Climbers").await;
    bo.say(&id, "before").await;
    alix.sync().await;
    let error = bo.client().request_readd(&id).await.unwrap_err();
    assert_eq!(error.code(), "readd_unavailable", "nothing is wrong");

    let hostile = Hostile::of(bo, &town).await;
    for _ in 0..5 {
        hostile.branches(&id).await;
    }
    let bo = hostile.repent(&town).await;
    alix.rename(&id, "Divers").await;
    sync_later(&alix).await;
    sync_later(&bo).await;
    let shown = fork(&bo, &id).await.unwrap();
    assert_eq!(shown.state, ForkState::Confirmed);
    assert_eq!(shown.reason, "commit_log_differs");
    let error = bo.client().send(&id, "anybody?").await.unwrap_err();
    assert_eq!(error.code(), "conversation_forked");
    assert_eq!(fork(&alix, &id).await, None);

    is_added_again(&bo, &alix, &id).await;
    bo.say(&id, "here I am").await;
    alix.sync().await;
    for person in [&alix, &bo] {
        assert_eq!(person.texts(&id).await, ["before", "here I am"]);
    }
    let name = bo
        .client()
        .conversation(&id)
        .await
        .unwrap()
        .conversation
        .name;
    assert_eq!(name, "Divers");
    sync_later(&bo).await;
    assert_eq!(fork(&bo, &id).await, None, "what was before counts no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspicion_goes_when_the_logs_agree() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let fritz = town.person("Fritz").await;
    let id = group_of(&alix, &[&bo, &fritz]).await;
    alix.rename(&id, "Climbers").await;
    bo.sync().await;
    fritz.sync().await;
    let fritz = Hostile::of(fritz, &town).await;
    fritz.branches(&id).await;
    fritz.writes(&id, "from elsewhere").await;
    for person in [&alix, &bo] {
        person.client().group_sync(&id).await.unwrap();
        let shown = fork(person, &id).await.unwrap();
        assert_eq!(shown.state, ForkState::Suspected, "{}", person.name);
        assert_eq!(shown.reason, "message_future_epoch");
    }
    // A suspicion stops nobody from writing.
    bo.say(&id, "still here").await;
    sync_later(&alix).await;
    sync_later(&alix).await;
    sync_later(&bo).await;
    for person in [&alix, &bo] {
        assert_eq!(fork(person, &id).await, None, "{}", person.name);
    }
    agree(&[&alix, &bo], &id).await;
    assert_eq!(alix.texts(&id).await, ["still here"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_message_that_may_have_forked_is_begun_anew() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let made = alix.client().create_dm(&bo.address()).await.unwrap();
    let old = made.conversation.id;
    bo.sync().await;
    let hostile = Hostile::of(alix, &town).await;
    hostile.branches(&old).await;
    hostile.writes(&old, "from elsewhere").await;
    bo.sync().await;
    let shown = fork(&bo, &old).await.unwrap();
    assert!(!shown.can_request && shown.text.contains("new direct message"));
    let error = bo.client().request_readd(&old).await.unwrap_err();
    assert_eq!(error.code(), "readd_unavailable");

    let alix = hostile.repent(&town).await;
    let new = bo.client().create_dm(&alix.address()).await.unwrap();
    assert_ne!(new.conversation.id, old);
    assert_eq!(bo.only_conversation().await, new.conversation.id);
    bo.say(&old, "here we go on").await;
    alix.sync().await;
    for id in [&old, &new.conversation.id] {
        assert_eq!(alix.texts(id).await, ["here we go on"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_super_admin_publishes_the_log_and_others_read_it() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    alix.rename(&id, "Climbers").await;
    bo.say(&id, "with a new key").await;
    // Bo has no say, and has not even decided about the group before writing.
    sync_later(&bo).await;
    let network = town.network();
    let asked = [(id.clone(), 0)];
    let none = network.batch_query_commit_log(&asked).await.unwrap();
    assert!(none[0].items.is_empty());

    sync_later(&alix).await;
    sync_later(&alix).await;
    let page = network.batch_query_commit_log(&asked).await.unwrap();
    let mut log = RemoteLog {
        group_id: id.clone(),
        key: None,
        newest: None,
    };
    for entry in &page[0].items {
        let read = log.accept(entry).unwrap();
        assert_eq!(read.result, CommitResult::Applied.number());
    }
    let debug = alix.client().group_debug(&id).await.unwrap();
    let (_, epoch, authenticator) = log.newest.unwrap();
    assert_eq!(epoch, debug.epoch);
    assert_eq!(authenticator, debug.epoch_authenticator);
    assert_eq!(page[0].items.len() as u64, epoch, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_higher_minimum_version_is_not_lowered_by_an_answer() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    let change = MetadataChange {
        minimum_version: Some("1.10.0".to_owned()),
        ..MetadataChange::default()
    };
    alix.client().update_metadata(&id, change).await.unwrap();
    bo.say(&id, "before").await;
    alix.sync().await;
    let hostile = Hostile::of(bo, &town).await;
    hostile.branches(&id).await;
    let bo = hostile.repent(&town).await;
    alix.rename(&id, "Divers").await;
    sync_later(&alix).await;
    sync_later(&bo).await;
    is_added_again(&bo, &alix, &id).await;
    let metadata = Hostile::of(alix, &town).await.state(&id).await;
    assert_eq!(
        metadata.attribute(ATTRIBUTE_MINIMUM_VERSION),
        Some("1.10.0")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_key_of_the_log_gives_it_to_other_super_admins() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    alix.client()
        .change_role(&id, &bo.inbox_id(), AdminChange::AddSuperAdmin)
        .await
        .unwrap();
    sync_later(&alix).await;
    bo.sync().await;
    let bo = Hostile::of(bo, &town).await;
    let before = bo.state(&id).await;
    let key = before.attribute(ATTRIBUTE_COMMIT_LOG_SIGNER).unwrap();
    bo.does(&id, |state| {
        Raw::default().attribute(state, ATTRIBUTE_COMMIT_LOG_SIGNER, &"00".repeat(32))
    })
    .await;
    // Published, then compared, then put back.
    alix.sync().await;
    sync_later(&alix).await;
    sync_later(&alix).await;
    let bo = bo.repent(&town).await;
    bo.sync().await;
    let now = Hostile::of(bo, &town).await.state(&id).await;
    let shared = now.attribute(ATTRIBUTE_COMMIT_LOG_SIGNER);
    assert_eq!(shared, Some(key));
    let lines = alix.messages(&id).await;
    let shows_key = |text: &str| text.contains(key);
    assert!(!lines.iter().any(|line| {
        shows_key(&String::from_utf8_lossy(&line.content))
            || line.preview.as_deref().is_some_and(shows_key)
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn running_apps_mend_it_by_themselves_once_asked() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    alix.rename(&id, "Climbers").await;
    bo.say(&id, "before").await;
    alix.sync().await;
    sync_later(&alix).await;
    let hostile = Hostile::of(bo, &town).await;
    hostile.branches(&id).await;
    let bo = hostile.repent(&town).await;
    alix.rename(&id, "Divers").await;
    sync_later(&alix).await;
    sync_later(&bo).await;
    assert_eq!(fork(&bo, &id).await.unwrap().state, ForkState::Confirmed);

    let running = [alix.client().start(), bo.client().start()];
    bo.client().request_readd(&id).await.unwrap();
    until("Bo is in again", || async {
        fork(&bo, &id).await.is_none()
    })
    .await;
    bo.client().send(&id, "here I am").await.unwrap();
    until("Alix reads it", || async {
        alix.texts(&id).await == ["before", "here I am"]
    })
    .await;
    for live in running {
        live.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_keys_were_lost_is_shown_and_mended() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    bo.say(&id, "before").await;
    let hostile = Hostile::of(bo, &town).await;
    hostile
        .tries(&id, |state| {
            Raw::default().attribute(state, ATTRIBUTE_NAME, "Divers")
        })
        .await;
    let bo = hostile.repent(&town).await;
    alix.sync().await;
    sync_later(&bo).await;
    let shown = fork(&bo, &id).await.unwrap();
    assert_eq!(shown.reason, "commit_own_lost");
    sync_later(&alix).await;
    sync_later(&bo).await;
    let shown = fork(&bo, &id).await.unwrap();
    assert_eq!(shown.state, ForkState::Confirmed);
    assert_eq!(shown.reason, "commit_own_lost", "the better reason stays");
    is_added_again(&bo, &alix, &id).await;
    assert_eq!(bo.texts(&id).await, ["before"]);
}
