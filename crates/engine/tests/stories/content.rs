//! Replies, reactions, receipts, choices and deletions for everyone, between several people.

use std::time::{Duration, SystemTime};

use conclave_engine::{
    AdminChange, Annotated, Body, GroupId, Lines, Message, Origin, PageStart, QuoteState,
    SettingsChange, body,
};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    actor::{Actor, Town, group_of, until},
    hostile::Hostile,
};

/// The lines of a conversation that people wrote, with what is shown beside them.
async fn lines(person: &Actor, id: &GroupId) -> Vec<Annotated> {
    let client = person.client();
    let page = client.message_page(id, Lines::All, PageStart::Latest, 500);
    let mut items = page.await.unwrap().items;
    items.retain(|message| message.kind == conclave_engine::MessageKind::Application);
    client.annotated(items).await.unwrap()
}

/// What the lines say; `None` for a deleted one.
async fn said(person: &Actor, id: &GroupId) -> Vec<Option<String>> {
    let lines = lines(person, id).await.into_iter();
    lines
        .map(|line| body(&line.message).map(|body| body.text().into_owned()))
        .collect()
}

async fn line(person: &Actor, message: &Message) -> Annotated {
    let client = person.client();
    let found = client.message(&message.id).await.unwrap();
    client.annotated(vec![found]).await.unwrap().remove(0)
}

/// Reactions to a message as `content count`, with a mark on our own.
async fn reactions(person: &Actor, message: &Message) -> Vec<String> {
    let line = line(person, message).await;
    line.reactions
        .iter()
        .map(|tally| {
            let own = if tally.is_own { "!" } else { "" };
            format!("{} {}{own}", tally.content, tally.count)
        })
        .collect()
}

