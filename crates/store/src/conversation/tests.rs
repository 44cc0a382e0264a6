use super::*;
use crate::consent::Consent;
use crate::kinds::ConsentEntity;
use crate::testing::{ALIX, BO, Folder, dm, group, message_id, read, text, write};

async fn list(store: &crate::Store, query: ConversationQuery) -> Vec<u8> {
    read(store, move |r| r.conversations(&query))
        .await
        .into_iter()
        .map(|entry| entry.conversation.id[0])
        .collect()
}

fn decide(number: u8, state: ConsentState) -> Consent {
    Consent {
        entity_kind: ConsentEntity::Conversation,
        entity: ::hex::encode([number; 16]),
        state,
        consented_at_ns: 1,
    }
}

#[tokio::test]
async fn a_conversation_keeps_every_field() {
    let folder = Folder::new();
    let store = folder.open();
    let full = Conversation {
        membership_state: MembershipState::Pending,
        is_active: false,
        name: "Hiking".to_owned(),
        description: "Sundays".to_owned(),
        image_url: "https://image.example".to_owned(),
        app_data: "{}".to_owned(),
        member_count: 3,
        epoch: 4,
        welcome_sequence_id: Some(5),
        rotated_at_ns: 6,
        installations_checked_at_ns: 7,
        paused_for_version: Some("1.11.0".to_owned()),
        fork: ForkState::Confirmed,
        fork_details: "authenticators differ".to_owned(),
        disappear_from_ns: Some(8),
        disappear_in_ns: Some(9),
        ..dm(1)
    };
    let stored = full.clone();
    write(&store, move |tx| tx.insert_conversation(&stored, 0)).await;
    assert_eq!(
        read(&store, |r| r.conversation(&[1; 16])).await,
        Some(full.clone())
    );
    assert_eq!(read(&store, |r| r.conversation(&[2; 16])).await, None);

    write(&store, |tx| {
        tx.update_conversation(&[1; 16], &ConversationChange::default())?;
        tx.update_conversation(
            &[1; 16],
            &ConversationChange {
                name: Some("Biking".to_owned()),
                epoch: Some(5),
                paused_for_version: Some(None),
                disappear_in_ns: Some(Some(10)),
                ..ConversationChange::default()
            },
        )
    })
    .await;
    let changed = Conversation {
        name: "Biking".to_owned(),
        epoch: 5,
        paused_for_version: None,
        disappear_in_ns: Some(10),
        ..full
    };
    assert_eq!(
        read(&store, |r| r.conversation(&[1; 16])).await,
        Some(changed)
    );
    let change = ConversationChange {
        epoch: Some(1),
        ..ConversationChange::default()
    };
    let missing = store
        .write(move |tx| tx.update_conversation(&[9; 16], &change))
        .await;
    assert_eq!(missing, Err(StoreError::NotFound("conversation")));
}

#[tokio::test]
async fn welcomes_of_a_known_conversation() {
    let folder = Folder::new();
    let store = folder.open();
    let welcomed = |sequence, created_at_ns| Conversation {
        welcome_sequence_id: sequence,
        created_at_ns,
        ..group(1)
    };
    write(&store, move |tx| {
        tx.insert_conversation(&welcomed(Some(10), 1), 0)?;
        tx.insert_message(&text(&message_id(1), &[1; 16], 1))
    })
    .await;
    for (sequence, is_new) in [
        (Some(10), false),
        (Some(9), false),
        (None, false),
        (Some(11), true),
    ] {
        let result = store
            .write(move |tx| tx.insert_conversation(&welcomed(sequence, 99), 0))
            .await;
        let expected = if is_new {
            Ok(())
        } else {
            Err(StoreError::DuplicateWelcome)
        };
        assert_eq!(result, expected, "{sequence:?}");
    }
    let entry = read(&store, |r| r.conversation_entry(&[1; 16]))
        .await
        .unwrap();
    assert_eq!(entry.conversation, welcomed(Some(11), 1));
    assert_eq!(entry.summary.unread_count, 1);

    // A restored stub is replaced even by a welcome without a number.
    write(&store, |tx| {
        let stub = Conversation {
            membership_state: MembershipState::Restored,
            is_active: false,
            ..group(2)
        };
        tx.insert_conversation(&stub, 0)?;
        tx.insert_conversation(&group(2), 0)
    })
    .await;
    let replaced = read(&store, |r| r.conversation(&[2; 16])).await.unwrap();
    assert_eq!(replaced, group(2));
}

