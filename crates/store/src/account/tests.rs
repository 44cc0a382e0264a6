use super::*;
use crate::consent::Consent;
use crate::identity_log::IdentityUpdate;
use crate::key_package::NewKeyPackage;
use crate::kinds::{ConsentEntity, ConsentState, CursorKind};
use crate::testing::{ALIX, BO, Folder, alix_account, read, write};
use crate::welcome::FailedWelcome;

#[tokio::test]
async fn a_registration_goes_on_where_it_stopped() {
    let folder = Folder::new();
    let store = folder.open();
    assert!(read(&store, |r| r.account()).await.is_none());
    write(&store, |tx| tx.insert_account(&alix_account())).await;
    store.close().await;

    let store = folder.open();
    let account = read(&store, |r| r.account()).await.unwrap();
    assert!(!account.registered());
    assert_eq!(
        account.pending_identity_update.as_deref(),
        Some(b"identity update".as_slice())
    );
    assert_eq!(
        (account.installation_id, *account.installation_seed),
        ([1; 32], [2; 32])
    );
    assert_eq!(account.hmac_root_key.as_slice(), [3; 42]);
    write(&store, |tx| {
        tx.set_registration(RegistrationStep::IdentityPublished, None)?;
        tx.set_registration(RegistrationStep::Registered, None)?;
        tx.set_next_key_package_rotation(Some(77))?;
        tx.set_wallet_key(Some(&[5; 32]))?;
        tx.set_hmac_root_key(&[6; 42], 5)?;
        tx.set_node_url("https://node.example")
    })
    .await;
    let account = read(&store, |r| r.account()).await.unwrap();
    assert!(account.registered());
    assert_eq!(account.pending_identity_update, None);
    assert_eq!(account.next_key_package_rotation_ns, Some(77));
    assert_eq!(
        account.wallet_key.as_ref().map(|key| key.to_vec()),
        Some(vec![5; 32])
    );
    assert_eq!(account.hmac_root_key.as_slice(), [6; 42]);
    assert_eq!(account.hmac_cycled_at_ns, 5);
    assert_eq!(account.node_url, "https://node.example");
    let printed = format!("{account:?}");
    assert!(
        !printed.contains(ALIX) && !printed.contains("5, 5"),
        "{printed}"
    );
}

#[tokio::test]
async fn there_is_one_account() {
    let folder = Folder::new();
    let store = folder.open();
    let missing = store
        .write(|tx| tx.set_node_url("http://x"))
        .await
        .unwrap_err();
    assert_eq!(missing, StoreError::NotFound("account"));
    write(&store, |tx| tx.insert_account(&alix_account())).await;
    let second = store
        .write(|tx| tx.insert_account(&alix_account()))
        .await
        .unwrap_err();
    assert_eq!(second.code(), "database_error");
    let short = store
        .write(|tx| tx.set_hmac_root_key(&[6; 41], 5))
        .await
        .unwrap_err();
    assert_eq!(short.code(), "database_error");
}

fn update(inbox_id: &str, sequence_id: i64) -> IdentityUpdate {
    IdentityUpdate {
        inbox_id: inbox_id.to_owned(),
        sequence_id,
        server_timestamp_ns: sequence_id * 10,
        payload: vec![1, 2, 3],
    }
}

