//! What a hostile member can do, and what the others see of it.

use std::{slice, time::Duration};

use conclave_engine::{
    DATABASE_FILE, DatabaseKey, GroupId, Message, MessageKind, MetadataChange, Preset,
    REFUSED_CHANGE,
};
use conclave_mls::extensions::{
    ATTRIBUTE_IMAGE_URL, ATTRIBUTE_MINIMUM_VERSION, ATTRIBUTE_NAME, GROUP_MEMBERSHIP,
    MUTABLE_METADATA,
};
use conclave_store::{Options, Store};

use crate::{
    actor::{Actor, Town, agree, group_of},
    hostile::{Hostile, Raw},
};

/// Code and author of every line about a refused change.
async fn refused(actor: &Actor, id: &GroupId) -> Vec<(String, String)> {
    let is_it =
        |message: &Message| message.kind == MessageKind::Gap && message.type_id == REFUSED_CHANGE;
    let messages = actor.messages(id).await.into_iter().filter(is_it);
    messages
        .map(|message| {
            let code = String::from_utf8(message.content).unwrap();
            assert!(message.preview.unwrap().ends_with('.'));
            (code, message.sender_inbox_id)
        })
        .collect()
}

async fn gaps(actor: &Actor, id: &GroupId) -> usize {
    let messages = actor.messages(id).await;
    messages
        .iter()
        .filter(|m| m.kind == MessageKind::Gap)
        .count()
}

async fn name(actor: &Actor, id: &GroupId) -> String {
    actor
        .client()
        .conversation(id)
        .await
        .unwrap()
        .conversation
        .name
}

async fn epoch(actor: &Actor, id: &GroupId) -> u64 {
    actor.client().group_debug(id).await.unwrap().epoch
}

/// How often something was counted; closes the actor.
pub(crate) async fn counted(mut actor: Actor, what: &str) -> i64 {
    actor.close().await;
    let path = actor.folder.path().join(DATABASE_FILE);
    let store = Store::open(path, &DatabaseKey::from_bytes([1; 32]), Options::default()).unwrap();
    let found = store.read(|reader| reader.diagnostics()).await.unwrap();
    store.close().await;
    found
        .iter()
        .find(|one| one.name == what)
        .map_or(0, |one| one.count)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_forbidden_change_is_refused_by_all_and_named() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let (davon, fritz) = (town.person("Davon").await, town.person("Fritz").await);
    let id = group_of(&alix, &[&bo, &fritz]).await;
    let (fritz_inbox, alix_inbox) = (fritz.inbox_id(), alix.inbox_id());
    let alix_device = alix.client().account().installation_id;
    let bo_inbox = bo.inbox_id();
    let bo_device = bo.client().account().installation_id;
    let davon_device = davon.client().account().installation_id;
    alix.client()
        .update_metadata(&id, rename("Climbers"))
        .await
        .unwrap();
    fritz.sync().await;
    let fritz = Hostile::of(fritz, &town).await;
    let stranger = fritz.key_package(&davon_device).await;

    type Try<'a> = Box<dyn FnOnce(&conclave_mls::GroupState) -> Raw + 'a>;
    let own = fritz.id();
    let tries: Vec<(&str, Try<'_>)> = vec![
        ("v1", Box::new(|_| Raw::default().unreadable_policies())),
        (
            "v1",
            Box::new(|_| Raw::default().extension(MUTABLE_METADATA, None)),
        ),
        (
            "v1",
            Box::new(|_| Raw::default().extension(GROUP_MEMBERSHIP, Some(vec![0xFF]))),
        ),
        (
            "v2",
            Box::new(|s| Raw::default().attribute(s, ATTRIBUTE_NAME, &"ä".repeat(51))),
        ),
        (
            "v6",
            Box::new(|s| {
                Raw::default().membership(s, |m| {
                    m.members.insert(alix_inbox.clone(), 0);
                })
            }),
        ),
        ("v7", Box::new(|_| Raw::default().add(stranger))),
        ("v8", Box::new(|_| Raw::default().remove(bo_device))),
        (
            "v9",
            Box::new(|s| {
                Raw::default().membership(s, |m| {
                    m.members.remove(&fritz_inbox);
                    m.failed_installations.insert(own);
                })
            }),
        ),
        // The creator is removed, then a member, by somebody who may not.
        (
            "v10",
            Box::new(|s| {
                Raw::default().remove(alix_device).membership(s, |m| {
                    m.members.remove(&alix_inbox);
                })
            }),
        ),
        (
            "v10",
            Box::new(|s| {
                Raw::default().remove(bo_device).membership(s, |m| {
                    m.members.remove(&bo_inbox);
                })
            }),
        ),
        (
            "v10",
            Box::new(|s| {
                Raw::default().metadata(s, |m| {
                    m.super_admins.push(fritz_inbox.clone());
                })
            }),
        ),
        (
            "v10",
            Box::new(|s| {
                Raw::default().metadata(s, |m| {
                    m.admins.push(fritz_inbox.clone());
                })
            }),
        ),
        (
            "v10",
            Box::new(|_| Raw::default().policies(&Preset::Dm.into())),
        ),
        (
            "v10",
            Box::new(|s| Raw::default().attribute(s, ATTRIBUTE_MINIMUM_VERSION, "1.0.0")),
        ),
    ];
    let mut expected = Vec::new();
    let before = epoch(&alix, &id).await;
    for (number, (rule, raw)) in tries.into_iter().enumerate() {
        fritz.tries(&id, raw).await;
        // Something between them, else they would be one line.
        alix.say(&id, &format!("still here {number}")).await;
        bo.sync().await;
        expected.push((format!("commit_rejected_{rule}"), fritz_inbox.clone()));
        for person in [&alix, &bo] {
            assert_eq!(refused(person, &id).await, expected, "{}", person.name);
        }
    }
    for person in [&alix, &bo] {
        // Alix's first message renewed her keys once.
        assert!(epoch(person, &id).await <= before + 1);
        assert_eq!(name(person, &id).await, "Climbers");
        assert_eq!(person.members(&id).await.len(), 3);
        assert_eq!(person.texts(&id).await.len(), expected.len());
    }
    agree(&[&alix, &bo], &id).await;
    assert_eq!(counted(bo, "commit_rejected_v10").await, 6);
}

