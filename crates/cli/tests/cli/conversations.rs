//! Groups and direct messages: made, changed, listed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{World, assert_fields, assert_hex, assert_ns, text};

fn ids(rows: &[Value], field: &str) -> BTreeSet<String> {
    rows.iter().map(|row| text(&row[field])).collect()
}

#[test]
fn two_people_share_a_group() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let made = alix.run(&["group", "create", "--name", "Tea", &bo.address()]);
    assert_fields(
        &made,
        &[
            "id",
            "kind",
            "name",
            "description",
            "image_url",
            "created_at_ns",
            "added_by_inbox_id",
            "creator_inbox_id",
            "peer_inbox_id",
            "consent",
            "is_active",
            "epoch",
            "member_count",
            "last_activity_ns",
        ],
    );
    assert_hex(&made["id"], 16);
    assert_ns(&made["created_at_ns"]);
    assert_ns(&made["last_activity_ns"]);
    assert_eq!(
        (&made["kind"], &made["name"]),
        (&json!("group"), &json!("Tea"))
    );
    assert_eq!(
        (&made["consent"], &made["member_count"]),
        (&json!("allowed"), &json!(2))
    );
    assert_eq!(made["creator_inbox_id"], json!(alix.inbox_id()));
    assert!(made["epoch"].as_u64().unwrap() >= 1);
    let id = text(&made["id"]);

    assert_eq!(
        bo.run(&["conversation", "sync"]),
        json!({ "new_conversations": 1 })
    );
    assert_eq!(
        bo.run(&["conversation", "sync"]),
        json!({ "new_conversations": 0 })
    );
    let seen = bo.run(&["group", "show", &id]);
    assert_eq!(
        (&seen["name"], &seen["consent"]),
        (&json!("Tea"), &json!("unknown"))
    );
    assert_eq!(seen["added_by_inbox_id"], json!(alix.inbox_id()));
    assert_eq!(seen["permissions"]["preset"], json!("everyone"));
    assert_eq!(
        (&seen["disappearing"], &seen["pinned"]),
        (&json!(null), &json!([]))
    );

    let sent = alix.run(&["group", "send", &id, "Hello Bo"]);
    assert_fields(
        &sent,
        &[
            "id",
            "conversation_id",
            "sender_inbox_id",
            "sender_installation_id",
            "kind",
            "delivery",
            "sent_at_ns",
            "inserted_at_ns",
            "content_type",
            "text",
            "content",
        ],
    );
    assert_hex(&sent["id"], 32);
    assert_eq!(
        (&sent["kind"], &sent["delivery"]),
        (&json!("application"), &json!("published"))
    );
    assert_eq!(sent["content_type"], json!("xmtp.org/text:1.0"));
    assert_eq!(
        sent["content"],
        json!({ "kind": "text", "text": "Hello Bo" })
    );
    assert_eq!(bo.texts(&id), ["Hello Bo"]);

    let outcome = bo.outcome_with_input(&["group", "send", &id, "-"], "Hello\nAlix\n");
    assert_eq!(
        (outcome.code, &outcome.out[0]["text"]),
        (0, &json!("Hello\nAlix"))
    );
    let synced = alix.run(&["group", "sync", &id]);
    assert_eq!(
        synced,
        json!({ "new_messages": 1, "published": 0, "failed": 0 })
    );
    assert_eq!(alix.texts(&id), ["Hello Bo", "Hello\nAlix"]);

    let all = ["group", "messages", &id, "--kind", "application"];
    assert_eq!(ids(&alix.list(&all), "id"), ids(&bo.list(&all), "id"));
    let facts = alix.run(&["group", "debug", &id]);
    assert_hex(&facts["epoch_authenticator"], 32);
    assert_eq!(
        (&facts["fork"], &facts["leaf_count"]),
        (&json!("none"), &json!(2))
    );
    assert!(facts["cursor"].as_u64().unwrap() > 0);
    for field in ["epoch", "epoch_authenticator", "leaf_count"] {
        assert_eq!(
            bo.run(&["group", "debug", &id])[field],
            facts[field],
            "{field}"
        );
    }
}

