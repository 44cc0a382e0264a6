//! People leave groups and come back.

use conclave_engine::{
    AdminChange, Body, ConsentState, Conversation, GroupId, GroupUpdate, MembershipState,
    MessageKind, Origin,
};

use crate::actor::{Actor, Town, agree, group, group_of, until};

async fn seen(person: &Actor, id: &GroupId) -> Conversation {
    person.client().conversation(id).await.unwrap().conversation
}

/// The lines that commits left, oldest first.
async fn updates(person: &Actor, id: &GroupId) -> Vec<GroupUpdate> {
    let messages = person.messages(id).await.into_iter();
    messages
        .filter(|message| message.kind == MessageKind::MembershipChange)
        .filter_map(
            |message| match Body::decode(&message.content, Origin::Commit).1 {
                Body::GroupUpdated(update) => Some(update),
                _ => None,
            },
        )
        .collect()
}

async fn refusal(person: &Actor, id: &GroupId) -> (&'static str, String) {
    let error = person.client().leave(id).await.unwrap_err();
    (error.code(), error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn bo_leaves_and_a_super_admin_takes_him_out() {
    let town = Town::new().await;
    let (alix, bo, caro) = (
        town.person("Alix").await,
        town.person("Bo").await,
        town.person("Caro").await,
    );
    let id = group_of(&alix, &[&bo, &caro]).await;
    bo.say(&id, "Thank you all.").await;

    bo.client().leave(&id).await.unwrap();
    let of_bo = seen(&bo, &id).await;
    assert_eq!(of_bo.membership_state, MembershipState::PendingRemove);
    assert!(of_bo.is_active, "until a super admin has seen it");
    assert_eq!(refusal(&bo, &id).await.0, "leaving_already");

    // A member without the role changes nothing.
    let unread = caro.client().total_unread().await.unwrap();
    caro.sync().await;
    assert_eq!(caro.members(&id).await.len(), 3);
    assert!(
        caro.client().total_unread().await.unwrap() <= unread + 1,
        "a wish to leave is not unread"
    );

    alix.sync().await;
    assert_eq!(alix.members(&id).await.len(), 2);
    for person in [&bo, &caro] {
        person.sync().await;
    }
    for person in [&alix, &bo, &caro] {
        let last = updates(person, &id).await.pop().unwrap();
        assert_eq!(last.left, [bo.inbox_id()], "{}", person.name);
        assert!(last.removed.is_empty(), "{}", person.name);
        assert_eq!(last.by, alix.inbox_id(), "{}", person.name);
    }
    assert!(!seen(&bo, &id).await.is_active);
    assert_eq!(bo.texts(&id).await[0], "Thank you all.");
    agree(&[&alix, &caro], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_sees_by_whom_and_keeps_the_history() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    alix.say(&id, "Hello").await;
    alix.client()
        .remove_members(&id, &[bo.address()])
        .await
        .unwrap();
    bo.sync().await;
    assert!(!seen(&bo, &id).await.is_active);
    assert_eq!(bo.texts(&id).await, ["Hello"]);
    let last = updates(&bo, &id).await.pop().unwrap();
    assert_eq!(
        (last.by, last.removed),
        (alix.inbox_id(), vec![bo.inbox_id()])
    );
    assert_eq!(refusal(&bo, &id).await.0, "conversation_inactive");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_super_admins_take_two_people_out_at_once() {
    let town = Town::new().await;
    let (alix, bo, caro, davon) = (
        town.person("Alix").await,
        town.person("Bo").await,
        town.person("Caro").await,
        town.person("Davon").await,
    );
    let phone = town.device("Alix", "phone").await;
    let id = group_of(&alix, &[&bo, &caro, &davon]).await;
    phone.sync().await;
    for person in [&caro, &davon] {
        person.client().leave(&id).await.unwrap();
    }
    // Both installations of Alix, who is super admin, see the wishes at the same moment.
    let (one, other) = tokio::join!(alix.client().sync_all(&[]), phone.client().sync_all(&[]));
    assert_eq!((one.unwrap().failed, other.unwrap().failed), (0, 0));
    for person in [&alix, &phone, &bo, &caro, &davon] {
        person.sync().await;
    }
    agree(&[&alix, &phone, &bo], &id).await;
    for person in [&alix, &phone, &bo] {
        assert_eq!(person.members(&id).await.len(), 2, "{}", person.name);
        let mut left: Vec<String> = updates(person, &id)
            .await
            .into_iter()
            .inspect(|update| assert!(update.removed.is_empty()))
            .flat_map(|update| update.left)
            .collect();
        left.sort();
        let mut expected = vec![caro.inbox_id(), davon.inbox_id()];
        expected.sort();
        assert_eq!(left, expected, "each once, for {}", person.name);
    }
    for person in [&caro, &davon] {
        assert!(!seen(person, &id).await.is_active);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_background_work_takes_people_out_without_a_sync() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    let live = [alix.client().start(), bo.client().start()];
    until("both are online", || async {
        let online = conclave_engine::Connection::Online;
        alix.client().connection() == online && bo.client().connection() == online
    })
    .await;
    bo.client().leave(&id).await.unwrap();
    until("Bo is out", || async { !seen(&bo, &id).await.is_active }).await;
    until("Alix has it too", || async {
        alix.members(&id).await.len() == 1
    })
    .await;
    for live in live {
        live.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bo_leaves_and_is_added_again() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    bo.say(&id, "Hello").await;
    let consent = || async { bo.client().conversation(&id).await.unwrap().consent };
    assert_eq!(consent().await, ConsentState::Allowed);
    bo.client().leave(&id).await.unwrap();
    alix.sync().await;
    bo.sync().await;
    assert!(!seen(&bo, &id).await.is_active);
    assert_eq!(
        consent().await,
        ConsentState::Allowed,
        "it stays where it was"
    );

    alix.client()
        .add_members(&id, &[bo.address()])
        .await
        .unwrap();
    bo.sync().await;
    let back = seen(&bo, &id).await;
    assert!(back.is_active);
    assert_eq!(back.membership_state, MembershipState::Allowed);
    assert_eq!(consent().await, ConsentState::Unknown, "Bo is asked anew");
    assert_eq!(bo.client().request_count().await.unwrap(), 1);
    // The old wish is met: nobody takes Bo out again.
    alix.sync().await;
    bo.sync().await;
    assert_eq!(alix.members(&id).await.len(), 2);
    bo.say(&id, "Here I am").await;
    alix.sync().await;
    assert_eq!(alix.texts(&id).await.last().unwrap(), "Here I am");
    // And Bo may leave again.
    bo.client().leave(&id).await.unwrap();
    alix.sync().await;
    assert_eq!(alix.members(&id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn not_everybody_can_leave() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let alone = group_of(&alix, &[]).await;
    let (code, text) = refusal(&alix, &alone).await;
    assert_eq!(code, "cannot_leave");
    assert!(text.contains("only member"), "{text}");

    let id = group_of(&alix, &[&bo]).await;
    let (code, text) = refusal(&alix, &id).await;
    assert_eq!(code, "cannot_leave");
    assert!(text.contains("only super admin"), "{text}");

    let dm = alix.client().create_dm(&bo.address()).await.unwrap();
    let (code, text) = refusal(&alix, &dm.conversation.id).await;
    assert_eq!(code, "cannot_leave");
    assert!(text.contains("Block the person"), "{text}");
    assert_eq!(refusal(&alix, &vec![7; 16]).await.0, "unknown_conversation");
}

#[tokio::test(flavor = "multi_thread")]
async fn alix_hands_over_and_leaves() {
    let town = Town::new().await;
    let (alix, bo, caro) = (
        town.person("Alix").await,
        town.person("Bo").await,
        town.person("Caro").await,
    );
    let id = group_of(&alix, &[&bo, &caro]).await;
    caro.client().leave(&id).await.unwrap();
    // Alix hands over without looking first: the wish is Bo's to fulfil now.
    alix.client()
        .change_role(&id, &bo.inbox_id(), AdminChange::AddSuperAdmin)
        .await
        .unwrap();
    let (code, text) = refusal(&alix, &id).await;
    assert_eq!(code, "cannot_leave");
    assert!(text.contains("Give that role up first"), "{text}");
    alix.client()
        .change_role(&id, &alix.inbox_id(), AdminChange::RemoveSuperAdmin)
        .await
        .unwrap();
    alix.sync().await;
    assert_eq!(alix.members(&id).await.len(), 3, "it is Alix' no longer");
    bo.sync().await;
    assert_eq!(bo.members(&id).await.len(), 2, "Bo was made super admin");

    alix.sync().await;
    alix.client().leave(&id).await.unwrap();
    bo.sync().await;
    assert_eq!(bo.members(&id).await, [bo.inbox_id()]);
    for person in [&alix, &caro] {
        person.sync().await;
        assert!(!seen(person, &id).await.is_active, "{}", person.name);
        let last = updates(person, &id).await.pop().unwrap();
        assert_eq!(
            (last.by, last.left),
            (bo.inbox_id(), vec![person.inbox_id()])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_does_not_reach_the_node_is_taken_back_or_waits() {
    let town = Town::new().await;
    let (alix, bo, caro) = (
        town.person("Alix").await,
        town.person("Bo").await,
        town.person("Caro").await,
    );
    let who = [bo.address(), caro.address()];
    let (made, _) = alix.client().create_group(&group(&who, "")).await.unwrap();
    let id = made.conversation.id;
    bo.client().sync().await.unwrap();
    caro.sync().await;
    let Town { node } = town;
    node.shutdown().await;

    // Bo has to look at the members first, so nothing of the wish has left.
    let error = bo.client().leave(&id).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(bo.messages(&id).await.len(), 1, "it was taken back");
    // Caro's may have left: it stays, is sent again, and is not made twice.
    let error = caro.client().leave(&id).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(caro.messages(&id).await.len(), 2);
    assert_eq!(refusal(&caro, &id).await.0, "leaving_already");
    for person in [&bo, &caro] {
        let state = seen(person, &id).await.membership_state;
        assert_ne!(state, MembershipState::PendingRemove);
    }
}