#[tokio::test]
async fn listing_by_consent_kind_time_and_page() {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| {
        for number in 1..=6 {
            tx.insert_conversation(&group(number), 0)?;
        }
        let sync = Conversation {
            kind: ConversationKind::Sync,
            ..group(7)
        };
        tx.insert_conversation(&sync, 0)?;
        tx.insert_conversation(&dm(8), 0)?;
        tx.set_consent(&decide(1, ConsentState::Allowed))?;
        tx.set_consent(&decide(2, ConsentState::Denied))?;
        tx.set_consent(&decide(3, ConsentState::Unknown))?;
        // The oldest but one becomes the most recently active.
        tx.insert_message(&text(&message_id(1), &[3; 16], 1000))
    })
    .await;
    let all = ConversationQuery::default;
    assert_eq!(list(&store, all()).await, [3, 8, 6, 5, 4, 1]);
    let created = ConversationOrder::Created;
    assert_eq!(
        list(
            &store,
            ConversationQuery {
                order: created,
                ..all()
            }
        )
        .await,
        [8, 6, 5, 4, 3, 1]
    );
    let by_consent = |consent: &[ConsentState]| ConversationQuery {
        consent: consent.to_vec(),
        ..all()
    };
    assert_eq!(
        list(&store, by_consent(&[ConsentState::Allowed])).await,
        [1]
    );
    assert_eq!(list(&store, by_consent(&[ConsentState::Denied])).await, [2]);
    assert_eq!(
        list(&store, by_consent(&[ConsentState::Unknown])).await,
        [3, 8, 6, 5, 4]
    );
    assert_eq!(
        list(&store, by_consent(ConsentState::ALL)).await,
        [3, 8, 6, 5, 4, 2, 1]
    );
    let by_kind = |kinds: &[ConversationKind]| ConversationQuery {
        kinds: kinds.to_vec(),
        ..all()
    };
    assert_eq!(list(&store, by_kind(&[ConversationKind::Sync])).await, [7]);
    assert_eq!(list(&store, by_kind(&[ConversationKind::Dm])).await, [8]);
    let between = ConversationQuery {
        created_after_ns: Some(3),
        created_before_ns: Some(6),
        ..all()
    };
    assert_eq!(list(&store, between).await, [5, 4]);

    for order in [ConversationOrder::Activity, ConversationOrder::Created] {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let query = ConversationQuery {
                order,
                after,
                limit: Some(2),
                ..all()
            };
            let page = read(&store, move |r| r.conversations(&query)).await;
            let Some(last) = page.last() else { break };
            let at = match order {
                ConversationOrder::Activity => last.summary.last_activity_ns,
                ConversationOrder::Created => last.summary.created_at_ns,
            };
            after = Some((at, last.conversation.id.clone()));
            pages.extend(page.iter().map(|entry| entry.conversation.id[0]));
        }
        assert_eq!(
            pages,
            list(&store, ConversationQuery { order, ..all() }).await
        );
    }
}

#[tokio::test]
async fn paging_works_through_equal_times() {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| {
        for number in 1..=9 {
            let same = Conversation {
                created_at_ns: 5,
                ..group(number)
            };
            tx.insert_conversation(&same, 0)?;
        }
        Ok(())
    })
    .await;
    let query = ConversationQuery {
        after: Some((5, vec![7; 16])),
        limit: Some(3),
        ..ConversationQuery::default()
    };
    assert_eq!(list(&store, query).await, [6, 5, 4]);
}