#[test]
fn people_come_and_go() {
    let world = World::new();
    let (alix, bo, caro) = (world.person(), world.person(), world.person());
    let id = text(&alix.run(&["group", "create", &bo.inbox_id()])["id"]);

    let file = alix.folder.path().join("people");
    std::fs::write(&file, format!("{}\n", caro.address())).unwrap();
    let added = alix.run(&["group", "add", &id, &format!("@{}", file.display())]);
    assert_eq!(added, json!({ "added": [caro.inbox_id()], "failed": [] }));
    caro.run(&["conversation", "sync"]);
    caro.run(&["group", "send", &id, "I am here"]);
    assert_eq!(bo.texts(&id), ["I am here"]);

    let members = bo.list(&["group", "members", &id]);
    assert_eq!(
        ids(&members, "inbox_id"),
        BTreeSet::from([alix.inbox_id(), bo.inbox_id(), caro.inbox_id()])
    );
    for member in &members {
        assert_fields(
            member,
            &[
                "inbox_id",
                "addresses",
                "installation_ids",
                "role",
                "consent",
            ],
        );
        let creator = text(&member["inbox_id"]) == alix.inbox_id();
        assert_eq!(
            member["role"],
            json!(if creator { "super_admin" } else { "member" })
        );
        assert_eq!(member["installation_ids"].as_array().unwrap().len(), 1);
    }

    // Only admins may remove people where everyone may add them.
    let refused = bo.refused(&["group", "remove", &id, &caro.inbox_id()]);
    assert_eq!(refused, (1, "denied_by_policy".into()));
    let removed = alix.run(&["group", "remove", &id, &caro.address()]);
    assert_eq!(
        removed,
        json!({ "removed": [caro.inbox_id()], "failed": [] })
    );
    let refused = alix.refused(&["group", "remove", &id, &caro.address()]);
    assert_eq!(refused, (1, "not_member".into()));

    let left = caro.run(&["group", "show", &id]);
    assert_eq!(left["is_active"], json!(false));
    assert_eq!(caro.texts(&id), ["I am here"], "history stays");
    let refused = caro.refused(&["group", "send", &id, "hello?"]);
    assert_eq!(refused, (1, "conversation_inactive".into()));

    let lines = bo.list(&["group", "messages", &id, "--kind", "membership_change"]);
    let changes: Vec<(&Value, &Value)> = lines
        .iter()
        .map(|line| (&line["content"]["added"], &line["content"]["removed"]))
        .collect();
    assert!(
        changes.contains(&(&json!([caro.inbox_id()]), &json!([]))),
        "{lines:?}"
    );
    assert!(
        changes.contains(&(&json!([]), &json!([caro.inbox_id()]))),
        "{lines:?}"
    );
    assert!(
        lines.iter().all(|line| !text(&line["text"]).is_empty()),
        "{lines:?}"
    );
}

#[test]
fn names_change_for_everybody() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let id = text(&alix.run(&["group", "create", "--preset", "admins", &bo.address()])["id"]);
    let changed = alix.run(&[
        "group",
        "set",
        &id,
        "--name",
        "Tea",
        "--description",
        "Leaves",
        "--image-url",
        "https://tea.example/leaf.png",
        "--app-data",
        "{}",
    ]);
    assert_eq!(
        (&changed["name"], &changed["description"]),
        (&json!("Tea"), &json!("Leaves"))
    );
    bo.run(&["conversation", "sync-all"]);
    let seen = bo.run(&["--offline", "group", "show", &id]);
    assert_eq!(
        (&seen["name"], &seen["description"]),
        (&json!("Tea"), &json!("Leaves"))
    );
    assert_eq!(seen["image_url"], json!("https://tea.example/leaf.png"));

    let permissions = bo.run(&["group", "permissions", "show", &id]);
    assert_eq!(permissions["preset"], json!("admins"));
    assert_eq!(permissions["add_member"], json!("admin"));
    assert_eq!(permissions["add_admin"], json!("super_admin"));
    assert_eq!(permissions["update_metadata"]["group_name"], json!("admin"));
    let refused = bo.refused(&["group", "set", &id, "--name", "Coffee"]);
    assert_eq!(refused, (1, "denied_by_policy".into()));
    let refused = alix.refused(&["group", "set", &id, "--name", &"x".repeat(101)]);
    assert_eq!(refused, (1, "metadata_too_long".into()));
    assert_eq!(
        alix.refused(&["group", "set", &id]),
        (2, "wrong_usage".into())
    );
}

