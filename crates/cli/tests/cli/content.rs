//! Replies, markdown, reactions, choices and deletions from the command line.

use serde_json::json;

use crate::world::{World, text};

#[test]
fn people_answer_react_and_delete() {
    let world = World::new();
    let (alix, bo) = (world.person(), world.person());
    let id = text(&alix.run(&["group", "create", &bo.address()])["id"]);
    let tea = text(&alix.run(&["group", "send", &id, "Tea?"])["id"]);
    bo.texts(&id);
    let answer = [
        "group",
        "send",
        &id,
        "**Yes**",
        "--markdown",
        "--reply-to",
        &tea,
    ];
    let answer = bo.run(&answer);
    assert_eq!(answer["delivery"], json!("published"));
    assert_eq!(
        answer["content"],
        json!({"kind": "markdown", "text": "**Yes**"})
    );
    let quoted = json!({
        "message_id": tea, "sender_inbox_id": alix.inbox_id(), "text": "Tea?", "state": "known",
    });
    assert_eq!(answer["reply_to"], quoted);

    let reacted = bo.run(&["message", "react", &tea, "👍"]);
    assert_eq!(reacted["id"], json!(tea));
    let reactions = |person: &crate::world::Person| {
        let messages = person.list(&["group", "messages", &id]);
        let tea = messages.iter().find(|message| message["id"] == json!(tea));
        tea.unwrap()["reactions"].clone()
    };
    let one = json!([{
        "content": "👍", "schema": "unicode", "count": 1, "is_own": false,
        "senders": [bo.inbox_id()],
    }]);
    assert_eq!(reactions(&alix), one);
    bo.run(&["message", "react", "--remove", &tea, "👍"]);
    assert_eq!(reactions(&alix), json!([]));

    let payload = r#"{"id":"1","description":"Cake?","actions":[{"id":"yes","label":"Yes"}]}"#;
    let offer = ["group", "send", &id, payload, "--json-of", "actions"];
    let offer = text(&alix.run(&offer)["id"]);
    bo.texts(&id);
    let chosen = bo.run(&["message", "answer", &offer, "yes"]);
    assert_eq!(
        chosen["content"],
        json!({"kind": "intent", "id": "1", "action_id": "yes"})
    );
    let (code, error) = bo.refused(&["message", "answer", &offer, "no"]);
    assert_eq!((code, error.as_str()), (1, "not_answerable"));

    let deleted = alix.run(&["message", "delete", "--for-everyone", &tea]);
    let gone = json!({"kind": "deleted", "by": alix.inbox_id()});
    assert_eq!(deleted["content"], gone);
    bo.run(&["group", "sync", &id]);
    let answer = text(&answer["id"]);
    let messages = bo.list(&["group", "messages", &id]);
    let shown = |id: &str| {
        messages
            .iter()
            .find(|message| message["id"] == json!(id))
            .unwrap()
    };
    assert_eq!(shown(&tea)["content"], gone);
    assert_eq!(shown(&answer)["reply_to"]["state"], json!("deleted"));

    // Only here.
    let here = bo.run(&["message", "delete", &answer]);
    assert_eq!(here, json!({"deleted": true}));
    let left = alix.list(&["group", "messages", &id]);
    assert!(left.iter().any(|message| message["id"] == json!(answer)));
    let (code, error) = bo.refused(&["message", "delete", "--for-everyone", &answer]);
    assert_eq!((code, error.as_str()), (1, "unknown_message"));
}
