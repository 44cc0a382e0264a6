//! Passkeys of an inbox: added, removed, and one that may revoke.

use conclave_engine::{
    ChangeWarning, EngineError, Identifier, InboxChange, PreparedChange,
    RecoverablePasskeySignature, WalletKey,
};

use crate::{
    actor::{Actor, Town},
    authenticator::Authenticator,
};

fn add(passkey: &Authenticator) -> InboxChange {
    InboxChange::AddPasskey {
        key: passkey.key(),
        relying_party: Some(passkey.origin.clone()),
        reassign: false,
    }
}

fn name(passkey: &Authenticator) -> String {
    hex::encode(passkey.compressed())
}

fn identifier(passkey: &Authenticator) -> Identifier {
    Identifier::passkey(&passkey.compressed(), None).unwrap()
}

fn signed(passkey: &Authenticator, text: &str) -> RecoverablePasskeySignature {
    let assertion = passkey.sign(text);
    RecoverablePasskeySignature {
        public_key: passkey.compressed(),
        signature: assertion.signature,
        authenticator_data: assertion.authenticator_data,
        client_data_json: assertion.client_data_json,
    }
}

async fn prepare(actor: &Actor, change: InboxChange) -> Result<PreparedChange, EngineError> {
    actor.client().prepare_inbox_change(&change).await
}