#[test]
fn a_direct_message_is_one_conversation() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let made = alix.run(&["dm", "create", &bo.address()]);
    let id = text(&made["id"]);
    assert_eq!(
        (&made["kind"], &made["peer_inbox_id"]),
        (&json!("dm"), &json!(bo.inbox_id()))
    );
    assert_eq!(alix.run(&["dm", "create", &bo.inbox_id()])["id"], json!(id));
    alix.run(&["group", "send", &id, "Psst"]);

    let found = bo.run(&["dm", "create", &alix.address()]);
    assert_eq!(
        (&found["id"], &found["peer_inbox_id"]),
        (&json!(id), &json!(alix.inbox_id()))
    );
    assert_eq!(bo.texts(&id), ["Psst"]);
    assert_eq!(
        bo.run(&["group", "show", &id])["permissions"]["preset"],
        json!("dm")
    );

    let refused = alix.refused(&["dm", "create", &alix.address()]);
    assert_eq!(refused, (1, "direct_message".into()));
    let refused = alix.refused(&["group", "set", &id, "--name", "Us"]);
    assert_eq!(refused, (1, "direct_message".into()));
}

#[test]
fn lists_are_filtered_and_ordered() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let first = text(&alix.run(&["group", "create", "--name", "First"])["id"]);
    let second = text(&alix.run(&["group", "create", "--name", "Second", &bo.address()])["id"]);
    let dm = text(&alix.run(&["dm", "create", &bo.address()])["id"]);
    let list = |arguments: &[&str]| -> Vec<String> {
        let rows = alix.list(&[&["--offline", "conversation", "list"], arguments].concat());
        rows.iter().map(|row| text(&row["id"])).collect()
    };
    assert_eq!(
        list(&["--order", "created"]),
        [dm.as_str(), &second, &first]
    );
    alix.run(&["group", "send", &first, "Note to myself"]);
    assert_eq!(list(&[])[0], first);
    assert_eq!(list(&["--limit", "1"]), [first.as_str()]);
    assert_eq!(list(&["--kind", "dm"]), [dm.as_str()]);

    let created = text(&alix.run(&["--offline", "group", "show", &second])["created_at_ns"]);
    assert_eq!(list(&["--created-after-ns", &created]), [dm.as_str()]);
    assert_eq!(list(&["--created-before-ns", &created]), [first.as_str()]);

    let denied = alix.run(&["consent", "set", "conversation", &second, "denied"]);
    assert_eq!(
        denied,
        json!({ "entity": "conversation", "id": second, "state": "denied" })
    );
    assert_eq!(
        alix.run(&["consent", "get", "conversation", &second]),
        denied
    );
    assert!(!list(&[]).contains(&second));
    assert_eq!(list(&["--consent", "denied"]), [second.as_str()]);
    assert_eq!(list(&["--consent", "allowed,denied"]).len(), 3);

    let inbox = alix.run(&["consent", "get", "inbox", &bo.inbox_id()]);
    assert_eq!(
        inbox,
        json!({ "entity": "inbox", "id": bo.inbox_id(), "state": "allowed" }),
        "who writes to somebody wants to hear from them"
    );
    // Who is blocked takes the direct message along, and brings it back.
    let blocked = alix.run(&["consent", "set", "inbox", &bo.inbox_id(), "denied"]);
    assert_eq!(blocked["state"], json!("denied"));
    assert_eq!(list(&["--consent", "denied"]), [dm.as_str(), &second]);
    alix.run(&["consent", "set", "inbox", &bo.inbox_id(), "unknown"]);
    assert_eq!(list(&["--consent", "unknown"]), [dm.as_str()]);

    // A list that may use the network knows what came since.
    assert_eq!(bo.list(&["conversation", "list"]).len(), 2);
    assert_eq!(
        bo.list(&["conversation", "list", "--consent", "allowed"])
            .len(),
        0
    );
}