fn rename(name: &str) -> MetadataChange {
    MetadataChange {
        name: Some(name.into()),
        ..MetadataChange::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repetition_is_one_line_for_each_member_and_races_leave_none() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let (caro, fritz) = (town.person("Caro").await, town.person("Fritz").await);
    let id = group_of(&alix, &[&bo, &caro, &fritz]).await;
    // Two honest changes at once: one of them loses its race and is made again.
    let (one, two) = (alix.client(), bo.client());
    let both = tokio::join!(
        one.update_metadata(&id, rename("Alpine")),
        two.update_metadata(&id, rename("Boulder")),
    );
    both.0.unwrap();
    both.1.unwrap();
    for person in [&alix, &bo, &caro, &fritz] {
        person.sync().await;
        assert_eq!(gaps(person, &id).await, 0, "{}", person.name);
    }
    agree(&[&alix, &bo, &caro], &id).await;

    let (caro_inbox, fritz_inbox) = (caro.inbox_id(), fritz.inbox_id());
    let (caro, fritz) = (
        Hostile::of(caro, &town).await,
        Hostile::of(fritz, &town).await,
    );
    for _ in 0..3 {
        for hostile in [&fritz, &caro] {
            hostile
                .tries(&id, |_| Raw::default().policies(&Preset::Dm.into()))
                .await;
        }
    }
    bo.sync().await;
    let code = "commit_rejected_v10".to_owned();
    let lines = [(code.clone(), fritz_inbox), (code.clone(), caro_inbox)];
    assert_eq!(refused(&bo, &id).await, lines);
    assert_eq!(counted(bo, &code).await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_lists_itself_as_failed_is_removed_all_the_same() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let fritz = town.person("Fritz").await;
    let id = group_of(&alix, &[&bo, &fritz]).await;
    let (address, inbox_id) = (fritz.address(), fritz.inbox_id());
    let fritz = Hostile::of(fritz, &town).await;
    let own = fritz.id();
    fritz
        .does(&id, |state| {
            Raw::default().membership(state, |membership| {
                membership.failed_installations.insert(own);
            })
        })
        .await;
    alix.sync().await;
    alix.client().remove_members(&id, &[address]).await.unwrap();
    alix.say(&id, "Fritz is out").await;
    bo.sync().await;
    for person in [&alix, &bo] {
        assert!(!person.members(&id).await.contains(&inbox_id));
        assert_eq!(
            person.client().group_debug(&id).await.unwrap().leaf_count,
            2
        );
        assert_eq!(refused(person, &id).await, []);
    }
    agree(&[&alix, &bo], &id).await;
    let fritz = fritz.repent(&town).await;
    fritz.sync().await;
    assert!(
        !fritz
            .client()
            .conversation(&id)
            .await
            .unwrap()
            .conversation
            .is_active
    );
    assert!(!fritz.texts(&id).await.contains(&"Fritz is out".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_others_left_in_the_tree_is_noticed_and_taken_out() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let (caro, fritz) = (town.person("Caro").await, town.person("Fritz").await);
    let id = group_of(&alix, &[&bo, &caro, &fritz]).await;
    let (bo_inbox, fritz_inbox) = (bo.inbox_id(), fritz.inbox_id());
    let fritz_device = fritz.client().account().installation_id;
    // Bo, an admin, uses an app that does not look at the list of failed devices.
    let bo = {
        let hostile = Hostile::of(alix, &town).await;
        hostile
            .does(&id, |state| {
                Raw::default().metadata(state, |metadata| metadata.admins.push(bo_inbox.clone()))
            })
            .await;
        let alix = hostile.repent(&town).await;
        bo.sync().await;
        (alix, bo)
    };
    let (alix, bo) = bo;
    let bo = Hostile::of(bo, &town).await;
    bo.does(&id, |state| {
        Raw::default().membership(state, |membership| {
            membership.members.remove(&fritz_inbox);
            membership.failed_installations.insert(fritz_device);
        })
    })
    .await;
    caro.sync().await;
    let line = ("stray_device".to_owned(), bo_inbox);
    assert_eq!(refused(&caro, &id).await, slice::from_ref(&line));
    assert_eq!(caro.client().group_debug(&id).await.unwrap().leaf_count, 4);
    // Alix is super admin: her client takes it out as soon as it sees it.
    alix.sync().await;
    assert_eq!(refused(&alix, &id).await, [line]);
    caro.sync().await;
    for person in [&alix, &caro] {
        assert_eq!(
            person.client().group_debug(&id).await.unwrap().leaf_count,
            3
        );
    }
    agree(&[&alix, &caro], &id).await;
    fritz.client().group_sync(&id).await.unwrap();
    assert!(
        !fritz
            .client()
            .conversation(&id)
            .await
            .unwrap()
            .conversation
            .is_active
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rewritten_and_unreadable_facts_are_said_and_talking_goes_on() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let fritz = town.person("Fritz").await;
    let id = group_of(&alix, &[&bo, &fritz]).await;
    let (creator, fritz_inbox) = (alix.inbox_id(), fritz.inbox_id());
    let fritz = Hostile::of(fritz, &town).await;
    fritz
        .does(&id, |state| {
            Raw::default().immutable(state, |metadata| {
                metadata.creator_inbox_id = fritz_inbox.clone();
            })
        })
        .await;
    alix.sync().await;
    alix.say(&id, "first").await;
    bo.sync().await;
    let line = ("metadata_rewritten".to_owned(), fritz_inbox.clone());
    for person in [&alix, &bo] {
        assert_eq!(refused(person, &id).await, slice::from_ref(&line));
        let found = person.client().group_metadata(&id).await.unwrap();
        assert_eq!(found.creator_inbox_id, creator);
    }
    let fritz = fritz.repent(&town).await;
    fritz.sync().await;
    let fritz = Hostile::of(fritz, &town).await;
    fritz
        .does(&id, |_| Raw::default().unreadable_metadata())
        .await;
    fritz
        .writes(&id, "nobody changes anything here any more")
        .await;
    for person in [&bo, &alix] {
        person.sync().await;
        person.say(&id, "we still talk").await;
    }
    bo.sync().await;
    for person in [&alix, &bo] {
        assert_eq!(refused(person, &id).await.len(), 2);
        assert_eq!(person.texts(&id).await.len(), 4, "{}", person.name);
        assert_eq!(name(person, &id).await, "Hikers");
        let found = person.client().group_metadata(&id).await.unwrap();
        assert_eq!(found.creator_inbox_id, creator);
        let error = person
            .client()
            .update_metadata(&id, rename("x"))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "group_unreadable");
        let error = person
            .client()
            .remove_members(&id, slice::from_ref(&fritz_inbox))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "group_unreadable");
    }
    agree(&[&alix, &bo], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_with_unreadable_permissions_is_joined_shown_and_used() {
    let town = Town::new().await;
    let (bo, fritz) = (town.person("Bo").await, town.person("Fritz").await);
    let id = group_of(&fritz, &[]).await;
    let bo_inbox = bo.inbox_id();
    let bo_device = bo.client().account().installation_id;
    let fritz = Hostile::of(fritz, &town).await;
    let package = fritz.key_package(&bo_device).await;
    // The identity log of a new person has one entry, of which nobody knows the number.
    let sequence_id = town.newest_update(&bo_inbox).await;
    fritz
        .does(&id, |state| {
            Raw::default()
                .unreadable_policies()
                .membership(state, |membership| {
                    membership.members.insert(bo_inbox.clone(), sequence_id);
                })
                .add(package)
        })
        .await;
    fritz.writes(&id, "welcome").await;
    bo.sync().await;
    assert_eq!(bo.only_conversation().await, id);
    assert_eq!(bo.texts(&id).await, ["welcome"]);
    let found = bo.client().group_metadata(&id).await.unwrap();
    assert_eq!(found.policies.unwrap_err().add_member, None);
    bo.say(&id, "What is this?").await;
    bo.say(&id, "Strange.").await;
    let error = bo
        .client()
        .update_metadata(&id, rename("x"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "group_unreadable");
    let fritz = fritz.repent(&town).await;
    fritz.sync().await;
    assert_eq!(fritz.texts(&id).await, ["What is this?", "Strange."]);
    agree(&[&bo, &fritz], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_and_pictures_arrive_as_they_are() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let fritz = town.person("Fritz").await;
    let id = group_of(&alix, &[&bo, &fritz]).await;
    let fritz = Hostile::of(fritz, &town).await;
    // Right-to-left override, terminal escape, NUL, line breaks.
    let odd = "\u{202e}gnp.exe\u{1b}[2J\u{0}\r\n\u{2066}";
    let url = "file:///etc/passwd";
    for (attribute, value) in [(ATTRIBUTE_NAME, odd), (ATTRIBUTE_IMAGE_URL, url)] {
        fritz
            .does(&id, |state| {
                Raw::default().attribute(state, attribute, value)
            })
            .await;
    }
    for person in [&alix, &bo] {
        person.sync().await;
        assert_eq!(name(person, &id).await, odd);
        let entry = person.client().conversation(&id).await.unwrap();
        assert_eq!(entry.conversation.image_url, url);
        assert_eq!(gaps(person, &id).await, 0);
    }
    agree(&[&alix, &bo], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_is_not_brought_in_and_a_named_one_without_leaf_harms_nobody() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let (caro, davon) = (town.person("Caro").await, town.person("Davon").await);
    let fritz = town.person("Fritz").await;
    let lost = town.device("Bo", "Bo's lost phone").await;
    let id = group_of(&alix, &[&bo, &lost, &fritz]).await;
    let lost_device = lost.client().account().installation_id;
    town.revoke(&bo, lost_device).await;
    // A message makes Alix's client follow: the lost device goes out.
    alix.wait(Duration::from_secs(10));
    alix.say(&id, "lost phone").await;
    assert_eq!(alix.client().group_debug(&id).await.unwrap().leaf_count, 3);
    fritz.sync().await;
    let fritz_inbox = fritz.inbox_id();
    let fritz = Hostile::of(fritz, &town).await;
    let package = fritz.key_package(&lost_device).await;
    fritz.tries(&id, |_| Raw::default().add(package)).await;
    bo.sync().await;
    assert_eq!(
        refused(&bo, &id).await,
        [("commit_rejected_v7".to_owned(), fritz_inbox)]
    );

    // Davon is named and gets no leaf; Caro can be invited all the same.
    let davon_inbox = davon.inbox_id();
    let sequence_id = town.newest_update(&davon_inbox).await;
    fritz
        .does(&id, |state| {
            Raw::default().membership(state, |membership| {
                membership.members.insert(davon_inbox.clone(), sequence_id);
            })
        })
        .await;
    bo.sync().await;
    bo.client()
        .add_members(&id, &[caro.address()])
        .await
        .unwrap();
    caro.sync().await;
    assert_eq!(caro.only_conversation().await, id);
    alix.sync().await;
    agree(&[&alix, &bo, &caro], &id).await;
    // And Davon once he was taken out.
    alix.client()
        .remove_members(&id, &[davon.address()])
        .await
        .unwrap();
    alix.client()
        .add_members(&id, &[davon.address()])
        .await
        .unwrap();
    davon.sync().await;
    agree(&[&alix, &davon], &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_names_unknown_updates_is_refused_and_shown() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let fritz = town.person("Fritz").await;
    let id = group_of(&alix, &[&bo, &fritz]).await;
    let (bo_inbox, fritz_inbox) = (bo.inbox_id(), fritz.inbox_id());
    let fritz = Hostile::of(fritz, &town).await;
    fritz
        .tries(&id, |state| {
            Raw::default().membership(state, |membership| {
                membership.members.insert(bo_inbox.clone(), u64::MAX);
            })
        })
        .await;
    alix.say(&id, "after it").await;
    bo.sync().await;
    for person in [&alix, &bo] {
        let line = ("commit_identity_missing".to_owned(), fritz_inbox.clone());
        assert_eq!(refused(person, &id).await, [line]);
        assert_eq!(person.texts(&id).await, ["after it"]);
    }
    agree(&[&alix, &bo], &id).await;
}
