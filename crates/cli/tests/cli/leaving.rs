//! `group leave`, `conversation delete` and what a blocked person can do.

use serde_json::json;

use crate::world::{World, text};

#[test]
fn bo_leaves_and_the_next_sync_of_a_super_admin_takes_him_out() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let id = text(&alix.run(&["group", "create", "--name", "Tea", &bo.address()])["id"]);
    let asked = bo.run(&["group", "leave", &id]);
    assert_eq!(
        (&asked["id"], &asked["leaving"], &asked["is_active"]),
        (&json!(id), &json!(true), &json!(true))
    );
    assert_eq!(
        bo.refused(&["group", "leave", &id]),
        (1, "leaving_already".into())
    );
    assert_eq!(
        alix.refused(&["group", "leave", &id]),
        (1, "cannot_leave".into())
    );
    // Alix's refused try has synced; it carried the wish out.
    assert_eq!(alix.list(&["--offline", "group", "members", &id]).len(), 1);
    let last = alix.list(&["group", "messages", &id]).pop().unwrap();
    assert_eq!(last["content"]["left"], json!([bo.inbox_id()]));

    let seen = bo.run(&["group", "show", &id]);
    assert_eq!(
        (&seen["leaving"], &seen["is_active"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(
        bo.refused(&["conversation", "delete", &id]),
        (2, "wrong_usage".into())
    );
    assert_eq!(
        bo.run(&["conversation", "delete", &id, "--yes"]),
        json!({ "deleted": true })
    );
    assert_eq!(
        bo.refused(&["--offline", "group", "show", &id]),
        (1, "unknown_conversation".into())
    );
}

#[test]
fn what_a_blocked_person_does_is_stored_and_not_listed() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    bo.run(&["consent", "set", "inbox", &alix.inbox_id(), "denied"]);
    let id = text(&alix.run(&["group", "create", "--name", "Spam", &bo.address()])["id"]);
    alix.run(&["group", "send", &id, "Buy this"]);
    bo.run(&["conversation", "sync-all"]);
    assert!(bo.list(&["conversation", "list"]).is_empty());
    let denied = bo.list(&["conversation", "list", "--consent", "denied"]);
    assert_eq!(denied.len(), 1);
    assert_eq!(
        (&denied[0]["consent"], &denied[0]["added_by_consent"]),
        (&json!("denied"), &json!("denied"))
    );
    assert_eq!(denied[0]["request"], json!(false));

    bo.run(&["consent", "set", "inbox", &alix.inbox_id(), "unknown"]);
    let listed = bo.list(&["--offline", "conversation", "list"]);
    assert_eq!(
        (&listed[0]["id"], &listed[0]["request"]),
        (&json!(id), &json!(true))
    );
    assert_eq!(listed[0]["preview"]["text"], json!("Buy this"));
}
