//! Finding messages.

use serde_json::json;

use crate::world::{World, assert_fields, text};

#[test]
fn messages_are_found_newest_first_in_their_conversation_or_everywhere() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let tea = text(&alix.run(&["group", "create", "--name", "Tea club", &bo.address()])["id"]);
    let hike = text(&alix.run(&["group", "create", "--name", "Hikers", &bo.address()])["id"]);
    let first = alix.run(&["group", "send", &tea, "Tea at noon?"])["id"].clone();
    let second = alix.run(&["group", "send", &hike, "I bring tea, and more"])["id"].clone();
    bo.run(&["conversation", "sync-all"]);

    let found = bo.list(&["message", "search", "tea"]);
    assert_fields(&found[0], &["message", "snippet"]);
    let ids: Vec<_> = found
        .iter()
        .map(|hit| hit["message"]["id"].clone())
        .collect();
    assert_eq!(ids, [second.clone(), first.clone()]);
    assert_eq!(
        found[0]["snippet"],
        json!([
            { "text": "I bring ", "is_match": false },
            { "text": "tea", "is_match": true },
            { "text": ", and more", "is_match": false },
        ])
    );
    assert_eq!(
        bo.list(&["message", "search", "tea", "--limit", "1"]).len(),
        1
    );
    for arguments in [
        vec!["message", "search", "tea", "--in", &tea],
        vec!["message", "search", "tea in:\"tea club\""],
        vec!["message", "search", "\"tea at noon\""],
    ] {
        let found = bo.list(&arguments);
        assert_eq!(found.len(), 1, "{arguments:?}");
        assert_eq!(found[0]["message"]["id"], first);
    }
    let refused = bo.refused(&["message", "search", "tea before:noon"]);
    assert_eq!(refused, (2, "wrong_usage".into()));
}