#[tokio::test]
async fn two_dms_with_one_person_are_one_conversation() {
    let folder = Folder::new();
    let store = folder.open();
    let dm_id = format!("dm:{ALIX}:{BO}");
    write(&store, |tx| {
        tx.insert_conversation(&dm(1), 0)?;
        tx.insert_conversation(&dm(2), 0)?;
        tx.set_consent(&decide(4, ConsentState::Allowed))?;
        tx.insert_conversation(&group(3), 0)
    })
    .await;
    // Nothing was said: the greatest id stands for both.
    assert_eq!(list(&store, ConversationQuery::default()).await, [3, 2]);
    // A fresh welcome wins by its time.
    write(&store, |tx| {
        tx.insert_message(&text(&message_id(1), &[1; 16], 100))?;
        tx.insert_message(&text(&message_id(2), &[2; 16], 90))
    })
    .await;
    assert_eq!(list(&store, ConversationQuery::default()).await, [1, 3]);
    write(&store, |tx| tx.insert_conversation(&dm(4), 200)).await;
    assert_eq!(list(&store, ConversationQuery::default()).await, [4, 3]);
    let duplicates = ConversationQuery {
        include_duplicate_dms: true,
        ..ConversationQuery::default()
    };
    assert_eq!(list(&store, duplicates).await, [4, 2, 1, 3]);
    read(&store, |r| {
        for (id, others) in [(4, vec![1, 2]), (1, vec![2, 4]), (3, vec![])] {
            let entry = r.conversation_entry(&[id; 16])?.unwrap();
            let mut duplicates = entry.duplicates;
            duplicates.sort();
            let others: Vec<_> = others.into_iter().map(|other| vec![other; 16]).collect();
            assert_eq!(duplicates, others);
        }
        Ok(())
    })
    .await;

    // The winner shows the newest message and the unread messages of all.
    let summary = read(&store, |r| r.summary(&[4; 16])).await.unwrap();
    assert_eq!(
        summary.last_message_id.as_deref(),
        Some(message_id(1).as_slice())
    );
    assert_eq!((summary.unread_count, summary.last_activity_ns), (2, 100));
    assert_eq!(read(&store, |r| r.total_unread()).await, 2);
    // Read in one is read in all.
    write(&store, |tx| tx.mark_read(&[2; 16], 95)).await;
    for number in [1, 2, 4] {
        let summary = read(&store, move |r| r.summary(&[number; 16]))
            .await
            .unwrap();
        assert_eq!((summary.unread_count, summary.read_up_to_ns), (1, 95));
    }

    let id = dm_id.clone();
    read(&store, move |r| {
        let mut ids = r.stitched_ids(&[1; 16])?;
        ids.sort();
        assert_eq!(ids, [[1; 16], [2; 16], [4; 16]]);
        assert_eq!(r.stitched_ids(&[3; 16])?, [[3; 16]]);
        assert_eq!(r.dm_conversations(&id)?.len(), 3);
        assert_eq!(r.dm_winner(&id)?.unwrap().id, [4; 16]);
        assert_eq!(r.active_conversation(&[1; 16])?.unwrap().id, [4; 16]);
        assert_eq!(r.active_conversation(&[3; 16])?.unwrap().id, [3; 16]);
        assert_eq!(r.active_conversation(&[9; 16])?, None);
        Ok(())
    })
    .await;
    // A restored stub is not written to.
    write(&store, |tx| {
        let restored = Some(MembershipState::Restored);
        tx.update_conversation(
            &[4; 16],
            &ConversationChange {
                membership_state: restored,
                ..ConversationChange::default()
            },
        )
    })
    .await;
    let winner = read(&store, move |r| r.dm_winner(&dm_id)).await;
    assert_eq!(winner.unwrap().id, [1; 16]);

    // Without the winner another stands for them.
    assert!(write(&store, |tx| tx.delete_conversation(&[4; 16])).await);
    assert!(!write(&store, |tx| tx.delete_conversation(&[4; 16])).await);
    assert_eq!(list(&store, ConversationQuery::default()).await, [1, 3]);
}

#[tokio::test]
async fn the_list_is_read_by_its_index() {
    let folder = Folder::new();
    let store = folder.open();
    let plan = |sql: &'static str| {
        let sql = sql.replace("EFFECTIVE", crate::consent::EFFECTIVE);
        read(&store, move |r| {
            #[derive(QueryableByName)]
            struct Step {
                #[diesel(sql_type = Text)]
                detail: String,
            }
            let steps: Vec<Step> =
                r.with(|db| diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(db))?;
            Ok(steps
                .into_iter()
                .map(|step| step.detail)
                .collect::<Vec<_>>()
                .join("\n"))
        })
    };
    // The shape of what `conversations` sends, and of a page of messages.
    let list = plan(
        "SELECT *, EFFECTIVE FROM summaries
         JOIN conversations ON summaries.conversation_id = conversations.id
         WHERE summaries.kind IN (1, 2) AND summaries.is_duplicate = ?
         AND summaries.is_hidden = ? AND EFFECTIVE IN (0, 1)
         ORDER BY summaries.last_activity_ns DESC, summaries.conversation_id DESC",
    )
    .await;
    assert!(list.contains("USING INDEX summaries_by_activity"), "{list}");
    assert!(list.contains("SEARCH person USING PRIMARY KEY"), "{list}");
    assert!(
        !list.contains("TEMP B-TREE") && !list.contains("SCAN summaries"),
        "{list}"
    );
    let page = plan(
        "SELECT * FROM messages WHERE conversation_id IN (?) AND visible = ?
         AND sent_at_ns <= ? AND (sent_at_ns < ? OR row_id < ?)
         ORDER BY sent_at_ns DESC, row_id DESC LIMIT 50",
    )
    .await;
    assert!(page.contains("USING INDEX messages_by_sent"), "{page}");
    assert!(!page.contains("TEMP B-TREE"), "{page}");
}

