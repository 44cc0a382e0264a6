//! Direct messages: one conversation, however many groups and devices it consists of.

use conclave_engine::{Body, ConsentState, GroupId, MembershipOutcome, MessageKind, Origin};

use crate::actor::{Actor, Town, agree};

/// The people that lines of commits and welcomes name as added, oldest first.
async fn added(person: &Actor, id: &GroupId) -> Vec<String> {
    let messages = person.messages(id).await.into_iter();
    messages
        .filter(|message| message.kind == MessageKind::MembershipChange)
        .filter_map(
            |message| match Body::decode(&message.content, Origin::Commit).1 {
                Body::GroupUpdated(update) => Some(update.added),
                _ => None,
            },
        )
        .flatten()
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_begin_at_once_and_have_one_conversation() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let (of_alix, of_bo) = (bo.address(), alix.address());
    let (of_alix, of_bo) = tokio::join!(
        alix.client().create_dm(&of_alix),
        bo.client().create_dm(&of_bo)
    );
    let (of_alix, of_bo) = (
        of_alix.unwrap().conversation.id,
        of_bo.unwrap().conversation.id,
    );
    for person in [&alix, &bo] {
        person.sync().await;
        let id = person.only_conversation().await;
        let entry = person.client().conversation(&id).await.unwrap();
        let other = if id == of_alix { &of_bo } else { &of_alix };
        assert_eq!(entry.duplicates, std::slice::from_ref(other));
        assert_eq!(
            entry.consent,
            ConsentState::Allowed,
            "{} began one of them, and the other is the same conversation",
            person.name
        );
    }
    // What is written goes on in one of them, wherever it was opened.
    for number in 0..3 {
        alix.say(&of_alix, &format!("Alix {number}")).await;
        bo.sync().await;
        bo.say(&of_bo, &format!("Bo {number}")).await;
        alix.sync().await;
    }
    let expected = ["Alix 0", "Bo 0", "Alix 1", "Bo 1", "Alix 2", "Bo 2"];
    for person in [&alix, &bo] {
        for id in [&of_alix, &of_bo] {
            assert_eq!(person.texts(id).await, expected, "{}", person.name);
        }
        person.only_conversation().await;
    }
    let used: std::collections::BTreeSet<_> = alix
        .messages(&of_alix)
        .await
        .into_iter()
        .filter(|message| message.kind == MessageKind::Application)
        .skip(1)
        .map(|message| message.conversation_id)
        .collect();
    assert_eq!(used.len(), 1, "all but the first go into one group");
    for id in [&of_alix, &of_bo] {
        agree(&[&alix, &bo], id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_devices_of_both_are_in() {
    let town = Town::new().await;
    let (laptop, phone) = (
        town.device("Alix", "laptop").await,
        town.device("Alix", "phone").await,
    );
    let (desktop, tablet) = (
        town.device("Bo", "desktop").await,
        town.device("Bo", "tablet").await,
    );
    let dm = laptop.client().create_dm(&desktop.address()).await.unwrap();
    let id = dm.conversation.id;
    for device in [&phone, &desktop, &tablet] {
        device.sync().await;
        assert_eq!(device.only_conversation().await, id);
    }
    // Alix' phone knows that Alix began it; Bo is asked.
    let consent = |device: &Actor| {
        let (client, id) = (device.client().clone(), id.clone());
        async move { client.conversation(&id).await.unwrap().consent }
    };
    assert_eq!(consent(&phone).await, ConsentState::Allowed);
    assert_eq!(consent(&tablet).await, ConsentState::Unknown);
    assert_eq!(phone.client().request_count().await.unwrap(), 0);
    // The phone has it, so it does not begin another.
    let again = phone.client().create_dm(&desktop.inbox_id()).await.unwrap();
    assert_eq!(again.conversation.id, id);

    for (device, text) in [
        (&laptop, "1"),
        (&phone, "2"),
        (&desktop, "3"),
        (&tablet, "4"),
    ] {
        device.sync().await;
        device.say(&id, text).await;
    }
    for device in [&laptop, &phone, &desktop, &tablet] {
        device.sync().await;
        assert_eq!(device.texts(&id).await, ["1", "2", "3", "4"]);
        assert_eq!(device.members(&id).await.len(), 2);
    }
    agree(&[&laptop, &phone, &desktop, &tablet], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_begin_it_and_nobody_is_added_twice() {
    let town = Town::new().await;
    let (laptop, phone) = (
        town.device("Alix", "laptop").await,
        town.device("Alix", "phone").await,
    );
    let bo = town.person("Bo").await;
    let first = laptop.client().create_dm(&bo.address()).await.unwrap();
    let second = phone.client().create_dm(&bo.address()).await.unwrap();
    let (first, second) = (first.conversation.id, second.conversation.id);
    assert_ne!(first, second);
    for device in [&laptop, &phone, &bo] {
        device.sync().await;
        device.only_conversation().await;
    }
    assert_eq!(
        added(&bo, &first).await,
        [bo.inbox_id()],
        "the second welcome says nothing new"
    );
    bo.client()
        .set_conversation_consent(&first, ConsentState::Denied)
        .await
        .unwrap();
    for id in [&first, &second] {
        let entry = bo.client().conversation(id).await.unwrap();
        assert_eq!(entry.consent, ConsentState::Denied);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_message_stays_between_two() {
    let town = Town::new().await;
    let (alix, bo, caro) = (
        town.person("Alix").await,
        town.person("Bo").await,
        town.person("Caro").await,
    );
    let dm = alix.client().create_dm(&bo.address()).await.unwrap();
    let id = dm.conversation.id;
    bo.sync().await;
    for person in [&alix, &bo] {
        let refused = |result: Result<MembershipOutcome, conclave_engine::EngineError>| {
            result.unwrap_err().code()
        };
        let who = [caro.address()];
        let code = refused(person.client().add_members(&id, &who).await);
        assert_eq!(code, "direct_message", "{}", person.name);
        let other = if person.name == "Alix" { &bo } else { &alix };
        let who = [other.address()];
        let code = refused(person.client().remove_members(&id, &who).await);
        assert_eq!(code, "direct_message", "{}", person.name);
        let change = conclave_engine::MetadataChange {
            name: Some("Us".into()),
            ..Default::default()
        };
        let error = person.client().update_metadata(&id, change).await;
        assert_eq!(error.unwrap_err().code(), "direct_message");
        let error = person.client().leave(&id).await.unwrap_err();
        assert_eq!(error.code(), "cannot_leave");
    }
}
