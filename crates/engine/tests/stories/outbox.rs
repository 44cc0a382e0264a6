//! What waits to be sent: in order, once, and with what it depends on.

use std::sync::{Arc, atomic::Ordering};

use conclave_engine::{Body, Delivery, GroupId, Message, Network};

use crate::{
    actor::{Actor, Town, group, until},
    held_network::HeldNetwork,
};

struct Story {
    town: Town,
    network: Arc<HeldNetwork>,
    alix: Actor,
    bo: Actor,
    id: GroupId,
    /// Something of Alix that everybody has.
    earlier: Message,
}

impl Story {
    async fn begin() -> Self {
        let town = Town::new().await;
        let network = HeldNetwork::new(town.network());
        let alix = town
            .device_over(Arc::clone(&network) as Arc<dyn Network>, "Alix", "Alix")
            .await;
        let bo = town.person("Bo").await;
        let new = group(&[bo.address()], "Hikers");
        let (made, _) = alix.client().create_group(&new).await.unwrap();
        let id = made.conversation.id;
        let earlier = alix.client().send(&id, "Earlier").await.unwrap();
        alix.sync().await;
        bo.sync().await;
        Self {
            town,
            network,
            alix,
            bo,
            id,
            earlier,
        }
    }

    fn cut(&self, is_cut: bool) {
        self.network.is_cut.store(is_cut, Ordering::SeqCst);
    }

    /// Alix's sync fails once for lack of a network.
    async fn fails(&self) {
        let error = self.alix.client().group_sync(&self.id).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
    }

    async fn now(&self, message: &Message) -> Message {
        self.alix.client().message(&message.id).await.unwrap()
    }

    /// Alix writes twenty messages of mixed kinds, some of which refer to each other. Their type
    /// names, in order.
    async fn writes_twenty(&self) -> Vec<String> {
        let client = self.alix.client();
        let text = async |text: &str| client.send(&self.id, text).await.unwrap();
        let reply = async |to: &Message, body: Body| {
            let sent = client.send_message(&self.id, body, Some(&to.id));
            sent.await.unwrap()
        };
        let mut kinds = Vec::new();
        for round in 0..3 {
            let one = text(&format!("Round {round}")).await;
            let two = reply(&one, Body::Markdown("*sure*".into())).await;
            client.react(&one.id, "👍", true).await.unwrap();
            client.react(&two.id, ":wave:", true).await.unwrap();
            reply(&two, Body::Text("and so on".into())).await;
            client.react(&one.id, "👍", false).await.unwrap();
            kinds.extend(["text", "reply", "reaction", "reaction", "reply", "reaction"]);
        }
        client.delete_for_everyone(&self.earlier.id).await.unwrap();
        text("The last").await;
        kinds.extend(["deleteMessage", "text"]);
        assert_eq!(kinds.len(), 20);
        kinds.into_iter().map(str::to_owned).collect()
    }

    /// What Alix wrote after the first message, as a person has it.
    async fn by_alix(&self, person: &Actor) -> Vec<Message> {
        let mut messages = person.messages(&self.id).await;
        messages.retain(|message| {
            message.sender_inbox_id == self.alix.inbox_id()
                && message.id != self.earlier.id
                && message.kind == conclave_engine::MessageKind::Application
        });
        messages
    }

