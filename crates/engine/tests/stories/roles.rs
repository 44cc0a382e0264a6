//! Who may do what: every role, permission and option, and changes made at the same time.

use std::time::Duration;

use conclave_engine::{
    AdminChange, Body, EngineError, GroupId, MessageKind, MetadataChange, Origin, Permission, Role,
    Rule,
};

use crate::actor::{Actor, Town, agree, group, group_of};

/// Every permission that people change.
const KEYS: [&str; 12] = [
    "update_metadata.group_name",
    "update_metadata.description",
    "update_metadata.group_image_url_square",
    "update_metadata.app_data",
    "update_metadata.message_disappear_from_ns",
    "update_metadata.message_disappear_in_ns",
    "update_metadata.minimum_supported_protocol_version",
    "update_metadata.conclave.pinned_messages",
    "add_member",
    "remove_member",
    "add_admin",
    "remove_admin",
];

fn permission(key: &str) -> Permission {
    key.parse().unwrap()
}

async fn change(
    actor: &Actor,
    id: &GroupId,
    fill: impl FnOnce(&mut MetadataChange),
) -> Result<(), EngineError> {
    let mut change = MetadataChange::default();
    fill(&mut change);
    actor.client().update_metadata(id, change).await
}

async fn pinned(actor: &Actor, id: &GroupId) -> Vec<Vec<u8>> {
    let pins = actor.client().pins(id).await.unwrap();
    pins.into_iter().map(|pin| pin.message_id).collect()
}

