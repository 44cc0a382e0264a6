//! Deleting conversations on one installation.

use conclave_engine::{ConsentState, Event, GroupId};

use crate::actor::{Actor, Town, agree, group};

async fn made_by(alix: &Actor, bo: &Actor) -> GroupId {
    let new = group(&[bo.address()], "Hikers");
    let (made, _) = alix.client().create_group(&new).await.unwrap();
    let id = made.conversation.id;
    bo.sync().await;
    alix.say(&id, "Hello").await;
    bo.say(&id, "Hello yourself").await;
    alix.sync().await;
    id
}

async fn is_unknown(person: &Actor, id: &GroupId) -> bool {
    let found = person.client().conversation(id).await;
    found.is_err_and(|error| error.code() == "unknown_conversation")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_deleted_and_comes_back_with_the_next_message() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = made_by(&alix, &bo).await;
    let waiting = bo.client().send(&id, "Not sent yet").await.unwrap();

    let mut events = bo.client().events();
    bo.client().delete_conversation(&id).await.unwrap();
    let told: Vec<Event> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    assert!(
        matches!(told.as_slice(), [Event::ConversationDeleted { id: told }] if *told == id),
        "{told:?}"
    );
    assert!(bo.listed(&[]).await.is_empty());
    assert!(bo.messages(&id).await.is_empty());
    assert!(bo.client().message(&waiting.id).await.is_err());

    // Nothing is undone by a sync, and what was not sent is not sent.
    bo.sync().await;
    alix.sync().await;
    assert!(bo.listed(&[]).await.is_empty());
    assert_eq!(alix.texts(&id).await, ["Hello", "Hello yourself"]);
    // A change of the group is no reason to come back.
    alix.rename(&id, "Climbers").await;
    bo.sync().await;
    assert!(bo.listed(&[]).await.is_empty());

    alix.say(&id, "Are you there?").await;
    bo.sync().await;
    assert_eq!(bo.listed(&[]).await, std::slice::from_ref(&id));
    assert_eq!(bo.texts(&id).await, ["Are you there?"]);
    assert_eq!(bo.client().total_unread().await.unwrap(), 1);
    let back = bo.client().conversation(&id).await.unwrap();
    assert_eq!(back.conversation.name, "Climbers");
    bo.say(&id, "Yes").await;
    alix.sync().await;
    agree(&[&alix, &bo], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_bo_is_out_of_goes_entirely_and_he_can_be_added_again() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = made_by(&alix, &bo).await;
    let who = [bo.address()];
    alix.client().remove_members(&id, &who).await.unwrap();
    bo.sync().await;
    assert_eq!(bo.listed(&[]).await, std::slice::from_ref(&id));
    bo.client().delete_conversation(&id).await.unwrap();
    assert!(is_unknown(&bo, &id).await);
    assert!(bo.client().group_debug(&id).await.is_err());
    assert_eq!(
        bo.client()
            .delete_conversation(&id)
            .await
            .unwrap_err()
            .code(),
        "unknown_conversation"
    );

    alix.client().add_members(&id, &who).await.unwrap();
    alix.say(&id, "Welcome back").await;
    bo.sync().await;
    assert_eq!(bo.texts(&id).await, ["Welcome back"]);
    let back = bo.client().conversation(&id).await.unwrap();
    assert_eq!(
        back.consent,
        ConsentState::Allowed,
        "the decision about it stayed"
    );
    agree(&[&alix, &bo], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_deleted_while_leaving_goes_once_bo_is_out() {
    let town = Town::new().await;
    let (alix, mut bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = made_by(&alix, &bo).await;
    bo.client().leave(&id).await.unwrap();
    bo.client().delete_conversation(&id).await.unwrap();
    assert!(bo.listed(&[]).await.is_empty());
    bo.restart(&town).await;
    alix.sync().await;
    assert_eq!(alix.members(&id).await, [alix.inbox_id()]);
    let mut events = bo.client().events();
    bo.sync().await;
    assert!(is_unknown(&bo, &id).await);
    let told: Vec<Event> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    assert!(
        told.iter()
            .any(|event| matches!(event, Event::ConversationDeleted { id: told } if *told == id)),
        "{told:?}"
    );
    bo.sync().await;

    alix.client()
        .add_members(&id, &[bo.address()])
        .await
        .unwrap();
    bo.sync().await;
    let back = bo.client().conversation(&id).await.unwrap();
    assert!(back.conversation.is_active);
    assert_eq!(back.consent, ConsentState::Unknown, "Bo is asked anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_person_who_deleted_the_history_is_added_again() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = made_by(&alix, &bo).await;
    bo.client().delete_conversation(&id).await.unwrap();
    let who = [bo.address()];
    alix.client().remove_members(&id, &who).await.unwrap();
    alix.client().add_members(&id, &who).await.unwrap();
    bo.sync().await;
    assert_eq!(
        bo.listed(&[]).await,
        std::slice::from_ref(&id),
        "a re-add brings it back"
    );
    agree(&[&alix, &bo], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_message_is_deleted_in_all_its_groups() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let of_alix = alix.client().create_dm(&bo.address()).await.unwrap();
    let of_bo = bo.client().create_dm(&alix.address()).await.unwrap();
    let (of_alix, of_bo) = (of_alix.conversation.id, of_bo.conversation.id);
    for person in [&alix, &bo] {
        person.sync().await;
    }
    alix.say(&of_alix, "One").await;
    bo.say(&of_bo, "Two").await;
    for person in [&alix, &bo] {
        person.sync().await;
    }
    alix.client().delete_conversation(&of_bo).await.unwrap();
    assert!(alix.listed(&[]).await.is_empty());
    assert!(alix.messages(&of_alix).await.is_empty());
    assert_eq!(bo.texts(&of_alix).await.len(), 2, "Bo keeps his");
    // Writing to Bo opens it again.
    let again = alix.client().create_dm(&bo.address()).await.unwrap();
    assert_eq!(
        alix.listed(&[]).await,
        std::slice::from_ref(&again.conversation.id)
    );
    alix.client()
        .delete_conversation(&again.conversation.id)
        .await
        .unwrap();
    bo.say(&of_bo, "Three").await;
    alix.sync().await;
    assert_eq!(alix.listed(&[]).await.len(), 1);
    assert_eq!(alix.texts(&of_alix).await, ["Three"]);
}