/// Makes a change that these sign, wallets first.
async fn make(
    actor: &Actor,
    change: InboxChange,
    wallets: &[&WalletKey],
    passkeys: &[&Authenticator],
) {
    let mut prepared = prepare(actor, change).await.unwrap();
    for wallet in wallets {
        prepared.sign(wallet).unwrap();
    }
    for passkey in passkeys {
        let signature = signed(passkey, prepared.signature_text());
        prepared.add_passkey_signature(&signature).unwrap();
    }
    actor.client().apply_inbox_change(prepared).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_added_and_taken_out() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let passkey = Authenticator::new(41);
    let mut shown = prepare(&alix, add(&passkey)).await.unwrap();
    // This installation vouches for it by itself; only the new passkey is asked.
    assert_eq!(shown.signers(), [identifier(&passkey)]);
    let text = shown.signature_text().to_owned();
    // Compressed, although it came with both coordinates.
    let line = format!("- Link passkey to inbox\n  (Passkey: {})", name(&passkey));
    assert!(text.contains(&line), "{text}");

    let (mut elsewhere, mut alone) = (Authenticator::new(41), Authenticator::new(41));
    elsewhere.origin = "https://elsewhere.example".to_owned();
    alone.flags = 0;
    let mut registered = signed(&passkey, &text);
    let client_data = String::from_utf8(registered.client_data_json).unwrap();
    registered.client_data_json = client_data.replace(".get", ".create").into_bytes();
    let mut bent = signed(&passkey, &text);
    bent.authenticator_data.push(0);
    let mut uncompressed = signed(&passkey, &text);
    uncompressed.public_key = passkey.key();
    for (signature, code) in [
        (signed(&passkey, &format!("{text} ")), "wrong_signer"),
        (signed(&Authenticator::new(42), &text), "wrong_signer"),
        (bent, "wrong_signer"),
        (uncompressed, "wrong_signer"),
        (signed(&alone, &text), "passkey_presence_missing"),
        (signed(&elsewhere, &text), "passkey_presence_missing"),
        (registered, "passkey_presence_missing"),
    ] {
        let refused = shown.add_passkey_signature(&signature).unwrap_err();
        assert_eq!(refused.code(), code);
    }
    let by_wallet = shown.sign(&alix.wallet()).unwrap_err();
    assert_eq!(by_wallet.code(), "wrong_signer");
    assert_eq!(
        shown.require_signatures().unwrap_err().code(),
        "signature_missing"
    );

    shown
        .add_passkey_signature(&signed(&passkey, &text))
        .unwrap();
    alix.client().apply_inbox_change(shown).await.unwrap();
    let known = alix.client().own_inbox().await.unwrap();
    assert_eq!(known.passkeys, [name(&passkey)]);
    assert_eq!(known.addresses, [alix.address()]);

    for (actor, change, code) in [
        (&alix, add(&passkey), "wallet_known"),
        (&bo, add(&passkey), "wallet_in_other_inbox"),
        (
            &bo,
            InboxChange::AddPasskey {
                key: vec![2; 32],
                relying_party: None,
                reassign: false,
            },
            "invalid_passkey",
        ),
        (
            &bo,
            InboxChange::RemoveWallet(name(&passkey)),
            "invalid_address",
        ),
    ] {
        let refused = prepare(actor, change).await.unwrap_err();
        assert_eq!(refused.code(), code);
    }

    let remove = InboxChange::RemoveWallet(name(&passkey));
    let shown = prepare(&alix, remove.clone()).await.unwrap();
    assert!(shown.warnings().is_empty());
    assert!(
        shown
            .signature_text()
            .contains("- Unlink passkey from inbox")
    );
    make(&alix, remove, &[&alix.wallet()], &[]).await;
    let known = alix.client().own_inbox().await.unwrap();
    assert!(known.passkeys.is_empty());
    assert!(!alix.client().is_revoked());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_that_may_revoke_signs_in_place_of_a_wallet() {
    let town = Town::new().await;
    let alix = town.device("Alix", "laptop").await;
    let phone = town.device("Alix", "phone").await;
    let (wallet, passkey) = (alix.wallet(), Authenticator::new(43));
    make(&alix, add(&passkey), &[], &[&passkey]).await;

    // Both sign: the passkey proves that somebody has it.
    let over = InboxChange::ChangeRecovery(name(&passkey));
    let shown = prepare(&alix, over.clone()).await.unwrap();
    assert!(shown.warnings().is_empty());
    assert_eq!(shown.signers(), [wallet.identifier(), identifier(&passkey)]);
    make(&alix, over, &[&wallet], &[&passkey]).await;
    let known = alix.client().own_inbox().await.unwrap();
    assert_eq!(known.recovery, name(&passkey));

    let lost = phone.client().account().installation_id;
    let revoke = InboxChange::RevokeInstallations(vec![lost]);
    let mut shown = prepare(&alix, revoke).await.unwrap();
    assert_eq!(shown.signers(), [identifier(&passkey)]);
    assert_eq!(shown.sign(&wallet).unwrap_err().code(), "wrong_signer");
    let signature = signed(&passkey, shown.signature_text());
    shown.add_passkey_signature(&signature).unwrap();
    alix.client().apply_inbox_change(shown).await.unwrap();
    assert!(phone.client().sync_all(&[]).await.is_err());
    assert!(phone.client().is_revoked());

    // It vouches for this device when the wallet that did so goes.
    let remove = InboxChange::RemoveWallet(alix.address());
    let shown = prepare(&alix, remove.clone()).await.unwrap();
    assert_eq!(shown.warnings(), [ChangeWarning::LastWallet]);
    make(&alix, remove, &[], &[&passkey]).await;
    let known = alix.client().own_inbox().await.unwrap();
    assert_eq!((known.addresses.len(), known.installations.len()), (0, 1));
    assert!(!alix.client().is_revoked());

    // It can take itself out, and stays what it is.
    let remove = InboxChange::RemoveWallet(name(&passkey));
    let shown = prepare(&alix, remove.clone()).await.unwrap();
    assert_eq!(shown.warnings(), [ChangeWarning::WalletStaysRecovery]);
    make(&alix, remove, &[], &[&passkey]).await;
    let known = alix.client().own_inbox().await.unwrap();
    assert!(known.passkeys.is_empty());
    assert_eq!(known.recovery, name(&passkey));
    assert!(!alix.client().is_revoked());
}