/// Does what a permission is about; `number` makes each try another change.
async fn attempt(
    actor: &Actor,
    id: &GroupId,
    key: &str,
    number: u32,
    (message, davon, eri): (&[u8], &Actor, &Actor),
) -> Result<(), EngineError> {
    let client = actor.client();
    let text = Some(format!("number {number}"));
    match key {
        "update_metadata.group_name" => change(actor, id, |c| c.name = text).await,
        "update_metadata.description" => change(actor, id, |c| c.description = text).await,
        "update_metadata.group_image_url_square" => change(actor, id, |c| c.image_url = text).await,
        "update_metadata.app_data" => change(actor, id, |c| c.app_data = text).await,
        "update_metadata.minimum_supported_protocol_version" => {
            change(actor, id, |c| {
                c.minimum_version = Some(format!("1.9.{number}"))
            })
            .await
        }
        "update_metadata.conclave.pinned_messages" => {
            let is_pinned = pinned(actor, id).await.iter().any(|id| id == message);
            client.set_pin(id, message, !is_pinned).await
        }
        "add_member" => client.add_members(id, &[davon.inbox_id()]).await.map(drop),
        "remove_member" => {
            let is_in = actor.members(id).await.contains(&davon.inbox_id());
            let target = if is_in { davon } else { eri };
            client
                .remove_members(id, &[target.inbox_id()])
                .await
                .map(drop)
        }
        "add_admin" => {
            let change = AdminChange::AddAdmin;
            client.change_role(id, &eri.inbox_id(), change).await
        }
        "remove_admin" => {
            let change = AdminChange::RemoveAdmin;
            client.change_role(id, &eri.inbox_id(), change).await
        }
        // The two that belong together.
        _ => {
            let in_ns = 3_600_000_000_000 + i64::from(number);
            client.set_disappearing(id, Some(in_ns)).await
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_permission_and_option() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let (caro, davon) = (town.person("Caro").await, town.person("Davon").await);
    let eri = town.person("Eri").await;
    let id = group_of(&alix, &[&bo, &caro, &eri]).await;
    alix.say(&id, "Pin me").await;
    let message = alix.messages(&id).await.pop().unwrap().id;
    let promote = AdminChange::AddAdmin;
    let client = alix.client();
    client
        .change_role(&id, &bo.inbox_id(), promote)
        .await
        .unwrap();

    let people = [
        (&alix, Role::SuperAdmin),
        (&bo, Role::Admin),
        (&caro, Role::Member),
    ];
    let mut number = 0;
    for rule in [Rule::Allow, Rule::Admin, Rule::SuperAdmin, Rule::Deny] {
        let all = KEYS.map(|key| (permission(key), rule)).to_vec();
        alix.client().set_permissions(&id, all).await.unwrap();
        for (actor, role) in people {
            actor.sync().await;
            for key in KEYS {
                number += 1;
                // Policies about admins know no "everybody": it becomes super admins.
                let applied = match key {
                    "add_admin" | "remove_admin" if rule == Rule::Allow => Rule::SuperAdmin,
                    _ => rule,
                };
                let expected = match applied {
                    Rule::Allow => true,
                    Rule::Deny => false,
                    Rule::Admin => role >= Role::Admin,
                    Rule::SuperAdmin => role == Role::SuperAdmin,
                };
                let what = format!("{role:?} {key} {rule:?}");
                let before = actor.client().group_debug(&id).await.unwrap().epoch;
                let told = actor.client().group_rules(&id).await.unwrap();
                let verdict = &told.verdicts[key];
                assert_eq!(verdict.refusal.is_none(), expected, "told: {what}");

                let done = attempt(actor, &id, key, number, (&message, &davon, &eri)).await;
                let after = actor.client().group_debug(&id).await.unwrap().epoch;
                match done {
                    Ok(()) => assert!(expected && after > before, "{what}"),
                    Err(error) => {
                        assert!(!expected, "{what}: {error}");
                        assert_eq!(error.code(), "denied_by_policy", "{what}");
                        assert_eq!(Some(error.to_string()), verdict.refusal, "{what}");
                        assert_eq!(after, before, "nothing is sent: {what}");
                    }
                }
            }
        }
        // Everybody accepted the same commits.
        for person in [&alix, &bo, &caro, &eri] {
            person.sync().await;
        }
        agree(&[&alix, &bo, &caro, &eri], &id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_admins_at_once_lose_nothing() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let (caro, davon) = (town.person("Caro").await, town.person("Davon").await);
    let id = group_of(&alix, &[&bo, &caro, &davon]).await;
    let to_bo = (bo.inbox_id(), AdminChange::AddSuperAdmin);
    let client = alix.client();
    client.change_role(&id, &to_bo.0, to_bo.1).await.unwrap();
    alix.say(&id, "One").await;
    alix.say(&id, "Two").await;
    bo.sync().await;
    let messages = bo.messages(&id).await;
    let text = |text: &str| {
        let mut found = messages.iter();
        let found = found.find(|m| m.preview.as_deref() == Some(text)).unwrap();
        found.id.clone()
    };
    let (one, two) = (text("One"), text("Two"));

    let (first, second) = tokio::join!(
        alix.client().set_pin(&id, &one, true),
        bo.client().set_pin(&id, &two, true),
    );
    first.unwrap();
    second.unwrap();
    let (caro_id, davon_id) = (caro.inbox_id(), davon.inbox_id());
    let (first, second) = tokio::join!(
        alix.client()
            .change_role(&id, &caro_id, AdminChange::AddAdmin),
        bo.client()
            .change_role(&id, &davon_id, AdminChange::AddAdmin),
    );
    first.unwrap();
    second.unwrap();
    let (first, second) = tokio::join!(
        alix.client()
            .set_permissions(&id, vec![(Permission::AddMember, Rule::Deny)]),
        bo.client()
            .set_permissions(&id, vec![(Permission::RemoveMember, Rule::SuperAdmin)]),
    );
    first.unwrap();
    second.unwrap();

    for person in [&alix, &bo, &caro, &davon] {
        person.sync().await;
        let mut pins = pinned(person, &id).await;
        pins.sort();
        let mut expected = vec![one.clone(), two.clone()];
        expected.sort();
        assert_eq!(pins, expected, "{}", person.name);
        let rules = person.client().group_rules(&id).await.unwrap();
        assert_eq!(rules.admins.len(), 2);
        let policies = rules.policies.unwrap();
        assert_eq!(policies.add_member, Rule::Deny.into());
        assert_eq!(policies.remove_member, Rule::SuperAdmin.into());
    }
    agree(&[&alix, &bo, &caro, &davon], &id).await;

    // The line about permissions, which official clients do not write, is there for everybody.
    let lines = caro.messages(&id).await.into_iter();
    let fields: Vec<String> = lines
        .filter(|message| message.kind == MessageKind::MembershipChange)
        .filter_map(
            |message| match Body::decode(&message.content, Origin::Commit).1 {
                Body::GroupUpdated(update) => Some(update.fields),
                _ => None,
            },
        )
        .flatten()
        .map(|change| change.field)
        .filter(|field| field.starts_with("permissions."))
        .collect();
    assert_eq!(fields.len(), 2, "{fields:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_refused_when_the_rules_have_changed_meanwhile() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    let (add, remove) = (AdminChange::AddAdmin, AdminChange::RemoveAdmin);
    let (alix_client, bo_id) = (alix.client(), bo.inbox_id());
    alix_client.change_role(&id, &bo_id, add).await.unwrap();
    alix.say(&id, "Pin me").await;
    bo.sync().await;
    let message = bo.messages(&id).await.pop().unwrap().id;
    alix_client.change_role(&id, &bo_id, remove).await.unwrap();

    // Bo has not heard of it yet.
    let told = bo.client().group_rules(&id).await.unwrap();
    assert_eq!(told.role, Role::Admin);
    let error = bo.client().set_pin(&id, &message, true).await.unwrap_err();
    assert_eq!(error.code(), "denied_by_policy", "{error}");
    bo.sync().await;
    alix.sync().await;
    assert!(pinned(&alix, &id).await.is_empty());
    agree(&[&alix, &bo], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_disappearing_commit_follows_after_a_restart() {
    let town = Town::new().await;
    let (mut alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    let before = alix.client().group_debug(&id).await.unwrap().epoch;
    let hour = 3_600_000_000_000;

    let (client, group_id) = (alix.client().clone(), id.clone());
    let setting = tokio::spawn(async move { client.set_disappearing(&group_id, Some(hour)).await });
    while alix.client().group_debug(&id).await.unwrap().epoch == before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    setting.abort();
    drop(setting.await);
    alix.restart(&town).await;
    alix.sync().await;
    bo.sync().await;
    for person in [&alix, &bo] {
        let seen = person
            .client()
            .conversation(&id)
            .await
            .unwrap()
            .conversation;
        assert_eq!(seen.disappear_in_ns, Some(hour), "{}", person.name);
    }
    alix.client().set_disappearing(&id, None).await.unwrap();
    bo.sync().await;
    let seen = bo.client().conversation(&id).await.unwrap().conversation;
    assert_eq!(seen.disappear_in_ns, None);
    agree(&[&alix, &bo], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_end_where_somebody_must_stay_and_direct_messages_have_none() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    let client = alix.client();
    let (alix_id, demote) = (alix.inbox_id(), AdminChange::RemoveSuperAdmin);
    let error = client.change_role(&id, &alix_id, demote).await.unwrap_err();
    assert_eq!(error.code(), "last_super_admin");

    let dm = client.create_dm(&bo.address()).await.unwrap();
    let dm = dm.conversation.id;
    let bo_id = bo.inbox_id();
    let changes = vec![(Permission::AddMember, Rule::Allow)];
    for refused in [
        change(&alix, &dm, |c| c.name = Some("Us".into())).await,
        client.change_role(&dm, &bo_id, AdminChange::AddAdmin).await,
        client.set_permissions(&dm, changes).await,
        client.set_pin(&dm, &[7; 32], true).await,
    ] {
        assert_eq!(refused.unwrap_err().code(), "direct_message");
    }
    client
        .set_disappearing(&dm, Some(5_000_000_000))
        .await
        .unwrap();
    bo.sync().await;
    let seen = bo.client().conversation(&dm).await.unwrap().conversation;
    assert_eq!(seen.disappear_in_ns, Some(5_000_000_000));
}

/// The first commit would put Bo in, and Bo's own client would refuse it.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_lets_nobody_add_people_is_not_begun_with_people() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let mut closed = group(&[bo.address()], "Closed");
    closed.permissions = vec![(permission("add_member"), Rule::Deny)];
    let refused = alix.client().create_group(&closed).await.unwrap_err();
    assert_eq!(refused.code(), "denied_by_policy");
    assert!(refused.to_string().contains("let super admins add people"));
    assert!(alix.listed(&[]).await.is_empty(), "no group is left behind");

    closed.who.clear();
    let (alone, _) = alix.client().create_group(&closed).await.unwrap();
    alix.say(&alone.conversation.id, "A note to myself.").await;
    closed.who = vec![bo.address()];
    closed.permissions = vec![(permission("add_member"), Rule::SuperAdmin)];
    let (made, failed) = alix.client().create_group(&closed).await.unwrap();
    assert!(failed.is_empty());
    bo.sync().await;
    agree(&[&alix, &bo], &made.conversation.id).await;
}
