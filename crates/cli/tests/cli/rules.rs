//! `group permissions`, `admin`, `super-admin`, `pin`, `disappearing`.

use serde_json::json;

use crate::world::{World, text};

#[test]
fn an_admin_sets_roles_permissions_pins_and_disappearing_times() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let id = text(&alix.run(&["group", "create", "--name", "Tea", &bo.address()])["id"]);
    bo.run(&["conversation", "sync-all"]);

    let set = alix.run(&["group", "permissions", "set", &id, "add_member", "admin"]);
    assert_eq!(
        (&set["preset"], &set["add_member"]),
        (&json!("custom"), &json!("admin"))
    );
    let shown = bo.run(&["group", "permissions", "show", &id]);
    assert_eq!(shown["add_member"], json!("admin"));
    assert_eq!(
        bo.refused(&["group", "permissions", "set", &id, "add_member", "allow"]),
        (1, "denied_by_policy".into())
    );
    assert_eq!(
        alix.refused(&["group", "permissions", "set", &id, "sing", "allow"]),
        (1, "invalid_arguments".into())
    );

    let lists = alix.run(&["group", "admin", "add", &id, &bo.address()]);
    assert_eq!(
        lists,
        json!({ "admins": [bo.inbox_id()], "super_admins": [alix.inbox_id()] })
    );
    assert_eq!(
        alix.refused(&["group", "super-admin", "remove", &id, &alix.address()]),
        (1, "last_super_admin".into())
    );

    let message = text(&alix.run(&["group", "send", &id, "Kettle is on"])["id"]);
    let pins = bo.list(&["group", "pin", &id, &message]);
    assert_eq!(pins[0]["message_id"], json!(message));
    let shown = bo.run(&["group", "show", &id]);
    assert_eq!(
        (&shown["pinned"], &shown["my_role"]),
        (&json!([message]), &json!("admin"))
    );
    let pins = alix.list(&["group", "pins", &id]);
    assert_eq!(pins[0]["message"]["text"], json!("Kettle is on"));
    assert!(bo.list(&["group", "unpin", &id, &message]).is_empty());

    alix.run(&["group", "disappearing", &id, "--in-ns", "60000000000"]);
    let shown = bo.run(&["group", "show", &id]);
    assert_eq!(shown["disappearing"]["in_ns"], json!("60000000000"));
    let off = alix.run(&["group", "disappearing", &id, "--off"]);
    assert_eq!(off["disappearing"], json!(null));
}
