//! Installations of an inbox: listed, revoked, and what a revoked one still can.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use conclave_engine::{
    ChangeWarning, Clock as _, EngineError, Event, InboxChange, InstallationId, InstallationKeys,
    Network, PreparedChange, SystemClock, WalletKey,
};
use conclave_identity::{InboxId, InstallationKey, UpdateBuilder};
use tokio::sync::broadcast::Receiver;

use crate::{
    actor::{Actor, Town, agree, group_of, until},
    held_network::HeldNetwork,
};

fn device(actor: &Actor) -> InstallationId {
    actor.client().account().installation_id
}

async fn devices(actor: &Actor) -> Vec<InstallationId> {
    let inbox = actor.client().own_inbox().await.unwrap();
    inbox.installations.into_iter().map(|one| one.id).collect()
}

/// Alix's laptop and phone.
async fn laptop_and_phone(town: &Town) -> (Actor, Actor) {
    let laptop = town.device("Alix", "laptop").await;
    (laptop, town.device("Alix", "phone").await)
}

/// Waits until somebody is told that this device was revoked.
async fn told_of_revocation(events: &mut Receiver<Event>) {
    let told = tokio::time::timeout(Duration::from_secs(30), async {
        while !matches!(events.recv().await, Ok(Event::Revoked)) {}
    });
    told.await.unwrap();
}

/// What a person signs and publishes.
async fn change(actor: &Actor, change: InboxChange) -> Result<(), EngineError> {
    actor.change_inbox(change, &[&actor.wallet()]).await
}