    /// Both have all of it, once and in this order, under the same ids.
    async fn all_came(&self, kinds: &[String]) {
        self.alix.sync().await;
        self.bo.sync().await;
        let (sent, came) = (self.by_alix(&self.alix).await, self.by_alix(&self.bo).await);
        let types: Vec<String> = came.iter().map(|message| message.type_id.clone()).collect();
        assert_eq!(types, kinds);
        let ids = |messages: &[Message]| -> Vec<Vec<u8>> {
            messages.iter().map(|message| message.id.clone()).collect()
        };
        assert_eq!(ids(&came), ids(&sent));
        assert!(
            sent.iter()
                .all(|message| message.delivery == Delivery::Published)
        );
        for person in [&self.alix, &self.bo] {
            let earlier = person.client().message(&self.earlier.id).await.unwrap();
            assert!(earlier.deleted_by_inbox_id.is_some() && earlier.content.is_empty());
            let annotated = person.client().annotated(self.by_alix(person).await);
            let reactions: usize = annotated
                .await
                .unwrap()
                .iter()
                .map(|line| line.reactions.len())
                .sum();
            assert_eq!(reactions, 3, "{}: one of two per round stands", person.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_messages_written_offline_go_out_in_order_and_once() {
    let story = Story::begin().await;
    story.cut(true);
    let kinds = story.writes_twenty().await;
    story.fails().await;
    story.cut(false);
    story.all_came(&kinds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_writing_and_sending_loses_and_doubles_nothing() {
    let mut story = Story::begin().await;
    let kinds = story.writes_twenty().await;
    let Story { town, alix, .. } = &mut story;
    alix.restart(town).await;
    story.all_came(&kinds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_while_a_request_is_under_way_loses_and_doubles_nothing() {
    for arrives in [false, true] {
        let mut story = Story::begin().await;
        let kinds = story.writes_twenty().await;
        // The request stays on the way, or its answer does.
        let gate = if arrives {
            &story.network.queries
        } else {
            &story.network.sends
        };
        let before = gate.arrived();
        gate.close();
        let (client, id) = (story.alix.client().clone(), story.id.clone());
        let sync = tokio::spawn(async move { client.group_sync(&id).await });
        until("the request is under way", async || gate.arrived() > before).await;
        sync.abort();
        assert!(sync.await.unwrap_err().is_cancelled());
        gate.reopen();
        let Story { town, alix, .. } = &mut story;
        alix.restart(town).await;
        story.all_came(&kinds).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_refers_to_a_message_that_fails_fails_with_it() {
    let story = Story::begin().await;
    let client = story.alix.client();
    story.cut(true);
    let text = client.send(&story.id, "Into the void").await.unwrap();
    for _ in 0..2 {
        story.fails().await;
    }
    let answer = Body::Text("You there?".into());
    let reply = client
        .send_message(&story.id, answer, Some(&text.id))
        .await
        .unwrap();
    client.react(&text.id, "👍", true).await.unwrap();
    let other = client.send(&story.id, "Something else").await.unwrap();
    story.fails().await;

    assert_eq!(story.now(&text).await.delivery, Delivery::Failed);
    let failed = story.now(&reply).await;
    assert_eq!(failed.delivery, Delivery::Failed);
    assert_eq!(failed.failure_code.as_deref(), Some("target_not_sent"));
    assert_eq!(story.now(&other).await.delivery, Delivery::Unpublished);
    let lines = client
        .annotated(vec![story.now(&text).await])
        .await
        .unwrap();
    assert!(
        lines[0].reactions.is_empty(),
        "nobody will see the reaction"
    );
    let entry = client.conversation(&story.id).await.unwrap();
    assert_eq!(entry.summary.failed_count, 2, "the reaction is no line");
    for refused in [
        client.react(&text.id, "👍", true).await,
        client.delete_for_everyone(&text.id).await,
    ] {
        refused.unwrap_err();
    }

    // Trying the answer again tries what it answers first.
    story.cut(false);
    client.retry(&reply.id).await.unwrap();
    story.alix.sync().await;
    story.bo.sync().await;
    let came = story.bo.texts(&story.id).await;
    assert_eq!(
        came,
        ["Earlier", "Something else", "Into the void", "You there?"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_deleted_before_it_left_is_never_sent() {
    let story = Story::begin().await;
    let client = story.alix.client();
    let oops = client.send(&story.id, "Oops").await.unwrap();
    let answer = Body::Text("What I mean is".into());
    let reply = client
        .send_message(&story.id, answer, Some(&oops.id))
        .await
        .unwrap();
    let deleted = client.delete_for_everyone(&oops.id).await.unwrap();
    assert!(deleted.content.is_empty());
    assert!(client.message(&oops.id).await.is_err());
    assert_eq!(story.now(&reply).await.delivery, Delivery::Failed);
    story.alix.sync().await;
    story.bo.sync().await;
    assert_eq!(
        story.bo.messages(&story.id).await.len(),
        story_length(&story).await
    );
    assert_eq!(story.bo.texts(&story.id).await, ["Earlier"]);
}

/// Messages that Alix has published, and lines about the group.
async fn story_length(story: &Story) -> usize {
    let messages = story.alix.messages(&story.id).await.into_iter();
    messages
        .filter(|message| message.delivery == Delivery::Published)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_comes_back_when_its_deletion_fails() {
    let story = Story::begin().await;
    let client = story.alix.client();
    story.cut(true);
    let deleted = client.delete_for_everyone(&story.earlier.id).await.unwrap();
    assert!(deleted.deleted_by_inbox_id.is_some());
    let summary = async || client.conversation(&story.id).await.unwrap().summary;
    assert_ne!(summary().await.last_message_preview.unwrap(), "Earlier");
    for _ in 0..3 {
        story.fails().await;
    }
    let back = story.now(&story.earlier).await;
    assert_eq!(back.deleted_by_inbox_id, None);
    assert_eq!(back.content, story.earlier.content);
    assert_eq!(summary().await.last_message_preview.unwrap(), "Earlier");
    assert_eq!(summary().await.failed_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deletion_of_a_message_under_way_waits_for_it() {
    let story = Story::begin().await;
    let client = story.alix.client();
    let text = client.send(&story.id, "On its way").await.unwrap();
    story.cut(true);
    story.fails().await;
    // It was built and may have left; so the others are asked to delete it.
    client.delete_for_everyone(&text.id).await.unwrap();
    story.cut(false);
    story.alix.sync().await;
    story.bo.sync().await;
    for person in [&story.alix, &story.bo] {
        let gone = person.client().message(&text.id).await.unwrap();
        assert_eq!(gone.delivery, Delivery::Published);
        assert!(gone.deleted_by_inbox_id.is_some() && gone.content.is_empty());
    }
}
