//! Long operations that are followed and stopped.

use conclave_engine::{ConversationQuery, Event, NewConversation, Operation, RefusedReason};
use futures::poll;

use crate::{
    actor::{Town, agree},
    crowd::Crowd,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stopped_before_its_first_commit_leaves_nothing_behind() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let caro = town.person("Caro").await;
    let new = NewConversation {
        who: vec![bo.address()],
        operation_id: Some("creating".into()),
        ..NewConversation::default()
    };
    let client = alix.client();
    {
        let mut creating = std::pin::pin!(client.create_group(&new));
        // It waits for the node, before anything is decided.
        assert!(poll!(&mut creating).is_pending());
        client.cancel_operation("creating");
        assert_eq!(creating.await.unwrap_err().code(), "cancelled");
    }
    let list = client.list(ConversationQuery::default()).await.unwrap();
    assert!(list.is_empty());
    bo.sync().await;
    let list = bo.client().list(ConversationQuery::default()).await;
    assert!(list.unwrap().is_empty());

    // The id is free again, and nothing of the stop is left.
    let (made, failed) = client.create_group(&new).await.unwrap();
    assert!(failed.is_empty());
    let id = made.conversation.id;
    let before = client.group_debug(&id).await.unwrap();
    let (caros, bos) = ([caro.address()], [bo.address()]);
    {
        let operation_id = Some("adding".to_owned());
        let mut adding = std::pin::pin!(client.add_members_in(&id, &caros, operation_id));
        assert!(poll!(&mut adding).is_pending());
        client.cancel_operation("adding");
        assert_eq!(adding.await.unwrap_err().code(), "cancelled");
        let operation_id = Some("removing".to_owned());
        let mut removing = std::pin::pin!(client.remove_members_in(&id, &bos, operation_id));
        assert!(poll!(&mut removing).is_pending());
        client.cancel_operation("removing");
        assert_eq!(removing.await.unwrap_err().code(), "cancelled");
    }
    assert_eq!(client.group_debug(&id).await.unwrap(), before);
    bo.sync().await;
    agree(&[&alix, &bo], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_names_the_operation_and_its_id() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let client = alix.client();
    let mut events = client.events();
    let new = NewConversation {
        operation_id: Some("one".into()),
        who: vec![bo.address()],
        ..NewConversation::default()
    };
    let (made, _) = client.create_group(&new).await.unwrap();
    let id = made.conversation.id;
    let who = [bo.address()];
    let stopped_too_late = "two";
    let operation_id = Some(stopped_too_late.to_owned());
    client
        .remove_members_in(&id, &who, operation_id)
        .await
        .unwrap();
    client.cancel_operation(stopped_too_late);
    let operation_id = Some("three".to_owned());
    client
        .add_members_in(&id, &who, operation_id)
        .await
        .unwrap();

    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let Event::Progress {
            operation,
            operation_id,
            conversation_id,
            done,
            total,
        } = event
        {
            assert_eq!(total, 1);
            let is_known = conversation_id.is_some();
            told.push((operation, operation_id.unwrap(), is_known, done));
        }
    }
    let expected = [
        (Operation::CreateGroup, "one", false, 0),
        (Operation::CreateGroup, "one", true, 1),
        (Operation::RemoveMembers, "two", true, 0),
        (Operation::RemoveMembers, "two", true, 1),
        (Operation::AddMembers, "three", true, 0),
        (Operation::AddMembers, "three", true, 1),
    ];
    let expected =
        expected.map(|(operation, id, is_known, done)| (operation, id.to_owned(), is_known, done));
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_a_later_batch_names_those_who_are_left() {
    let town = Town::new().await;
    let alix = town.person("Alix").await;
    // Ten people with ten devices each fill the first batch.
    let (_, people) = Crowd::gather(&town, &[], 13, 10, 1).await;
    let client = alix.client();
    let mut events = client.events();
    let new = NewConversation {
        who: people.clone(),
        ..NewConversation::default()
    };
    let mut node = Some(town.node);
    let (made, failed) = {
        let mut creating = std::pin::pin!(client.create_group(&new));
        loop {
            tokio::select! {
                made = &mut creating => break made.unwrap(),
                event = events.recv() => if let Event::Progress { done: 10, .. } = event.unwrap() {
                    // While the second batch has not left yet.
                    node.take().unwrap().shutdown().await;
                },
            }
        }
    };
    assert!(node.is_none());
    let left: Vec<_> = failed
        .iter()
        .map(|one| (one.who.as_str(), one.reason))
        .collect();
    let expected = people[10..]
        .iter()
        .map(|one| (one.as_str(), RefusedReason::Interrupted));
    assert_eq!(left, expected.collect::<Vec<_>>());
    assert_eq!(alix.members(&made.conversation.id).await.len(), 1 + 10);
}