async fn prepared(actor: &Actor, change: InboxChange) -> Result<PreparedChange, String> {
    let prepared = actor.client().prepare_inbox_change(&change).await;
    prepared.map_err(|error| error.code().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_phone_is_out_of_every_group_and_says_so() {
    let town = Town::new().await;
    let (alix, phone) = laptop_and_phone(&town).await;
    let bo = town.person("Bo").await;
    let hikers = group_of(&alix, &[&bo]).await;
    let dm = alix.client().create_dm(&bo.address()).await.unwrap();
    let dm = dm.conversation.id;
    phone.sync().await;
    phone.say(&hikers, "From the phone").await;
    for id in [&hikers, &dm] {
        assert_eq!(leaves(&alix, id).await, 3);
    }

    alix.client().check_own_inbox().await.unwrap();
    assert_eq!(devices(&alix).await, [device(&alix), device(&phone)]);
    let wanted = InboxChange::RevokeInstallations(vec![device(&phone), device(&phone)]);
    let mut shown = prepared(&alix, wanted).await.unwrap();
    assert_eq!(shown.revoked(), [device(&phone)]);
    assert_eq!(shown.warnings(), []);
    assert_eq!(shown.signers(), [alix.wallet().identifier()]);
    let line = format!(
        "- Revoke messaging access from app\n  (ID: {})",
        device(&phone)
    );
    assert_eq!(shown.signature_text().matches(&line).count(), 1);
    shown.sign(&alix.wallet()).unwrap();
    alix.client().apply_inbox_change(shown).await.unwrap();
    assert_eq!(devices(&alix).await, [device(&alix)]);

    // Without anybody writing: it is out of both groups, for the others too.
    for id in [&hikers, &dm] {
        assert_eq!(leaves(&alix, id).await, 2);
    }
    bo.sync().await;
    agree(&[&alix, &bo], &hikers).await;
    bo.say(&hikers, "Only the laptop reads this").await;

    // The phone hears of it by the next thing it does; nothing leaves it any more.
    phone.wait(Duration::from_secs(10));
    let waiting = phone.client().send(&hikers, "Still here?").await.unwrap();
    let refused = phone.client().sync_all(&[]).await.unwrap_err();
    assert_eq!(refused.code(), "installation_revoked");
    assert!(phone.client().is_revoked());
    let shown = phone.messages(&hikers).await;
    let waiting = shown.iter().find(|one| one.id == waiting.id).unwrap();
    assert_eq!(waiting.delivery, conclave_engine::Delivery::Failed);
    for refused in [
        phone.client().send(&hikers, "And now?").await.unwrap_err(),
        phone.client().group_sync(&hikers).await.unwrap_err(),
        phone
            .client()
            .create_group(&crate::actor::group(&[], "Notes"))
            .await
            .unwrap_err(),
        phone.client().leave(&hikers).await.unwrap_err(),
        phone
            .client()
            .add_members(&hikers, &[bo.address()])
            .await
            .unwrap_err(),
    ] {
        assert_eq!(refused.code(), "installation_revoked");
    }
    assert!(
        phone
            .texts(&hikers)
            .await
            .contains(&"From the phone".to_owned())
    );
    bo.sync().await;
    alix.sync().await;
    for person in [&alix, &bo] {
        let texts = person.texts(&hikers).await;
        assert_eq!(texts, ["From the phone", "Only the laptop reads this"]);
    }
}

async fn leaves(actor: &Actor, id: &conclave_engine::GroupId) -> usize {
    let debug = actor.client().group_debug(id).await.unwrap();
    debug.leaf_count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_stays_revoked_after_a_restart_and_can_be_read() {
    let town = Town::new().await;
    let (alix, mut phone) = laptop_and_phone(&town).await;
    let bo = town.person("Bo").await;
    let id = group_of(&bo, &[&alix, &phone]).await;
    alix.say(&id, "Hello").await;
    phone.sync().await;
    change(&alix, InboxChange::RevokeOtherInstallations)
        .await
        .unwrap();
    assert!(phone.client().sync_all(&[]).await.is_err());
    phone.restart(&town).await;
    assert!(phone.client().is_revoked());
    assert_eq!(phone.texts(&id).await, ["Hello"]);
    let mut events = phone.client().events();
    let live = phone.client().start();
    told_of_revocation(&mut events).await;
    live.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_device_notices_its_revocation_and_stops() {
    let town = Town::new().await;
    let (alix, phone) = laptop_and_phone(&town).await;
    let bo = town.person("Bo").await;
    let id = group_of(&bo, &[&alix, &phone]).await;
    let mut events = phone.client().events();
    let live = phone.client().start();
    until("the phone is online", || async {
        phone.client().connection() == conclave_engine::Connection::Online
    })
    .await;
    change(&alix, InboxChange::RevokeOtherInstallations)
        .await
        .unwrap();
    // The commit that takes it out makes it look at its inbox.
    until("the phone knows", || async { phone.client().is_revoked() }).await;
    told_of_revocation(&mut events).await;
    until("the phone is not connected", || async {
        phone.client().connection() == conclave_engine::Connection::Idle
    })
    .await;
    let refused = phone.client().send(&id, "Hm").await.unwrap_err();
    assert_eq!(refused.code(), "installation_revoked");
    live.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_is_in_all_groups_as_soon_as_another_one_looks() {
    let town = Town::new().await;
    let alix = town.device("Alix", "laptop").await;
    let (bo, caro) = (town.person("Bo").await, town.person("Caro").await);
    let of_bo = group_of(&bo, &[&alix]).await;
    let of_caro = group_of(&caro, &[&alix]).await;
    alix.sync().await;
    let phone = town.device("Alix", "phone").await;
    // A minute later; nobody writes.
    alix.wait(Duration::from_secs(60));
    alix.sync().await;
    phone.sync().await;
    for id in [&of_bo, &of_caro] {
        assert!(phone.client().conversation(id).await.is_ok());
        agree(&[&alix, &phone], id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_devices_follow_by_a_background_check() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    let phone = town.device("Bo", "Bo's phone").await;
    // Half an hour later, without anybody writing and without Bo's other device.
    alix.wait(Duration::from_secs(31 * 60));
    alix.sync().await;
    phone.sync().await;
    assert_eq!(phone.only_conversation().await, id);
    town.revoke(&bo, device(&phone)).await;
    alix.wait(Duration::from_secs(31 * 60));
    alix.sync().await;
    assert_eq!(leaves(&alix, &id).await, 2);
    bo.sync().await;
    agree(&[&alix, &bo], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_revoked_is_named() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let phone = town.device("Alix", "phone").await;
    let revoke = |ids: &[InstallationId]| InboxChange::RevokeInstallations(ids.to_vec());
    for (wanted, code) in [
        (revoke(&[]), "nothing_to_revoke"),
        (revoke(&[device(&bo)]), "unknown_installation"),
        (
            revoke(&[device(&phone), device(&bo)]),
            "unknown_installation",
        ),
    ] {
        assert_eq!(prepared(&alix, wanted).await.unwrap_err(), code);
    }
    let others = InboxChange::RevokeOtherInstallations;
    assert_eq!(
        prepared(&bo, others.clone()).await.unwrap_err(),
        "nothing_to_revoke"
    );

    // Only the recovery identity signs, over exactly this text.
    let mut unsigned = prepared(&alix, others.clone()).await.unwrap();
    let mut other_text = prepared(&alix, revoke(&[device(&alix)])).await.unwrap();
    assert_eq!(other_text.warnings(), [ChangeWarning::EndsThisInstallation]);
    assert_eq!(
        unsigned.sign(&bo.wallet()).unwrap_err().code(),
        "wrong_signer"
    );
    let foreign = alix
        .wallet()
        .sign_text(other_text.signature_text())
        .unwrap();
    for bad in [&foreign[..], &foreign[..64], &[], &[0; 65]] {
        let refused = unsigned.add_signature(bad).unwrap_err();
        assert_eq!(refused.code(), "wrong_signer");
    }
    let missing = alix.client().apply_inbox_change(unsigned).await;
    assert_eq!(missing.unwrap_err().code(), "signature_missing");
    other_text.add_signature(&foreign).unwrap();
    assert!(other_text.signers().is_empty());

    // The same signed twice, as on two computers: the second one comes to nothing, and says so.
    alix.wait(Duration::from_secs(10));
    let mut late = prepared(&alix, others.clone()).await.unwrap();
    late.sign(&alix.wallet()).unwrap();
    alix.wait(Duration::from_secs(10));
    change(&alix, others).await.unwrap();
    assert_eq!(devices(&alix).await, [device(&alix)]);
    alix.client().apply_inbox_change(late).await.unwrap();
    assert_eq!(devices(&alix).await, [device(&alix)]);
    // A change that the rules refuse by now is refused here, with a name.
    let own = revoke(&[device(&alix)]);
    let mut by_old = prepared(&alix, own).await.unwrap();
    by_old.sign(&alix.wallet()).unwrap();
    let new = WalletKey::from_bytes(&[41; 32]).unwrap();
    let over = InboxChange::ChangeRecovery(new.identifier().to_string());
    let mut over = prepared(&alix, over).await.unwrap();
    assert_eq!(over.warnings(), [ChangeWarning::RecoveryIsNoMember]);
    over.sign(&new).unwrap();
    over.sign(&alix.wallet()).unwrap();
    alix.client().apply_inbox_change(over).await.unwrap();
    let refused = alix.client().apply_inbox_change(by_old).await;
    assert_eq!(refused.unwrap_err().code(), "inbox_changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_own_device_can_be_revoked_by_itself() {
    let town = Town::new().await;
    let (alix, phone) = laptop_and_phone(&town).await;
    let bo = town.person("Bo").await;
    let id = group_of(&bo, &[&alix, &phone]).await;
    let own = vec![device(&phone)];
    change(&phone, InboxChange::RevokeInstallations(own))
        .await
        .unwrap();
    assert!(phone.client().is_revoked());
    // It can't take itself out; the laptop does.
    alix.wait(Duration::from_secs(60));
    alix.sync().await;
    assert_eq!(leaves(&alix, &id).await, 2);
    bo.sync().await;
    agree(&[&alix, &bo], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_have_the_names_that_a_person_gave_them() {
    let town = Town::new().await;
    let (alix, phone) = laptop_and_phone(&town).await;
    let client = alix.client();
    client.check_own_inbox().await.unwrap();
    client
        .name_installation(device(&phone), "  Pocket ")
        .await
        .unwrap();
    let names = |inbox: conclave_engine::Inbox| -> Vec<Option<String>> {
        inbox
            .installations
            .into_iter()
            .map(|one| one.name)
            .collect()
    };
    let shown = names(client.own_inbox().await.unwrap());
    assert_eq!(shown, [None, Some("Pocket".to_owned())]);
    client.name_installation(device(&phone), "").await.unwrap();
    assert_eq!(names(client.own_inbox().await.unwrap()), [None, None]);
    let stranger = InstallationId::new([9; 32]);
    let refused = client.name_installation(stranger, "x").await.unwrap_err();
    assert_eq!(refused.code(), "unknown_installation");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_on_a_bad_line_is_made_once_and_followed_later() {
    let town = Town::new().await;
    let held = HeldNetwork::new(town.network());
    let network = Arc::clone(&held) as Arc<dyn Network>;
    let alix = town.device_over(network, "Alix", "laptop").await;
    let phone = town.device("Alix", "phone").await;
    let bo = town.person("Bo").await;
    let id = group_of(&bo, &[&alix, &phone]).await;

    // Nothing gets out: nothing is changed, and the error says so.
    held.is_cut.store(true, Ordering::SeqCst);
    let others = InboxChange::RevokeOtherInstallations;
    let refused = change(&alix, others.clone()).await.unwrap_err();
    assert_eq!(refused.code(), "node_unreachable");
    alix.client().check_own_inbox().await.unwrap();
    assert_eq!(devices(&alix).await.len(), 2);
    held.is_cut.store(false, Ordering::SeqCst);

    // The answer is lost: what the network has is looked up. Meanwhile groups can't be reached.
    held.is_deaf.store(true, Ordering::SeqCst);
    alix.wait(Duration::from_secs(2));
    let mut prepared = prepared(&alix, others).await.unwrap();
    prepared.sign(&alix.wallet()).unwrap();
    alix.client().apply_inbox_change(prepared).await.unwrap();
    assert_eq!(devices(&alix).await, [device(&alix)]);
    held.is_deaf.store(false, Ordering::SeqCst);

    alix.sync().await;
    assert_eq!(leaves(&alix, &id).await, 2);
    bo.sync().await;
    agree(&[&alix, &bo], &id).await;
    // To the revoked one all others are what is left.
    phone.client().check_own_inbox().await.unwrap();
    let others = InboxChange::RevokeOtherInstallations;
    let refused = phone.client().prepare_inbox_change(&others).await;
    assert_eq!(refused.unwrap_err().code(), "installation_revoked");
}

/// What the node is known to have of somebody's installations, the longest known first.
async fn keys(actor: &Actor) -> Vec<InstallationKeys> {
    let inbox = actor.client().own_inbox().await.unwrap();
    let all = inbox.installations.into_iter();
    all.map(|one| one.keys).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_tell_when_their_keys_were_renewed() {
    let town = Town::new().await;
    let before_ns = SystemClock.now_ns();
    let (alix, phone) = laptop_and_phone(&town).await;
    // One that never published any, as after a registration that broke off.
    let (lost, wallet) = (InstallationKey::generate().unwrap(), alix.wallet());
    let inbox_id = InboxId::try_from(alix.inbox_id()).unwrap();
    let now_ns = u64::try_from(SystemClock.now_ns()).unwrap();
    let builder = UpdateBuilder::new(inbox_id, now_ns).add(lost.id(), wallet.identifier());
    let mut update = builder.build().unwrap();
    update.sign_with_installation(&lost).unwrap();
    let signature = wallet.sign_text(update.text()).unwrap();
    update.add_wallet_signature(&signature).unwrap();
    let update = update.finish().unwrap();
    let network = town.network();
    network.publish_identity_update(update).await.unwrap();

    alix.client().check_own_inbox().await.unwrap();
    assert_eq!(
        devices(&alix).await,
        [device(&alix), device(&phone), lost.id()]
    );
    assert_eq!(keys(&alix).await, [InstallationKeys::Unknown; 3]);
    alix.client().check_own_keys().await.unwrap();
    let after_ns = SystemClock.now_ns();
    let known = keys(&alix).await;
    for renewed in &known[..2] {
        let InstallationKeys::Renewed { at_ns } = renewed else {
            panic!("{renewed:?}");
        };
        // The key says the second.
        let second_ns = i64::try_from(*at_ns).unwrap();
        assert!((before_ns - 1_000_000_000..=after_ns).contains(&second_ns));
    }
    assert_eq!(known[2], InstallationKeys::Unusable);

    // Nobody adds a device with keys that end within two weeks.
    let day = Duration::from_secs(24 * 60 * 60);
    alix.wait(69 * day);
    alix.client().check_own_keys().await.unwrap();
    assert_eq!(keys(&alix).await, known);
    alix.wait(2 * day);
    alix.client().check_own_keys().await.unwrap();
    assert_eq!(keys(&alix).await, [InstallationKeys::Unusable; 3]);
}
