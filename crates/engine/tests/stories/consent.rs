//! Who may bother whom.

use conclave_engine::{ConsentEntity, ConsentState, ConversationEntry, Event, GroupId};
use futures::StreamExt;

use crate::actor::{Actor, Town, group};

async fn entry(person: &Actor, id: &GroupId) -> ConversationEntry {
    person.client().conversation(id).await.unwrap()
}

async fn add(alix: &Actor, bo: &Actor, name: &str) -> GroupId {
    let new = group(&[bo.address()], name);
    let (made, _) = alix.client().create_group(&new).await.unwrap();
    made.conversation.id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_person_adds_bo_and_nothing_is_shown_and_nothing_lost() {
    use ConsentState::{Allowed, Denied, Unknown};
    let town = Town::new().await;
    let (alix, bo, caro) = (
        town.person("Alix").await,
        town.person("Bo").await,
        town.person("Caro").await,
    );
    let client = bo.client();
    client
        .set_inbox_consent(&alix.inbox_id(), Denied)
        .await
        .unwrap();
    client
        .set_inbox_consent(&caro.inbox_id(), Allowed)
        .await
        .unwrap();
    let mut messages = Box::pin(client.stream_all_messages(vec![]).await.unwrap());

    let spam = add(&alix, &bo, "Spam").await;
    alix.say(&spam, "Buy this").await;
    let dm = alix.client().create_dm(&bo.address()).await.unwrap();
    let dm = dm.conversation.id;
    alix.say(&dm, "Why don't you answer?").await;
    bo.sync().await;
    let tea = add(&caro, &bo, "Tea").await;
    caro.say(&tea, "Tea at five").await;
    bo.sync().await;

    assert_eq!(bo.listed(&[]).await, std::slice::from_ref(&tea));
    assert_eq!(client.request_count().await.unwrap(), 0);
    assert_eq!(client.total_unread().await.unwrap(), 1);
    assert_eq!(bo.listed(&[Denied]).await.len(), 2);
    // The first that streams bring is Caro's, though Alix wrote before her.
    loop {
        let message = messages.next().await.unwrap().unwrap();
        assert_eq!(message.conversation_id, tea);
        if message.preview.as_deref() == Some("Tea at five") {
            break;
        }
    }
    // Everything is there.
    assert_eq!(bo.texts(&spam).await, ["Buy this"]);
    assert_eq!(bo.texts(&dm).await, ["Why don't you answer?"]);

    client
        .set_inbox_consent(&alix.inbox_id(), Unknown)
        .await
        .unwrap();
    assert_eq!(client.request_count().await.unwrap(), 2);
    client
        .set_inbox_consent(&alix.inbox_id(), Allowed)
        .await
        .unwrap();
    assert_eq!(client.request_count().await.unwrap(), 0);
    assert_eq!(bo.listed(&[Allowed]).await.len(), 3);
    assert_eq!(client.total_unread().await.unwrap(), 3);
    // One group of Alix may still be unwanted.
    client
        .set_conversation_consent(&spam, Denied)
        .await
        .unwrap();
    assert_eq!(bo.listed(&[Denied]).await, [spam]);
    let allowed = client.inbox_consents(Allowed).await.unwrap();
    let allowed: Vec<_> = allowed.into_iter().map(|one| one.inbox_id).collect();
    assert_eq!(allowed, [alix.inbox_id(), caro.inbox_id()], "newest first");
    assert!(client.inbox_consents(Denied).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_says_who_and_where_and_answering_accepts() {
    let town = Town::new().await;
    let (alix, bo, caro) = (
        town.person("Alix").await,
        town.person("Bo").await,
        town.person("Caro").await,
    );
    let new = group(&[bo.address(), caro.address()], "Tea");
    let (made, _) = alix.client().create_group(&new).await.unwrap();
    let tea = made.conversation.id;
    bo.sync().await;
    let request = bo.client().request(&tea).await.unwrap();
    assert_eq!(request.added_by.inbox_id, alix.inbox_id());
    assert_eq!(request.added_by.addresses, [alix.address()]);
    assert_eq!(request.added_by.state, ConsentState::Unknown);
    assert_eq!(request.member_count, 3);
    assert!(request.shared.is_empty());

    bo.say(&tea, "Hello").await;
    assert_eq!(entry(&bo, &tea).await.consent, ConsentState::Allowed);
    let of_alix = bo.client().inbox_consent(&alix.inbox_id()).await.unwrap();
    assert_eq!(
        of_alix.state,
        ConsentState::Unknown,
        "answering in a group says nothing about who added us"
    );
    // Caro is met in a group that Bo wants.
    let second = add(&caro, &bo, "Cake").await;
    bo.sync().await;
    let request = bo.client().request(&second).await.unwrap();
    assert_eq!(request.shared, [(tea.clone(), "Tea".to_owned())]);
    let unknown = bo.client().request(&[7; 16]).await.unwrap_err();
    assert_eq!(unknown.code(), "unknown_conversation");
}

#[tokio::test(flavor = "multi_thread")]
async fn accepting_a_direct_message_accepts_the_person() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let dm = alix.client().create_dm(&bo.address()).await.unwrap();
    let dm = dm.conversation.id;
    let of_bo = alix.client().inbox_consent(&bo.inbox_id()).await.unwrap();
    assert_eq!(of_bo.state, ConsentState::Allowed, "Alix began it");
    bo.sync().await;
    assert_eq!(entry(&bo, &dm).await.consent, ConsentState::Unknown);

    let mut events = bo.client().events();
    let allowed = ConsentState::Allowed;
    bo.client()
        .set_conversation_consent(&dm, allowed)
        .await
        .unwrap();
    let of_alix = bo.client().inbox_consent(&alix.inbox_id()).await.unwrap();
    assert_eq!(of_alix.state, allowed);
    assert!(of_alix.decided_at_ns.is_some());
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        match event {
            Event::Consent {
                entity_kind,
                entity,
                state,
            } => {
                assert_eq!(state, allowed);
                told.push((entity_kind, entity));
            }
            Event::Conversation { id, .. } => assert_eq!(id, dm),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        told,
        [
            (ConsentEntity::Inbox, alix.inbox_id()),
            (ConsentEntity::Conversation, hex::encode(&dm)),
        ]
    );
    // A group of Alix needs no request any more.
    let tea = add(&alix, &bo, "Tea").await;
    bo.sync().await;
    assert_eq!(entry(&bo, &tea).await.consent, allowed);
    assert_eq!(bo.client().request_count().await.unwrap(), 0);

    // Blocked and written to again: who writes wants to hear.
    let denied = ConsentState::Denied;
    bo.client()
        .set_inbox_consent(&alix.inbox_id(), denied)
        .await
        .unwrap();
    for id in [&dm, &tea] {
        assert_eq!(entry(&bo, id).await.consent, denied);
    }
    bo.say(&dm, "Sorry").await;
    for id in [&dm, &tea] {
        assert_eq!(entry(&bo, id).await.consent, allowed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn block_and_leave() {
    let town = Town::new().await;
    let (alix, bo, caro) = (
        town.person("Alix").await,
        town.person("Bo").await,
        town.person("Caro").await,
    );
    let spam = add(&alix, &bo, "Spam").await;
    bo.sync().await;
    bo.client()
        .set_inbox_consent(&alix.inbox_id(), ConsentState::Denied)
        .await
        .unwrap();
    bo.client().leave(&spam).await.unwrap();
    assert_eq!(
        entry(&bo, &spam).await.consent,
        ConsentState::Denied,
        "asking to leave is no answer"
    );
    alix.sync().await;
    bo.sync().await;
    assert!(!entry(&bo, &spam).await.conversation.is_active);
    // Alix tries again, and then lets a friend of Bo try.
    let who = [bo.address()];
    alix.client().add_members(&spam, &who).await.unwrap();
    bo.sync().await;
    assert_eq!(entry(&bo, &spam).await.consent, ConsentState::Denied);
    assert!(bo.listed(&[]).await.is_empty());

    let new = group(&[caro.address()], "Again");
    let (made, _) = alix.client().create_group(&new).await.unwrap();
    let again = made.conversation.id;
    caro.sync().await;
    caro.client().add_members(&again, &who).await.unwrap();
    bo.sync().await;
    assert_eq!(
        entry(&bo, &again).await.consent,
        ConsentState::Unknown,
        "who added Bo decides, not who made it"
    );
}
