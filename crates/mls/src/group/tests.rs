use openmls::extensions::ExtensionType;

use super::*;
use crate::policy::{Role, Rule};
use crate::testing::{Device, inbox};

fn created(kind: NewGroupKind) -> Device {
    let mut alix = Device::new("alix", 1);
    alix.create(kind);
    alix
}

#[test]
fn a_new_group_has_the_official_context() {
    let alix = created(NewGroupKind::Group(Preset::AllMembers.into()));
    let types: Vec<u16> = alix
        .group()
        .extensions()
        .iter()
        .map(|extension| extension.extension_type().into())
        .collect();
    assert_eq!(types, [0xF000, 0xFF00, 0xFF01, 0xFF02, 0x0003]);
    let required = alix.group().extensions().required_capabilities().unwrap();
    let required: Vec<u16> = required
        .extension_types()
        .iter()
        .map(|e| u16::from(*e))
        .collect();
    assert_eq!(required, [0xFF01, 0xFF00, 0xFF02, 0xF000, 0x000A, 0x0001]);

    let leaf = alix.group().own_leaf_node().unwrap();
    assert_eq!(leaf.extensions().iter().count(), 0);
    assert_eq!(leaf.capabilities().extensions().len(), 6);
    assert!(
        !leaf
            .capabilities()
            .extensions()
            .contains(&ExtensionType::Unknown(6))
    );

    let state = alix.state();
    assert_eq!(state.group_id.len(), 16);
    assert_eq!(state.epoch, 0);
    assert_eq!(state.epoch_authenticator.len(), 32);
    assert_eq!(state.metadata.creator_inbox_id, inbox("alix"));
    assert_eq!(state.membership.members, [(inbox("alix"), 0)].into());
    assert_eq!(state.role(&inbox("alix")), Role::SuperAdmin);
    assert!(state.mutable_metadata.admins.is_empty());
    assert_eq!(
        state.policies.clone().unwrap().preset(),
        Some(Preset::AllMembers)
    );
    assert_eq!(state.attribute("_commit_log_signer").unwrap().len(), 64);
    let names: Vec<_> = state.mutable_metadata.attributes.keys().cloned().collect();
    assert_eq!(
        names,
        [
            "_commit_log_signer",
            "app_data",
            "description",
            "group_image_url_square",
            "group_name"
        ]
    );
    assert_eq!(state.dm_id(), None);
}

#[test]
fn a_dm_names_its_two_people_and_has_no_admins() {
    let alix = created(NewGroupKind::Dm { peer: inbox("bo") });
    let state = alix.state();
    assert_eq!(state.conversation_type(), ConversationType::Dm);
    assert_eq!(
        state.metadata.dm_members,
        Some([inbox("alix"), inbox("bo")])
    );
    assert!(state.mutable_metadata.super_admins.is_empty());
    assert_eq!(state.attribute("app_data"), None);
    assert_eq!(state.policies.clone().unwrap().preset(), Some(Preset::Dm));
    let dm_id = format!("dm:{}:{}", inbox("bo"), inbox("alix"));
    assert_eq!(state.dm_id(), Some(dm_id.clone()), "sorted");

    let mut bo = Device::new("bo", 1);
    bo.create(NewGroupKind::Dm {
        peer: inbox("alix"),
    });
    assert_eq!(bo.state().dm_id(), Some(dm_id));
    assert_ne!(bo.state().group_id, state.group_id);
}

#[test]
fn sync_and_oneshot_groups_are_ordinary_otherwise() {
    let request = ReaddRequest {
        group_id: vec![7; 16],
        latest_commit_sequence_id: 12,
    };
    let oneshot = created(NewGroupKind::Oneshot(request.clone())).state();
    assert_eq!(oneshot.metadata.readd_request, Some(request));
    let sync = created(NewGroupKind::Sync).state();
    assert_eq!(sync.conversation_type(), ConversationType::Sync);
    assert_eq!(
        sync.policies.clone().unwrap().preset(),
        Some(Preset::AllMembers)
    );
    assert_eq!(sync.role(&inbox("alix")), Role::SuperAdmin);
}

#[test]
fn attributes_have_limits_in_bytes() {
    for (name, limit) in [
        ("group_name", 100),
        ("description", 1000),
        ("group_image_url_square", 2048),
        ("app_data", 8192),
    ] {
        assert_eq!(check_attribute(name, &"a".repeat(limit)), Ok(()));
        let error = check_attribute(name, &"ä".repeat(limit / 2 + 1)).unwrap_err();
        assert_eq!(
            error,
            MlsError::AttributeTooLong {
                attribute: name.to_owned(),
                limit
            }
        );
    }
    assert_eq!(
        check_attribute("favourite_colour", &"a".repeat(100_000)),
        Ok(())
    );

    let alix = Device::new("alix", 1);
    let mut new = NewGroup::of_kind(NewGroupKind::Sync);
    new.name = "a".repeat(101);
    let error = create(&alix.provider, &alix.signer, &inbox("alix"), &new).unwrap_err();
    assert_eq!(error.code(), "attribute_too_long");
}

#[test]
fn options_are_kept() {
    let alix = Device::new("alix", 1);
    let policies = PolicySet::from(Preset::AdminOnly)
        .with(&crate::policy::Permission::AddMember, Rule::SuperAdmin);
    let new = NewGroup {
        name: "climbing".to_owned(),
        description: "Tuesdays".to_owned(),
        image_url: "https://example.invalid/i.png".to_owned(),
        app_data: "{}".to_owned(),
        disappearing: Some(Disappearing {
            from_ns: 5,
            in_ns: 6,
        }),
        ..NewGroup::of_kind(NewGroupKind::Group(policies.clone()))
    };
    let group = create(&alix.provider, &alix.signer, &inbox("alix"), &new).unwrap();
    let state = GroupState::of(&group).unwrap();
    assert_eq!(state.attribute("group_name"), Some("climbing"));
    assert_eq!(state.attribute("message_disappear_from_ns"), Some("5"));
    assert_eq!(state.disappearing(), new.disappearing);
    let found = state.policies.unwrap();
    assert_eq!(found, policies);
    assert_eq!(found.preset(), None);
}

#[test]
fn messages_disappear_only_with_two_positive_numbers() {
    let mut state = created(NewGroupKind::Sync).state();
    let mut set = |from: &str, within: &str| {
        let attributes = &mut state.mutable_metadata.attributes;
        attributes.insert(ATTRIBUTE_DISAPPEAR_FROM.to_owned(), from.to_owned());
        attributes.insert(ATTRIBUTE_DISAPPEAR_IN.to_owned(), within.to_owned());
        state.disappearing()
    };
    assert_eq!(
        set("1", "2"),
        Some(Disappearing {
            from_ns: 1,
            in_ns: 2
        })
    );
    for (from, within) in [
        ("0", "0"),
        ("1", "0"),
        ("0", "1"),
        ("-1", "5"),
        ("soon", "5"),
    ] {
        assert_eq!(set(from, within), None);
    }
}

#[test]
fn a_higher_minimum_version_is_named() {
    let mut state = created(NewGroupKind::Sync).state();
    assert_eq!(state.unsupported_version(), None);
    for (version, supported) in [("1.10.0", true), ("1.11.0-dev", false), ("later", false)] {
        state.mutable_metadata.attributes.insert(
            "minimum_supported_protocol_version".to_owned(),
            version.to_owned(),
        );
        assert_eq!(state.unsupported_version(), (!supported).then_some(version));
    }
}