#[tokio::test]
async fn the_person_decides_where_the_conversation_does_not() {
    use ConsentState::{Allowed, Denied, Unknown};
    let folder = Folder::new();
    let store = folder.open();
    // Of a person and of the conversation itself, and what counts for a group and for a DM.
    let table = [
        (None, None, Unknown, Unknown),
        (None, Some(Allowed), Allowed, Allowed),
        (None, Some(Unknown), Unknown, Unknown),
        (None, Some(Denied), Denied, Denied),
        (Some(Unknown), None, Unknown, Unknown),
        (Some(Unknown), Some(Allowed), Allowed, Allowed),
        (Some(Unknown), Some(Denied), Denied, Denied),
        (Some(Allowed), None, Allowed, Allowed),
        (Some(Allowed), Some(Unknown), Unknown, Unknown),
        (Some(Allowed), Some(Allowed), Allowed, Allowed),
        (Some(Allowed), Some(Denied), Denied, Denied),
        (Some(Denied), None, Denied, Denied),
        (Some(Denied), Some(Unknown), Denied, Denied),
        (Some(Denied), Some(Allowed), Allowed, Denied),
        (Some(Denied), Some(Denied), Denied, Denied),
    ];
    write(&store, |tx| {
        let by_bo = |conversation: Conversation| Conversation {
            creator_inbox_id: BO.to_owned(),
            added_by_inbox_id: BO.to_owned(),
            ..conversation
        };
        tx.insert_conversation(&by_bo(group(1)), 0)?;
        tx.insert_conversation(&by_bo(dm(2)), 0)
    })
    .await;
    for (at_ns, (person, own, of_group, of_dm)) in (1_i64..).zip(table) {
        let consents = [1, 2].map(|number| own.map(|state| decide(number, state)));
        let person = person.map(|state| Consent {
            entity_kind: ConsentEntity::Inbox,
            entity: BO.to_owned(),
            state,
            consented_at_ns: at_ns,
        });
        let case = format!("person {person:?}, itself {own:?}");
        write(&store, move |tx| {
            tx.with(|db| diesel::delete(crate::schema::consents::table).execute(db))?;
            for consent in consents.into_iter().flatten().chain(person) {
                tx.set_consent(&Consent {
                    consented_at_ns: at_ns,
                    ..consent
                })?;
            }
            Ok(())
        })
        .await;
        read(&store, move |r| {
            for (id, expected) in [([1; 16], of_group), ([2; 16], of_dm)] {
                assert_eq!(r.effective_consent(&id)?, expected, "{case}");
                assert_eq!(r.conversation_entry(&id)?.unwrap().consent, expected);
                let listed = r.conversations(&ConversationQuery {
                    consent: vec![expected],
                    ..ConversationQuery::default()
                })?;
                let listed = listed.into_iter().find(|e| e.conversation.id == id);
                assert_eq!(listed.unwrap().consent, expected, "{case}");
            }
            let waiting = [of_group, of_dm].iter().filter(|s| **s == Unknown).count();
            assert_eq!(r.request_count(ALIX)?, i64::try_from(waiting).unwrap());
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn unread_messages_count_only_where_they_are_wanted() {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| {
        for number in 1..=3 {
            tx.insert_conversation(&group(number), 0)?;
            tx.insert_message(&text(&message_id(number.into()), &[number; 16], 5))?;
        }
        tx.set_consent(&decide(1, ConsentState::Allowed))?;
        tx.set_consent(&decide(2, ConsentState::Denied))
    })
    .await;
    assert_eq!(read(&store, |r| r.total_unread()).await, 1);
}

#[tokio::test]
async fn what_is_deleted_here_comes_back_with_the_next_message() {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| {
        tx.insert_conversation(&dm(1), 0)?;
        tx.insert_conversation(&dm(2), 0)?;
        tx.insert_message(&text(&message_id(1), &[1; 16], 5))?;
        tx.insert_message(&text(&message_id(2), &[2; 16], 6))?;
        for id in [[1; 16], [2; 16]] {
            assert_eq!(tx.purge_messages(&id, "leave_request")?, 1);
        }
        tx.hide(&[1; 16])
    })
    .await;
    let all = ConversationQuery::default;
    assert!(list(&store, all()).await.is_empty());
    let hidden = ConversationQuery {
        include_hidden: true,
        ..all()
    };
    assert_eq!(list(&store, hidden).await, [2]);
    write(&store, |tx| {
        // A change of the group is stored and brings nothing back.
        let id = message_id(3);
        let change = crate::message::NewMessage {
            kind: crate::kinds::MessageKind::MembershipChange,
            ..text(&id, &[1; 16], 7)
        };
        tx.insert_message(&change)
    })
    .await;
    assert!(list(&store, all()).await.is_empty());
    write(&store, |tx| {
        tx.insert_message(&text(&message_id(4), &[1; 16], 8))
    })
    .await;
    assert_eq!(list(&store, all()).await, [1]);

    write(&store, |tx| tx.hide(&[1; 16])).await;
    write(&store, |tx| {
        tx.show(&[2; 16]);
        Ok(())
    })
    .await;
    assert_eq!(list(&store, all()).await, [1]);
}