#[tokio::test]
async fn identity_logs() {
    let folder = Folder::new();
    let store = folder.open();
    let new = write(&store, |tx| {
        let first =
            tx.insert_identity_updates(&[update(ALIX, 1), update(ALIX, 4), update(BO, 2)])?;
        let second = tx.insert_identity_updates(&[update(ALIX, 4), update(ALIX, 7)])?;
        tx.put_association_state(ALIX, 4, b"state")?;
        tx.put_association_state(ALIX, 4, b"state of 4")?;
        tx.put_identifier("0xa11c", 1, ALIX)?;
        tx.put_identifier("0xa11c", 2, BO)?;
        Ok((first, second))
    })
    .await;
    assert_eq!(new, (3, 1));
    read(&store, |r| {
        let mut asked = vec![ALIX.to_owned(), BO.to_owned(), "nobody".to_owned()];
        asked.extend((0..2000).map(|number| format!("stranger {number}")));
        let latest = r.latest_identity_sequences(&asked)?;
        assert_eq!(latest.len(), 2);
        assert_eq!((latest[ALIX], latest[BO]), (7, 2));
        let sequence = |updates: Vec<IdentityUpdate>| {
            updates
                .iter()
                .map(|update| update.sequence_id)
                .collect::<Vec<_>>()
        };
        assert_eq!(sequence(r.identity_updates(ALIX, None)?), [1, 4, 7]);
        assert_eq!(sequence(r.identity_updates(ALIX, Some(4))?), [1, 4]);
        assert_eq!(
            r.association_state(ALIX, 4)?.as_deref(),
            Some(b"state of 4".as_slice())
        );
        assert_eq!(r.association_state(ALIX, 7)?, None);
        assert_eq!(r.inbox_of_identifier("0xa11c", 1)?.as_deref(), Some(ALIX));
        assert_eq!(r.inbox_of_identifier("0xa11c", 2)?.as_deref(), Some(BO));
        assert_eq!(r.inbox_of_identifier("0xb0", 1)?, None);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn old_key_packages_are_erased() {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| {
        assert_eq!(tx.supersede_key_packages(1)?, 0);
        for number in 1..=3_u8 {
            tx.insert_key_package(&NewKeyPackage {
                hash_ref: &[number; 32],
                init_public_key: &[number + 10; 32],
                xwing_public_key: Some(&[number + 20; 1216]),
                xwing_private_key: Some(&[0x77; 32]),
                created_at_ns: i64::from(number),
            })?;
            // The first one is marked twice and keeps its time.
            tx.supersede_key_packages(i64::from(number) * 100)?;
        }
        Ok(())
    })
    .await;
    read(&store, |r| {
        let by_init = r.key_package_by_public_key(&[12; 32])?.unwrap();
        let by_xwing = r.key_package_by_public_key(&[22; 1216])?.unwrap();
        assert!(by_init == by_xwing && by_init.hash_ref == [2; 32]);
        assert_eq!(by_init.xwing_private_key.unwrap().to_vec(), vec![0x77; 32]);
        assert!(r.key_package_by_public_key(&[99; 32])?.is_none());
        assert_eq!(
            r.key_package_by_public_key(&[13; 32])?
                .unwrap()
                .delete_at_ns,
            None
        );
        let due = |at| Ok::<_, StoreError>(r.key_packages_due(at)?.len());
        assert_eq!(
            (due(199)?, due(200)?, due(300)?, due(i64::MAX)?),
            (0, 1, 2, 2)
        );
        Ok(())
    })
    .await;
    write(&store, |tx| {
        for due in tx.key_packages_due(200)? {
            tx.delete_key_package(due.id)?;
        }
        assert!(tx.key_package_by_public_key(&[11; 32])?.is_none());
        // Ids are never used twice, not even the last one's.
        let last = tx.key_package_by_public_key(&[13; 32])?.unwrap().id;
        tx.delete_key_package(last)?;
        let next = tx.insert_key_package(&NewKeyPackage {
            hash_ref: &[9; 32],
            init_public_key: &[9; 32],
            xwing_public_key: None,
            xwing_private_key: None,
            created_at_ns: 9,
        })?;
        assert!(next > last);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn cursors_move_forward_only() {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| {
        assert_eq!(tx.cursor(CursorKind::Group, b"g")?, 0);
        assert!(tx.advance_cursor(CursorKind::Group, b"g", 5)?);
        assert!(!tx.advance_cursor(CursorKind::Group, b"g", 5)?);
        assert!(!tx.advance_cursor(CursorKind::Group, b"g", 4)?);
        assert!(tx.advance_cursor(CursorKind::Group, b"g", i64::MAX)?);
        assert!(tx.advance_cursor(CursorKind::Welcome, b"g", 3)?);
        assert_eq!(tx.cursor(CursorKind::Group, b"g")?, i64::MAX);
        assert_eq!(tx.cursors(CursorKind::Welcome)?, [(b"g".to_vec(), 3)]);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn decisions_are_kept_and_the_latest_wins() {
    let folder = Folder::new();
    let store = folder.open();
    let decision = |state, consented_at_ns| Consent {
        entity_kind: ConsentEntity::Inbox,
        entity: BO.to_owned(),
        state,
        consented_at_ns,
    };
    write(&store, move |tx| {
        assert!(!tx.set_consent(&decision(ConsentState::Unknown, 1))?);
        assert!(tx.set_consent(&decision(ConsentState::Denied, 5))?);
        assert!(!tx.set_consent(&decision(ConsentState::Denied, 6))?);
        assert!(!tx.set_consent(&decision(ConsentState::Allowed, 4))?);
        assert_eq!(
            tx.consent(ConsentEntity::Inbox, BO)?,
            Some(decision(ConsentState::Denied, 6))
        );
        assert_eq!(tx.consent(ConsentEntity::Conversation, BO)?, None);
        assert_eq!(tx.consents(None)?.len(), 1);
        assert_eq!(tx.consents(Some(ConsentEntity::Conversation))?.len(), 0);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn failed_welcomes_and_counters() {
    let folder = Folder::new();
    let store = folder.open();
    let welcome = |sequence_id, next_attempt_ns| FailedWelcome {
        sequence_id,
        bytes: b"welcome".to_vec(),
        reason: "no_key_package".to_owned(),
        attempts: 1,
        next_attempt_ns,
    };
    write(&store, move |tx| {
        tx.put_failed_welcome(&welcome(3, Some(10)))?;
        tx.put_failed_welcome(&welcome(2, None))?;
        tx.put_failed_welcome(&FailedWelcome {
            attempts: 2,
            ..welcome(3, Some(20))
        })?;
        assert_eq!(tx.failed_welcomes()?.len(), 2);
        assert_eq!(tx.failed_welcomes_due(19)?, []);
        assert_eq!(tx.failed_welcomes_due(20)?[0].attempts, 2);
        tx.delete_failed_welcome(3)?;
        assert_eq!(tx.failed_welcomes()?, [welcome(2, None)]);
        tx.count_diagnostic("undecodable_welcome", 5)?;
        tx.count_diagnostic("undecodable_welcome", 9)?;
        let counters = tx.diagnostics()?;
        assert_eq!((counters[0].count, counters[0].last_at_ns), (2, 9));
        Ok(())
    })
    .await;
}
