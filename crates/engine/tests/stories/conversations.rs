//! People talk.

use conclave_engine::{Delivery, MessageKind, MetadataChange, RefusedReason};

use crate::actor::{Town, agree, group, until};

#[tokio::test(flavor = "multi_thread")]
async fn alix_and_bo_talk_in_a_group_and_both_restart() {
    let town = Town::new().await;
    let (mut alix, mut bo) = (town.person("Alix").await, town.person("Bo").await);

    let (made, failed) = alix
        .client()
        .create_group(&group(&[bo.address()], "Hikers"))
        .await
        .unwrap();
    assert!(failed.is_empty());
    let id = made.conversation.id;
    assert_eq!(bo.client().sync().await.unwrap(), 1);
    assert_eq!(bo.only_conversation().await, id);
    assert_eq!(
        bo.client()
            .conversation(&id)
            .await
            .unwrap()
            .conversation
            .name,
        "Hikers"
    );

    assert_eq!(alix.client().request_count().await.unwrap(), 0);
    assert_eq!(bo.client().request_count().await.unwrap(), 1);

    alix.say(&id, "Up the hill?").await;
    bo.sync().await;
    bo.say(&id, "Yes.").await;
    assert_eq!(
        bo.client().request_count().await.unwrap(),
        0,
        "answering accepts"
    );
    alix.sync().await;
    for person in [&alix, &bo] {
        assert_eq!(person.texts(&id).await, ["Up the hill?", "Yes."]);
    }
    agree(&[&alix, &bo], &id).await;

    alix.restart(&town).await;
    bo.restart(&town).await;
    bo.say(&id, "I am back.").await;
    alix.sync().await;
    assert_eq!(
        alix.texts(&id).await,
        ["Up the hill?", "Yes.", "I am back."]
    );
    agree(&[&alix, &bo], &id).await;
    for message in alix.messages(&id).await {
        assert_eq!(message.delivery, Delivery::Published);
        assert_ne!(message.kind, MessageKind::Gap);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_waits_until_a_sync_publishes_it() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let (made, _) = alix
        .client()
        .create_group(&group(&[bo.address()], ""))
        .await
        .unwrap();
    let id = made.conversation.id;

    let sent = alix.client().send(&id, "Waiting").await.unwrap();
    assert_eq!(sent.delivery, Delivery::Unpublished);
    bo.sync().await;
    assert!(bo.texts(&id).await.is_empty());

    let report = alix.client().group_sync(&id).await.unwrap();
    assert!(report.published >= 1, "{report:?}");
    assert_eq!(
        alix.client().message(&sent.id).await.unwrap().delivery,
        Delivery::Published
    );
    bo.sync().await;
    assert_eq!(bo.texts(&id).await, ["Waiting"]);
    let received = bo.client().message(&sent.id).await.unwrap();
    assert_eq!(received.sender_inbox_id, alix.inbox_id());
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_added_and_removed_and_the_name_changes() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let (caro, davon) = (town.person("Caro").await, town.person("Davon").await);
    let (made, _) = alix
        .client()
        .create_group(&group(&[bo.address()], ""))
        .await
        .unwrap();
    let id = made.conversation.id;

    let added = alix
        .client()
        .add_members(&id, &[caro.address(), davon.inbox_id(), bo.address()])
        .await
        .unwrap();
    assert_eq!(added.changed.len(), 2, "Bo is in already");
    for person in [&bo, &caro, &davon] {
        person.sync().await;
    }
    agree(&[&alix, &bo, &caro, &davon], &id).await;
    assert_eq!(caro.members(&id).await.len(), 4);

    caro.rename(&id, "Climbers").await;
    davon.sync().await;
    assert_eq!(
        davon
            .client()
            .conversation(&id)
            .await
            .unwrap()
            .conversation
            .name,
        "Climbers"
    );

    let removed = alix
        .client()
        .remove_members(&id, &[bo.address()])
        .await
        .unwrap();
    assert_eq!(removed.changed, [bo.inbox_id()]);
    for person in [&bo, &caro, &davon] {
        person.sync().await;
    }
    agree(&[&alix, &caro, &davon], &id).await;
    let seen_by_bo = bo.client().conversation(&id).await.unwrap().conversation;
    assert!(!seen_by_bo.is_active);
    let refused = bo.client().send(&id, "Hello?").await.unwrap_err();
    assert_eq!(refused.code(), "conversation_inactive");

    caro.say(&id, "Only for us").await;
    davon.sync().await;
    assert_eq!(davon.texts(&id).await, ["Only for us"]);

    alix.client()
        .add_members(&id, &[bo.address()])
        .await
        .unwrap();
    bo.sync().await;
    alix.say(&id, "Welcome back").await;
    bo.sync().await;
    assert_eq!(bo.texts(&id).await, ["Welcome back"]);
    agree(&[&alix, &bo], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_may_not_do_what_the_rules_forbid() {
    let town = Town::new().await;
    let (alix, bo, caro) = (
        town.person("Alix").await,
        town.person("Bo").await,
        town.person("Caro").await,
    );
    let who = [bo.address(), caro.address()];
    let (made, _) = alix.client().create_group(&group(&who, "")).await.unwrap();
    let id = made.conversation.id;
    bo.sync().await;
    let refused = bo
        .client()
        .remove_members(&id, &[caro.address()])
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "denied_by_policy");
    let refused = bo
        .client()
        .remove_members(&id, &[alix.address()])
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "denied_by_policy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_one_reaches_all_devices() {
    let town = Town::new().await;
    let (laptop, desktop) = (
        town.device("Alix", "laptop").await,
        town.device("Alix", "desktop").await,
    );
    let (made, _) = laptop
        .client()
        .create_group(&group(&[], "Notes"))
        .await
        .unwrap();
    let id = made.conversation.id;
    desktop.sync().await;
    laptop.say(&id, "Milk").await;
    desktop.sync().await;
    assert_eq!(desktop.texts(&id).await, ["Milk"]);

    let phone = town.device("Alix", "phone").await;
    // The next send follows the inbox.
    until("the phone is in the group", || async {
        laptop.say(&id, "Bread").await;
        phone.sync().await;
        phone.client().conversation(&id).await.is_ok()
    })
    .await;
    laptop.say(&id, "Eggs").await;
    phone.sync().await;
    assert_eq!(phone.texts(&id).await.last().unwrap(), "Eggs");
    desktop.sync().await;
    agree(&[&laptop, &desktop, &phone], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn direct_messages_that_were_begun_twice_are_one() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let of_alix = alix
        .client()
        .create_dm(&bo.address())
        .await
        .unwrap()
        .conversation
        .id;
    let of_bo = bo
        .client()
        .create_dm(&alix.inbox_id())
        .await
        .unwrap()
        .conversation
        .id;
    assert_ne!(of_alix, of_bo);
    alix.sync().await;
    bo.sync().await;
    alix.client().send(&of_alix, "One").await.unwrap();
    alix.sync().await;
    bo.sync().await;
    bo.client().send(&of_bo, "Two").await.unwrap();
    bo.sync().await;
    alix.sync().await;
    for person in [&alix, &bo] {
        person.only_conversation().await;
        assert_eq!(
            person.texts(&of_alix).await,
            ["One", "Two"],
            "{}",
            person.name
        );
        assert_eq!(
            person.texts(&of_bo).await,
            ["One", "Two"],
            "{}",
            person.name
        );
    }
    let again = alix.client().create_dm(&bo.address()).await.unwrap();
    assert!([of_alix, of_bo].contains(&again.conversation.id));
    assert_eq!(
        alix.client()
            .create_dm(&alix.address())
            .await
            .unwrap_err()
            .code(),
        "direct_message"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_bring_messages_in_order_without_a_sync() {
    use futures::StreamExt;
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let live = [alix.client().start(), bo.client().start()];
    let mut arrivals = Box::pin(bo.client().stream_all_messages(vec![]).await.unwrap());
    let mut conversations = Box::pin(bo.client().stream().await.unwrap());

    let (made, _) = alix
        .client()
        .create_group(&group(&[bo.address()], ""))
        .await
        .unwrap();
    let id = made.conversation.id;
    let announced = conversations.next().await.unwrap().unwrap();
    assert_eq!(announced.conversation.id, id);
    for number in 0..50 {
        alix.client().send(&id, &format!("{number}")).await.unwrap();
    }
    let mut texts = Vec::new();
    while texts.len() < 50 {
        let message = arrivals.next().await.unwrap().unwrap();
        if message.kind == MessageKind::Application {
            texts.push(message.preview.unwrap());
        }
    }
    assert_eq!(
        texts,
        (0..50).map(|number| number.to_string()).collect::<Vec<_>>()
    );
    drop((arrivals, conversations));
    for live in live {
        live.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_writes_and_changes_the_group_at_once() {
    let town = Town::new().await;
    let people = [
        town.person("Alix").await,
        town.person("Bo").await,
        town.person("Caro").await,
        town.person("Davon").await,
    ];
    let who: Vec<String> = people[1..].iter().map(|person| person.address()).collect();
    let (made, _) = people[0]
        .client()
        .create_group(&group(&who, ""))
        .await
        .unwrap();
    let id = made.conversation.id;
    for person in &people {
        person.sync().await;
    }
    let turns = people.iter().map(|person| {
        let id = id.clone();
        async move {
            for number in 0..10 {
                let text = format!("{} {number}", person.name);
                person.client().send(&id, &text).await.unwrap();
                person.client().group_sync(&id).await.unwrap();
                let name = Some(format!("{} {number}", person.name));
                let change = MetadataChange {
                    name,
                    ..MetadataChange::default()
                };
                // Others may always be first; then the change waits.
                if let Err(error) = person.client().update_metadata(&id, change).await {
                    assert_eq!(error.code(), "unsettled");
                }
            }
        }
    });
    futures::future::join_all(turns).await;
    // Changes that waited go out now, and meet each other.
    for _ in 0..4 {
        for person in &people {
            person.sync().await;
        }
    }
    let people: Vec<_> = people.iter().collect();
    agree(&people, &id).await;
    let expected = people[0].texts(&id).await;
    assert_eq!(expected.len(), 40);
    for person in &people {
        assert_eq!(person.texts(&id).await, expected, "{}", person.name);
        assert!(
            person
                .messages(&id)
                .await
                .iter()
                .all(|m| m.kind != MessageKind::Gap)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_added_through_a_pointer() {
    let town = Town::new().await;
    let alix = town.person("Alix").await;
    let mut others = Vec::new();
    for name in ["Bo", "Caro", "Davon", "Eri", "Fritz"] {
        others.push(town.person(name).await);
    }
    let who: Vec<String> = others.iter().map(|person| person.address()).collect();
    let (made, failed) = alix.client().create_group(&group(&who, "")).await.unwrap();
    assert!(failed.is_empty());
    let id = made.conversation.id;
    alix.say(&id, "Hello all").await;
    for person in &others {
        person.sync().await;
        assert_eq!(person.texts(&id).await, ["Hello all"], "{}", person.name);
    }
    let resolved = alix
        .client()
        .resolve(&[who[0].clone(), "nonsense".into()])
        .await
        .unwrap();
    assert!(resolved[0].reachable);
    assert_eq!(resolved[1].problem, Some(RefusedReason::Malformed));
}
