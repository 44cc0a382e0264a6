//! Finding messages, drafts, and what is unread.

use conclave_engine::{ConsentState, Draft, Lines, MessagePosition, PageStart, Search, SearchPage};

use crate::actor::{Actor, Town, group, group_of};

async fn search(person: &Actor, query: &str) -> SearchPage {
    let search = Search {
        query: query.to_owned(),
        limit: 10,
        ..Search::default()
    };
    person.client().search(search).await.unwrap()
}

/// What is found, the newest first.
async fn found(person: &Actor, query: &str) -> Vec<String> {
    let page = search(person, query).await;
    assert_eq!(page.problem, None, "{query}");
    let hits = page.hits.into_iter();
    hits.map(|hit| hit.message.preview.unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_written_is_found_by_words_people_places_and_days() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let new = group(&[bo.address()], "Tea Club");
    let tea = alix.client().create_group(&new).await.unwrap().0;
    let tea = tea.conversation.id;
    let dm = alix.client().create_dm(&bo.address()).await.unwrap();
    let dm = dm.conversation.id;
    bo.sync().await;
    alix.say(&tea, "Green tea at noon").await;
    alix.say(&dm, "Black tea, only us").await;
    bo.say(&tea, "Noon is fine").await;
    alix.sync().await;
    bo.sync().await;
    // Not sent yet, and found all the same.
    alix.client().send(&tea, "Teapots for all").await.unwrap();

    let (green, black, fine) = ("Green tea at noon", "Black tea, only us", "Noon is fine");
    let pots = "Teapots for all";
    assert_eq!(found(&alix, "tea").await, [pots, black, green]);
    assert_eq!(found(&alix, "\"tea\"").await, [black, green]);
    assert_eq!(found(&alix, "\"tea at noon\"").await, [green]);
    assert_eq!(found(&alix, "noon gre").await, [green]);
    assert_eq!(found(&alix, "tea in:club").await, [green]);
    assert_eq!(found(&alix, "in:\"tea club\"").await, [pots, fine, green]);
    let with_bo = format!("tea in:{}", bo.address());
    assert_eq!(found(&alix, &with_bo).await, [black]);
    assert_eq!(found(&alix, "noon from:me").await, [green]);
    let beginning: String = bo.address().chars().take(8).collect();
    for who in [bo.address(), bo.inbox_id(), beginning] {
        assert_eq!(found(&alix, &format!("noon from:{who}")).await, [fine]);
    }
    assert_eq!(found(&alix, "noon after:2020-01-01").await, [fine, green]);
    assert!(found(&alix, "noon before:2020-01-01").await.is_empty());
    assert_eq!(found(&bo, "tea").await, [black, green]);
    let within = Search {
        query: "tea".into(),
        conversation_id: Some(dm.clone()),
        limit: 10,
        ..Search::default()
    };
    let page = alix.client().search(within).await.unwrap();
    assert_eq!(page.hits.len(), 1);

    for (query, sentence) in [
        ("tea from:0xffffffff", "Nobody here"),
        ("tea from:nobody", "Nobody here"),
        ("tea in:coffee", "No conversation here"),
        ("tea before:noon", "is no day"),
    ] {
        let page = search(&alix, query).await;
        assert!(page.hits.is_empty());
        let problem = page.problem.unwrap();
        assert!(problem.contains(sentence), "{problem}");
    }
    for query in ["", "\"", "*", "tea*(", "NEAR(tea)", "text:tea"] {
        search(&alix, query).await;
    }

    alix.client()
        .set_conversation_consent(&tea, ConsentState::Denied)
        .await
        .unwrap();
    assert_eq!(
        found(&alix, "tea").await,
        [black],
        "blocked ones are left out"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_and_unread_marks_outlive_a_restart() {
    let town = Town::new().await;
    let (alix, mut bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group_of(&alix, &[&bo]).await;
    for text in ["one", "two", "three"] {
        alix.say(&id, text).await;
    }
    bo.sync().await;
    let unread = |entry: conclave_engine::ConversationEntry| entry.summary.unread_count;
    let client = bo.client();
    assert_eq!(unread(client.conversation(&id).await.unwrap()), 3);
    client.mark_read(&id).await.unwrap();
    assert_eq!(unread(client.conversation(&id).await.unwrap()), 0);
    client.mark_unread(&id, None).await.unwrap();
    assert_eq!(unread(client.conversation(&id).await.unwrap()), 1);
    let messages = bo.messages(&id).await;
    let two = messages
        .iter()
        .find(|message| message.preview.as_deref() == Some("two"))
        .unwrap();
    client.mark_unread(&id, Some(&two.id)).await.unwrap();
    let draft = Draft {
        text: "Four, I".into(),
        reply_to: Some(two.id.clone()),
    };
    client.set_draft(&id, draft.clone()).await.unwrap();
    let long = Draft {
        text: "x".repeat(65_537),
        reply_to: None,
    };
    let error = client.set_draft(&id, long).await.unwrap_err();
    assert_eq!(error.code(), "text_too_long");
    let error = client.mark_unread(&id, Some(&[9; 32])).await.unwrap_err();
    assert_eq!(error.code(), "unknown_message");

    bo.restart(&town).await;
    let client = bo.client();
    let drafts = client.drafts(vec![id.clone()]).await.unwrap();
    assert_eq!(drafts[&id], draft);
    assert_eq!(unread(client.conversation(&id).await.unwrap()), 2);
    let page = |start| client.message_page(&id, Lines::All, start, 50);
    let first = page(PageStart::FirstUnread).await.unwrap();
    assert_eq!(first.first_unread.as_ref(), Some(&two.id));
    client.mark_read(&id).await.unwrap();
    assert_eq!(unread(client.conversation(&id).await.unwrap()), 0);

    // To a day: around the first message sent then or later.
    let few = |start| client.message_page(&id, Lines::All, start, 2);
    let at = few(PageStart::At(two.sent_at_ns)).await.unwrap();
    let texts: Vec<_> = at.items.iter().map(|m| m.preview.as_deref()).collect();
    assert_eq!(texts, [Some("one"), Some("two")]);
    let MessagePosition { sent_at_ns, .. } = two.position();
    assert_eq!(sent_at_ns, two.sent_at_ns);
    let late = few(PageStart::At(i64::MAX)).await.unwrap();
    assert!(!late.has_newer && late.items.len() == 1);
}
