//! Wallets of an inbox: added, removed, and the one that may revoke.

use std::sync::Arc;

use conclave_engine::{ChangeWarning, EngineError, Inbox, InboxChange, PreparedChange, WalletKey};

use crate::actor::{Actor, Town, agree, group_of};

fn wallet(seed: u8) -> WalletKey {
    WalletKey::from_bytes(&[seed; 32]).unwrap()
}

fn address(wallet: &WalletKey) -> String {
    wallet.identifier().to_string()
}

fn add(wallet: &WalletKey) -> InboxChange {
    InboxChange::AddWallet {
        address: address(wallet),
        reassign: false,
    }
}

async fn prepare(actor: &Actor, change: InboxChange) -> Result<PreparedChange, EngineError> {
    actor.client().prepare_inbox_change(&change).await
}

async fn code(actor: &Actor, change: InboxChange) -> &'static str {
    prepare(actor, change).await.unwrap_err().code()
}

async fn inbox(actor: &Actor) -> Inbox {
    actor.client().own_inbox().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_wallet_leads_to_the_same_inbox() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let cold = wallet(21);
    let mut shown = prepare(&alix, add(&cold)).await.unwrap();
    // This installation vouches for it by itself; only the new wallet is asked.
    assert_eq!(shown.signers(), [cold.identifier()]);
    assert!(shown.signature_text().contains(&format!(
        "- Link address to inbox\n  (Address: {})",
        address(&cold)
    )));
    assert_eq!(
        shown.sign(&alix.wallet()).unwrap_err().code(),
        "wrong_signer"
    );
    shown.sign(&cold).unwrap();
    alix.client().apply_inbox_change(shown).await.unwrap();
    let known = inbox(&alix).await;
    assert_eq!(known.recovery, alix.address());
    assert_eq!(known.addresses.len(), 2);
    let found = bo.client().resolve(&[address(&cold)]).await.unwrap();
    assert_eq!(found[0].inbox_id, Some(alix.inbox_id()));

    assert_eq!(code(&alix, add(&cold)).await, "wallet_known");
    assert_eq!(
        code(&alix, add(&bo.wallet())).await,
        "wallet_in_other_inbox"
    );
    for malformed in ["", "0x12", "alix.eth", &"a".repeat(64)] {
        let add = InboxChange::AddWallet {
            address: malformed.to_owned(),
            reassign: false,
        };
        assert_eq!(code(&alix, add).await, "invalid_address");
    }
    // Bo gives the address away, and says so.
    let mut moved = prepare(
        &alix,
        InboxChange::AddWallet {
            address: bo.address(),
            reassign: true,
        },
    )
    .await
    .unwrap();
    assert_eq!(moved.warnings(), [ChangeWarning::ReassignsWallet]);
    moved.sign(&bo.wallet()).unwrap();
    alix.client().apply_inbox_change(moved).await.unwrap();
    let found = alix.client().resolve(&[bo.address()]).await.unwrap();
    assert_eq!(found[0].inbox_id, Some(alix.inbox_id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wallet_that_registered_a_device_can_go_without_it() {
    let town = Town::new().await;
    let alix = town.device("Alix", "laptop").await;
    let phone = town.device("Alix", "phone").await;
    let bo = town.person("Bo").await;
    let id = group_of(&bo, &[&alix, &phone]).await;
    let (cold, first) = (wallet(31), alix.wallet());
    alix.change_inbox(add(&cold), &[&cold]).await.unwrap();

    let remove = InboxChange::RemoveWallet(alix.address());
    let shown = prepare(&alix, remove.clone()).await.unwrap();
    assert_eq!(
        shown.warnings(),
        [
            ChangeWarning::EndsInstallationsOfWallet,
            ChangeWarning::WalletStaysRecovery
        ]
    );
    assert_eq!(shown.revoked(), [phone.client().account().installation_id]);

    // First another recovery identity: both sign, because a wrong one would lock the inbox.
    let over = InboxChange::ChangeRecovery(address(&cold));
    let shown = prepare(&alix, over.clone()).await.unwrap();
    assert_eq!(shown.signers(), [first.identifier(), cold.identifier()]);
    let missing = alix
        .change_inbox(over.clone(), &[&first])
        .await
        .unwrap_err();
    assert_eq!(missing.code(), "signature_missing");
    alix.change_inbox(over.clone(), &[&first, &cold])
        .await
        .unwrap();
    assert_eq!(inbox(&alix).await.recovery, address(&cold));
    assert_eq!(code(&alix, over).await, "recovery_unchanged");

    // The old one can't revoke any more.
    let refused = alix
        .change_inbox(remove.clone(), &[&first])
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "wrong_signer");
    alix.change_inbox(remove.clone(), &[&cold]).await.unwrap();
    let known = inbox(&alix).await;
    assert_eq!(known.addresses, [address(&cold)]);
    let kept = alix.client().account().installation_id;
    assert_eq!(known.installations.len(), 1);
    assert_eq!(known.installations[0].id, kept);
    assert_eq!(code(&alix, remove).await, "not_own_wallet");
    assert!(!alix.client().is_revoked());

    // The device works on; the phone, which the wallet had added, is out.
    alix.sync().await;
    alix.say(&id, "Still me").await;
    bo.sync().await;
    assert_eq!(bo.texts(&id).await, ["Still me"]);
    assert_eq!(bo.client().group_debug(&id).await.unwrap().leaf_count, 2);
    agree(&[&alix, &bo], &id).await;
    assert!(phone.client().sync_all(&[]).await.is_err());
    assert!(phone.client().is_revoked());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recovery_wallet_can_leave_its_inbox() {
    let town = Town::new().await;
    let alix = town.person("Alix").await;
    let remove = InboxChange::RemoveWallet(alix.address());
    let shown = prepare(&alix, remove.clone()).await.unwrap();
    assert_eq!(
        shown.warnings(),
        [
            ChangeWarning::WalletStaysRecovery,
            ChangeWarning::LastWallet
        ]
    );
    alix.change_inbox(remove, &[&alix.wallet()]).await.unwrap();
    let known = inbox(&alix).await;
    assert!(known.addresses.is_empty());
    assert_eq!(known.recovery, alix.address());
    assert_eq!(known.installations.len(), 1);
    assert!(!alix.client().is_revoked());
    // It is a warning, not a loss: what it may do, it may still do.
    alix.change_inbox(add(&alix.wallet()), &[&alix.wallet()])
        .await
        .unwrap();
    assert_eq!(inbox(&alix).await.addresses, [alix.address()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_ten_devices_room_is_made_before_registering() {
    let town = Town::new().await;
    let network = town.network();
    let mut ten = Vec::new();
    for number in 0..10 {
        let device = format!("device {number}");
        ten.push(
            town.device_over(Arc::clone(&network), "Alix", &device)
                .await,
        );
    }
    let mut eleventh = Actor::stranger("Alix");
    eleventh.open().await;
    let engine = eleventh.engine.clone().unwrap();
    let wallet = eleventh.wallet();
    let prepared = engine.prepare(&network, wallet.clone()).await.unwrap();
    assert_eq!(prepared.installations().len(), 10);
    let refused = engine
        .register(Arc::clone(&network), &town.url(), Some(prepared), &|_| {})
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "too_many_installations");
    assert_eq!(engine.account().await.unwrap(), None);

    let found = engine
        .inbox_of(&network, &wallet.identifier())
        .await
        .unwrap();
    assert_eq!(found.installations.len(), Inbox::MAX_INSTALLATIONS);
    let oldest = ten[0].client().account().installation_id;
    let revoke = InboxChange::RevokeInstallations(vec![oldest]);
    let identifier = wallet.identifier();
    let mut change = engine
        .prepare_inbox_change(&network, &identifier, &revoke)
        .await
        .unwrap();
    change.sign(&wallet).unwrap();
    engine.apply_inbox_change(&network, change).await.unwrap();

    let prepared = engine.prepare(&network, wallet).await.unwrap();
    assert_eq!(prepared.installations().len(), 9);
    engine
        .register(Arc::clone(&network), &town.url(), Some(prepared), &|_| {})
        .await
        .unwrap();
    assert!(engine.account().await.unwrap().unwrap().registered);
    assert!(ten[0].client().sync_all(&[]).await.is_err());
    assert!(ten[0].client().is_revoked());
    assert!(!ten[1].client().is_revoked());

    // Who is nobody here has nothing to revoke.
    let stranger = WalletKey::from_bytes(&[99; 32]).unwrap().identifier();
    let nobody = engine.inbox_of(&network, &stranger).await.unwrap_err();
    assert_eq!(nobody.code(), "no_inbox");
}