async fn sync(people: &[&Actor]) {
    for person in people {
        person.sync().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_quotes_what_it_answers_on_every_side() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    let tea = alix.client().send(&id, "Tea?").await.unwrap();
    sync(&[&alix, &bo]).await;
    let answer = Body::Markdown("**Yes**, please".into());
    let reply = bo.client().send_message(&id, answer, Some(&tea.id));
    let reply = reply.await.unwrap();
    assert!(reply.should_push);
    sync(&[&bo, &alix]).await;
    for person in [&alix, &bo] {
        let line = line(person, &reply).await;
        let Some(Body::Reply(said)) = body(&line.message) else {
            panic!("no reply")
        };
        assert_eq!(said.body, Body::Markdown("**Yes**, please".into()));
        assert_eq!(said.reference_inbox_id, Some(alix.inbox_id()));
        let quote = line.reply_to.unwrap();
        assert_eq!(quote.message_id, tea.id);
        let known = QuoteState::Known {
            sender_inbox_id: alix.inbox_id(),
            text: "Tea?".into(),
        };
        assert_eq!(quote.state, known);
    }
    let summary = alix.client().conversation(&id).await.unwrap().summary;
    assert_eq!(summary.last_message_preview.unwrap(), "**Yes**, please");
    assert_eq!(summary.unread_count, 1);
    // What is in another conversation can't be quoted, by us or by others.
    let elsewhere = group_of(&alix, &[&bo]).await;
    let refused = alix
        .client()
        .send_message(&elsewhere, Body::Text("?".into()), Some(&tea.id));
    assert_eq!(refused.await.unwrap_err().code(), "not_answerable");
    let forged = Body::Reply(Box::new(conclave_engine::Reply::new(
        tea.id.as_slice().try_into().unwrap(),
        Some(bo.inbox_id()),
        Body::Text("She said so".into()),
    )));
    let forged = bo.client().send_body(&elsewhere, forged).await.unwrap();
    sync(&[&bo, &alix]).await;
    let quote = line(&alix, &forged).await.reply_to.unwrap();
    assert_eq!(quote.state, QuoteState::Missing);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_person_reacts_once_and_may_take_it_back() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let caro = town.person("Caro").await;
    let people = [&alix, &bo, &caro];
    let id = group_of(&alix, &[&bo, &caro]).await;
    let tea = alix.client().send(&id, "Tea?").await.unwrap();
    sync(&people).await;
    let (bo_says, caro_says) = (bo.client(), caro.client());
    bo_says.react(&tea.id, "👍", true).await.unwrap();
    // Once more sends nothing.
    bo_says.react(&tea.id, "👍", true).await.unwrap();
    assert_eq!(reactions(&bo, &tea).await, ["👍 1!"], "at once");
    caro_says.react(&tea.id, "👍", true).await.unwrap();
    caro_says.react(&tea.id, ":wave:", true).await.unwrap();
    sync(&people).await;
    sync(&people).await;
    assert_eq!(reactions(&alix, &tea).await, ["👍 2", ":wave: 1"]);
    assert_eq!(reactions(&caro, &tea).await, ["👍 2!", ":wave: 1!"]);
    let sent = bo.messages(&id).await;
    let by_bo = sent.iter().filter(|m| m.sender_inbox_id == bo.inbox_id());
    assert_eq!(by_bo.count(), 1);
    // Reactions are no lines, call nobody and are nothing to read.
    assert_eq!(said(&bo, &id).await, [Some("Tea?".into())]);
    let summary = alix.client().conversation(&id).await.unwrap().summary;
    assert_eq!((summary.unread_count, summary.failed_count), (0, 0));
    assert_eq!(summary.last_message_preview.unwrap(), "Tea?");

    bo_says.react(&tea.id, "👍", false).await.unwrap();
    assert_eq!(reactions(&bo, &tea).await, ["👍 1", ":wave: 1"]);
    sync(&people).await;
    sync(&people).await;
    for person in people {
        let counts: Vec<usize> = line(person, &tea)
            .await
            .reactions
            .iter()
            .map(|t| t.count)
            .collect();
        assert_eq!(counts, [1, 1], "{}", person.name);
    }
    assert!(alix.client().react(&[9; 32], "👍", true).await.is_err());
    let long = alix.client().react(&tea.id, &"x".repeat(300), true).await;
    assert_eq!(long.unwrap_err().code(), "reaction_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_and_deletions_may_come_before_their_target() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    // The ids of what Bo is going to write.
    let written = ["First", "Second", "Third"].map(|text| {
        let content = Body::Text(text.into()).encode().unwrap();
        conclave_content::message_id(&id, "1", &content)
    });
    let reaction = conclave_content::Reaction {
        reference: written[0],
        reference_inbox_id: None,
        action: conclave_content::ReactionAction::Added,
        content: "👍".into(),
        schema: conclave_content::ReactionSchema::Unicode,
    };
    bo.client()
        .send_body(&id, Body::Reaction(reaction))
        .await
        .unwrap();
    bo.client()
        .send_body(&id, Body::DeleteMessage(written[1]))
        .await
        .unwrap();
    // Alix created the group, so she is a super admin: hers counts as well.
    alix.client()
        .send_body(&id, Body::DeleteMessage(written[2]))
        .await
        .unwrap();
    sync(&[&bo, &alix, &bo]).await;
    let bo = Hostile::of(bo, &town).await;
    for text in ["First", "Second", "Third"] {
        bo.writes(&id, text).await;
    }
    alix.sync().await;
    assert_eq!(said(&alix, &id).await, [Some("First".into()), None, None]);
    let first = alix.client().message(&written[0]).await.unwrap();
    assert_eq!(reactions(&alix, &first).await, ["👍 1"]);
    let third = alix.client().message(&written[2]).await.unwrap();
    assert_eq!(third.deleted_by_inbox_id, Some(alix.inbox_id()));
    assert!(third.content.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_authors_and_super_admins_delete_for_everyone() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let (caro, davon) = (town.person("Caro").await, town.person("Davon").await);
    let people = [&alix, &bo, &caro, &davon];
    // Alix is super admin, Bo is admin, Caro and Davon are neither.
    let id = group_of(&alix, &[&bo, &caro, &davon]).await;
    alix.client()
        .change_role(&id, &bo.address(), AdminChange::AddAdmin)
        .await
        .unwrap();
    let mut written = Vec::new();
    for text in [
        "by the author",
        "by the super admin",
        "not by the admin",
        "not by a member",
    ] {
        written.push(caro.client().send(&id, text).await.unwrap());
    }
    let reply = Body::Text("I saw it".into());
    let reply = davon_answers(&people, &id, &written[0], reply).await;
    alix.client()
        .react(&written[0].id, "👎", true)
        .await
        .unwrap();
    sync(&people).await;

    for (person, message) in [(&bo, &written[2]), (&davon, &written[3])] {
        let refused = person.client().delete_for_everyone(&message.id).await;
        assert_eq!(
            refused.unwrap_err().code(),
            "not_deletable",
            "{}",
            person.name
        );
        assert!(
            person
                .client()
                .why_not_deletable(&message.id)
                .await
                .unwrap()
                .is_some()
        );
        // One that sends the deletion all the same is not obeyed.
        let target = message.id.as_slice().try_into().unwrap();
        person
            .client()
            .send_body(&id, Body::DeleteMessage(target))
            .await
            .unwrap();
    }
    let deleted = caro
        .client()
        .delete_for_everyone(&written[0].id)
        .await
        .unwrap();
    assert_eq!(deleted.deleted_by_inbox_id, Some(caro.inbox_id()));
    assert!(
        alix.client()
            .why_not_deletable(&written[1].id)
            .await
            .unwrap()
            .is_none()
    );
    alix.client()
        .delete_for_everyone(&written[1].id)
        .await
        .unwrap();
    sync(&people).await;
    sync(&people).await;
    for person in [&alix, &caro] {
        let said = said(person, &id).await;
        let expected = [
            None,
            None,
            Some("not by the admin"),
            Some("not by a member"),
            Some("I saw it"),
        ];
        let expected = expected.map(|text| text.map(str::to_owned));
        assert_eq!(said, expected, "{}", person.name);
        let gone = person.client().message(&written[0].id).await.unwrap();
        assert!(gone.content.is_empty(), "the text is erased");
        assert!(reactions(person, &gone).await.is_empty());
        let quote = line(person, &reply).await.reply_to.unwrap();
        let of_caro = QuoteState::Deleted {
            sender_inbox_id: caro.inbox_id(),
        };
        assert_eq!(quote.state, of_caro);
    }
    let again = caro.client().react(&written[0].id, "👍", true).await;
    assert_eq!(again.unwrap_err().code(), "not_answerable");
}

async fn davon_answers(people: &[&Actor], id: &GroupId, to: &Message, with: Body) -> Message {
    sync(people).await;
    let davon = people.last().unwrap();
    let sent = davon.client().send_message(id, with, Some(&to.id));
    let sent = sent.await.unwrap();
    sync(people).await;
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_names_messages_of_its_own_conversation_only() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let ours = group_of(&alix, &[&bo]).await;
    // In a group of his own Bo is the super admin.
    let his = group_of(&bo, &[&alix]).await;
    let secret = alix.client().send(&ours, "Keep this").await.unwrap();
    sync(&[&alix, &bo]).await;
    let target = secret.id.as_slice().try_into().unwrap();
    bo.client()
        .send_body(&his, Body::DeleteMessage(target))
        .await
        .unwrap();
    let reaction = conclave_content::Reaction {
        reference: target,
        reference_inbox_id: None,
        action: conclave_content::ReactionAction::Added,
        content: "👍".into(),
        schema: conclave_content::ReactionSchema::Unicode,
    };
    bo.client()
        .send_body(&his, Body::Reaction(reaction))
        .await
        .unwrap();
    sync(&[&bo, &alix]).await;
    assert_eq!(said(&alix, &ours).await, [Some("Keep this".into())]);
    assert!(reactions(&alix, &secret).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_direct_message_of_two_groups_all_refers_to_all() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    // Both begin it before they hear of each other.
    let of_alix = alix.client().create_dm(&bo.address()).await.unwrap();
    let of_bo = bo.client().create_dm(&alix.address()).await.unwrap();
    let (of_alix, of_bo) = (of_alix.conversation.id, of_bo.conversation.id);
    assert_ne!(of_alix, of_bo);
    let from_alix = alix.client().send(&of_alix, "Hello Bo").await.unwrap();
    let from_bo = bo.client().send(&of_bo, "Hello Alix").await.unwrap();
    sync(&[&alix, &bo, &alix, &bo]).await;
    alix.client().react(&from_bo.id, "👍", true).await.unwrap();
    bo.client().react(&from_alix.id, "👍", true).await.unwrap();
    sync(&[&alix, &bo, &alix, &bo]).await;
    for person in [&alix, &bo] {
        for message in [&from_alix, &from_bo] {
            assert_eq!(
                line(person, message).await.reactions.len(),
                1,
                "{}",
                person.name
            );
        }
    }
    bo.client().delete_for_everyone(&from_bo.id).await.unwrap();
    let refused = bo.client().delete_for_everyone(&from_alix.id).await;
    assert_eq!(refused.unwrap_err().code(), "not_deletable");
    sync(&[&bo, &alix]).await;
    let gone = alix.client().message(&from_bo.id).await.unwrap();
    assert_eq!(gone.deleted_by_inbox_id, Some(bo.inbox_id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_others_hear_what_was_read_once_per_burst() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    let times = async || alix.client().read_times(&id).await.unwrap();
    alix.say(&id, "Is anybody there?").await;
    bo.sync().await;
    // Bo has not accepted the group yet: nothing is told.
    bo.client().mark_read(&id).await.unwrap();
    sync(&[&bo, &alix]).await;
    assert!(times().await.is_empty());

    bo.client()
        .set_conversation_consent(&id, conclave_engine::ConsentState::Allowed)
        .await
        .unwrap();
    for text in ["One", "Two", "Three"] {
        alix.say(&id, text).await;
        bo.sync().await;
        bo.client().mark_read(&id).await.unwrap();
    }
    sync(&[&bo, &alix]).await;
    let first = times().await[&bo.inbox_id()];
    let receipts = async || {
        let messages = alix.messages(&id).await.into_iter();
        messages.filter(|m| m.type_id == "readReceipt").count()
    };
    assert_eq!(receipts().await, 1, "one for the burst");
    let rows = lines(&alix, &id).await;
    assert_eq!(rows.len(), 4, "a receipt is no line");

    bo.wait(Duration::from_secs(10));
    alix.say(&id, "Four").await;
    bo.sync().await;
    bo.client().mark_read(&id).await.unwrap();
    // Nothing unread, nothing to tell.
    bo.wait(Duration::from_secs(10));
    bo.client().mark_read(&id).await.unwrap();
    sync(&[&bo, &alix]).await;
    assert_eq!(receipts().await, 2);
    assert!(times().await[&bo.inbox_id()] > first);

    let quiet = SettingsChange {
        send_read_receipts: Some(false),
        ..SettingsChange::default()
    };
    assert!(
        !bo.client()
            .set_settings(quiet)
            .await
            .unwrap()
            .send_read_receipts
    );
    bo.wait(Duration::from_secs(10));
    alix.say(&id, "Five").await;
    bo.sync().await;
    bo.client().mark_read(&id).await.unwrap();
    sync(&[&bo, &alix]).await;
    assert_eq!(receipts().await, 2, "Bo does not want it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_at_the_end_of_a_burst_is_told_too() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    bo.say(&id, "I am in").await;
    alix.sync().await;
    let live = bo.client().start();
    until("Bo is online", async || {
        bo.client().connection() == conclave_engine::Connection::Online
    })
    .await;
    for text in ["One", "Two"] {
        alix.say(&id, text).await;
        until("Bo has it", async || {
            bo.client()
                .conversation(&id)
                .await
                .unwrap()
                .summary
                .unread_count
                > 0
        })
        .await;
        bo.client().mark_read(&id).await.unwrap();
    }
    until("the second receipt is there", async || {
        alix.sync().await;
        let messages = alix.messages(&id).await.into_iter();
        messages.filter(|m| m.type_id == "readReceipt").count() == 2
    })
    .await;
    live.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_bo_reads_on_one_device_is_read_on_the_other() {
    let town = Town::new().await;
    let (alix, phone) = (town.person("Alix").await, town.person("Bo").await);
    let laptop = town.device("Bo", "Bo's laptop").await;
    let id = group_of(&alix, &[&phone]).await;
    laptop.sync().await;
    phone.say(&id, "Two devices").await;
    sync(&[&alix, &laptop]).await;
    alix.say(&id, "So I see").await;
    sync(&[&phone, &laptop]).await;
    let unread = async |device: &Actor| {
        let entry = device.client().conversation(&id).await.unwrap();
        entry.summary.unread_count
    };
    assert_eq!((unread(&phone).await, unread(&laptop).await), (1, 1));
    phone.client().mark_read(&id).await.unwrap();
    sync(&[&phone, &laptop]).await;
    assert_eq!((unread(&phone).await, unread(&laptop).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_names_the_message_that_offered_it() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    let offer = Body::from_json(
        conclave_engine::KnownType::Actions,
        r#"{"id":"tea","description":"Tea?","actions":[{"id":"yes","label":"Yes"}]}"#,
    );
    let offer = alix.client().send_body(&id, offer.unwrap()).await.unwrap();
    sync(&[&alix, &bo]).await;
    let refused = bo.client().answer(&offer.id, "coffee").await;
    assert_eq!(refused.unwrap_err().code(), "not_answerable");
    let chosen = bo.client().answer(&offer.id, "yes").await.unwrap();
    assert!(chosen.should_push);
    sync(&[&bo, &alix]).await;
    let chosen = alix.client().message(&chosen.id).await.unwrap();
    let (_, body) = Body::decode(&chosen.content, Origin::Member);
    let Body::Intent(intent) = body else {
        panic!("no choice")
    };
    assert_eq!(
        (intent.id.as_str(), intent.action_id.as_str()),
        ("tea", "yes")
    );
    // An hour after the time to choose nobody can.
    let hour_ago = OffsetDateTime::from(SystemTime::now()) - Duration::from_secs(3600);
    let over = hour_ago.format(&Rfc3339).unwrap();
    for (of_all, of_one) in [
        (&over, None),
        (&"2999-01-01T00:00:00Z".to_owned(), Some(&over)),
    ] {
        let of_one = of_one.map_or("null".to_owned(), |over| format!("\"{over}\""));
        let json = format!(
            r#"{{"id":"cake","description":"Cake?","expires_at":"{of_all}",
            "actions":[{{"id":"yes","label":"Yes","expires_at":{of_one}}}]}}"#,
        );
        let offer = Body::from_json(conclave_engine::KnownType::Actions, &json);
        let offer = alix.client().send_body(&id, offer.unwrap()).await.unwrap();
        sync(&[&alix, &bo]).await;
        let late = bo.client().answer(&offer.id, "yes").await.unwrap_err();
        assert!(late.to_string().contains("is over"), "{late}");
    }
    // Neither can be deleted for everyone.
    assert!(bo.client().delete_for_everyone(&chosen.id).await.is_err());
    assert!(alix.client().delete_for_everyone(&offer.id).await.is_err());
}
