use super::*;
use crate::consent::Consent;
use crate::kinds::ConsentEntity;
use crate::message::NewMessage;
use crate::store::Store;
use crate::testing::{ALIX, BO, Folder, group, message_id, read, text, write};

const SECOND: i64 = 1_000_000_000;

/// Stores texts of Bo, the first at second 1, and indexes them.
async fn store_with(folder: &Folder, texts: &[&str]) -> Store {
    let store = folder.open();
    write(&store, |tx| tx.insert_conversation(&group(1), 0)).await;
    add(&store, 1, 1, texts).await;
    store
}

/// Stores texts in a conversation with numbers from `first` on, each sent at its number's second.
async fn add(store: &Store, conversation: u8, first: u32, texts: &[&str]) {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    write(store, move |tx| {
        let mut entries = Vec::new();
        let mut last = 0;
        for (number, text_of) in (first..).zip(&texts) {
            let id = message_id(number);
            let group_id = [conversation; 16];
            let at_ns = i64::from(number) * SECOND;
            let inserted = tx.insert_message(&NewMessage {
                content: text_of.as_bytes(),
                ..text(&id, &group_id, at_ns)
            })?;
            last = inserted.row_id;
            entries.push(SearchEntry {
                row_id: inserted.row_id,
                sent_at_ns: at_ns,
                conversation_id: group_id.to_vec(),
                sender_inbox_id: BO.to_owned(),
                text: text_of.clone(),
            });
        }
        tx.index_messages(last, entries)
    })
    .await;
}

fn terms(terms: &[SearchTerm]) -> SearchQuery {
    SearchQuery {
        terms: terms.to_vec(),
        limit: 50,
        ..SearchQuery::default()
    }
}

fn word(text: &str) -> SearchQuery {
    terms(&[SearchTerm::Phrase(text.to_owned())])
}

fn begun(text: &str) -> SearchQuery {
    terms(&[SearchTerm::Prefix(text.to_owned())])
}

/// The texts found, newest first.
async fn found(store: &Store, query: SearchQuery) -> Vec<String> {
    let hits = read(store, move |r| r.search(&query)).await;
    hits.into_iter()
        .map(|hit| String::from_utf8(hit.message.content).expect("a text"))
        .collect()
}

#[tokio::test]
async fn words_phrases_and_beginnings_are_found_without_accents_and_case() {
    let folder = Folder::new();
    let store = store_with(
        &folder,
        &["Où est le café?", "no coffee here", "a CAFE and an office"],
    )
    .await;
    let both = ["a CAFE and an office", "Où est le café?"];
    assert_eq!(found(&store, word("Café")).await, both);
    assert_eq!(found(&store, begun("caf")).await, both);
    assert!(found(&store, word("caf")).await.is_empty());
    assert_eq!(found(&store, word("coffee here")).await, ["no coffee here"]);
    assert!(found(&store, word("here coffee")).await.is_empty());
    let two = [
        SearchTerm::Phrase("here".into()),
        SearchTerm::Prefix("co".into()),
    ];
    assert_eq!(found(&store, terms(&two)).await, ["no coffee here"]);
}

#[tokio::test]
async fn languages_without_spaces_and_emoji_are_found_by_any_part() {
    let folder = Folder::new();
    let texts = [
        "明日は東京タワーへ行きます",
        "서울에서 만나요",
        "ไปกินข้าว",
        "Great👍🏽!",
    ];
    let store = store_with(&folder, &texts).await;
    for (query, expected) in [
        ("東京", texts[0]),
        ("タワー", texts[0]),
        ("서울", texts[1]),
        ("에서", texts[1]),
        ("ข้าว", texts[2]),
        ("👍", texts[3]),
        ("great", texts[3]),
    ] {
        assert_eq!(found(&store, word(query)).await, [expected], "{query}");
        assert_eq!(found(&store, begun(query)).await, [expected], "{query}");
    }
    assert!(found(&store, word("京東")).await.is_empty());
}

#[tokio::test]
async fn anything_typed_is_a_search() {
    let folder = Folder::new();
    let store = store_with(&folder, &["one AND (two) NEAR \"three\" text:four"]).await;
    for query in [
        "\"",
        "\"\"",
        "AND",
        "NEAR(",
        "text:four",
        "a*b",
        "^one",
        "(",
        "-",
        "{text}",
        "\0",
        "'",
        "one\"two",
        "*",
    ] {
        let (phrase, prefix) = (word(query), begun(query));
        found(&store, phrase).await;
        found(&store, prefix).await;
    }
    assert_eq!(found(&store, word("text:four")).await.len(), 1);
    assert!(is_searchable("a") && is_searchable("東") && !is_searchable("\"*-"));
}

#[tokio::test]
async fn snippets_mark_what_was_found() {
    let folder = Folder::new();
    let store = store_with(&folder, &["we meet in 東京 tomorrow, early"]).await;
    let hits = read(&store, |r| {
        r.search(&terms(&[
            SearchTerm::Phrase("東京".into()),
            SearchTerm::Prefix("ear".into()),
        ]))
    })
    .await;
    let part = |text: &str, is_match| SnippetPart {
        text: text.into(),
        is_match,
    };
    assert_eq!(
        hits[0].snippet,
        [
            part("we meet in ", false),
            part("東京", true),
            part(" tomorrow, ", false),
            part("early", true)
        ]
    );
    let only_times = SearchQuery {
        from_ns: Some(0),
        limit: 5,
        ..SearchQuery::default()
    };
    let hits = read(&store, move |r| r.search(&only_times)).await;
    assert_eq!(
        hits[0].snippet,
        [part("we meet in 東京 tomorrow, early", false)]
    );
}

#[tokio::test]
async fn results_are_paged_newest_first_and_filtered() {
    let folder = Folder::new();
    let store = store_with(&folder, &["hello 1", "hello 2", "hello 3"]).await;
    write(&store, |tx| tx.insert_conversation(&group(2), 0)).await;
    add(&store, 2, 4, &["hello 4"]).await;
    let all = ["hello 4", "hello 3", "hello 2", "hello 1"];
    assert_eq!(found(&store, word("hello")).await, all);
    let mut query = SearchQuery {
        limit: 3,
        ..word("hello")
    };
    let first = query.clone();
    let hits = read(&store, move |r| r.search(&first)).await;
    query.after = hits.last().map(|hit| hit.position);
    assert_eq!(found(&store, query).await, all[3..]);

    let within = |ids: &[Vec<u8>]| SearchQuery {
        conversation_ids: Some(ids.to_vec()),
        ..word("hello")
    };
    assert_eq!(found(&store, within(&[vec![2; 16]])).await, all[..1]);
    assert!(found(&store, within(&[])).await.is_empty());
    let of = |who: &str| SearchQuery {
        sender_inbox_ids: Some(vec![who.to_owned()]),
        ..word("hello")
    };
    assert_eq!(found(&store, of(BO)).await, all);
    assert!(found(&store, of(ALIX)).await.is_empty());
    let between = SearchQuery {
        from_ns: Some(2 * SECOND),
        until_ns: Some(4 * SECOND),
        ..word("hello")
    };
    assert_eq!(found(&store, between).await, all[1..3]);
    let only_filters = SearchQuery {
        terms: Vec::new(),
        ..within(&[vec![1; 16]])
    };
    assert_eq!(found(&store, only_filters).await, all[1..]);
}

#[tokio::test]
async fn blocked_conversations_are_left_out_unless_asked_for() {
    let folder = Folder::new();
    let store = store_with(&folder, &["hello 1"]).await;
    write(&store, |tx| {
        tx.set_consent(&Consent {
            entity_kind: ConsentEntity::Conversation,
            entity: hex::encode([1; 16]),
            state: ConsentState::Denied,
            consented_at_ns: 1,
        })
    })
    .await;
    assert!(found(&store, word("hello")).await.is_empty());
    let by_time = SearchQuery {
        from_ns: Some(0),
        limit: 5,
        ..SearchQuery::default()
    };
    assert!(found(&store, by_time).await.is_empty());
    let inside = SearchQuery {
        conversation_ids: Some(vec![vec![1; 16]]),
        ..word("hello")
    };
    assert_eq!(found(&store, inside).await, ["hello 1"]);
}

#[tokio::test]
async fn messages_of_one_moment_have_places_of_their_own_and_move_with_their_time() {
    let folder = Folder::new();
    let store = store_with(&folder, &[]).await;
    write(&store, |tx| {
        let mut entries = Vec::new();
        for number in 1..=5 {
            let id = message_id(number);
            let inserted = tx.insert_message(&NewMessage {
                content: number.to_string().as_bytes(),
                ..text(&id, &[1; 16], SECOND)
            })?;
            entries.push(SearchEntry {
                row_id: inserted.row_id,
                sent_at_ns: SECOND,
                conversation_id: vec![1; 16],
                sender_inbox_id: BO.to_owned(),
                text: "same".to_owned(),
            });
        }
        tx.index_messages(5, entries)
    })
    .await;
    assert_eq!(found(&store, word("same")).await, ["5", "4", "3", "2", "1"]);
    write(&store, |tx| {
        tx.mark_message_published(&message_id(2), 2 * SECOND, 9, None)
    })
    .await;
    assert_eq!(found(&store, word("same")).await, ["2", "5", "4", "3", "1"]);
    assert_eq!(read(&store, |r| r.unindexed_count()).await, 0);
}

#[tokio::test]
async fn what_is_not_indexed_yet_is_known() {
    let folder = Folder::new();
    let store = store_with(&folder, &["one", "two"]).await;
    write(&store, |tx| {
        tx.insert_message(&text(&message_id(3), &[1; 16], 3 * SECOND))
    })
    .await;
    assert_eq!(read(&store, |r| r.unindexed_count()).await, 1);
    let waiting = read(&store, |r| r.unindexed_messages(10)).await;
    assert_eq!(waiting.len(), 1);
    // Its time may change before; the index knows nothing of it.
    write(&store, |tx| {
        tx.mark_message_published(&message_id(3), 9 * SECOND, 9, None)
    })
    .await;
    assert_eq!(read(&store, |r| r.unindexed_count()).await, 1);
}

#[tokio::test]
async fn every_way_to_delete_a_message_takes_it_out_of_the_index() {
    let folder = Folder::new();
    let store = store_with(&folder, &["hello 1", "hello 2", "hello 3", "hello 4"]).await;
    write(&store, |tx| tx.delete_message(&message_id(1))).await;
    assert_eq!(found(&store, word("hello")).await.len(), 3);
    write(&store, |tx| {
        tx.mark_message_published(&message_id(2), 2 * SECOND, 9, Some(5))?;
        tx.purge_expired_messages(6, 10)
    })
    .await;
    assert_eq!(found(&store, word("hello")).await.len(), 2);
    write(&store, |tx| {
        tx.with(|db| {
            diesel::update(messages::table.filter(messages::id.eq(message_id(3).as_slice())))
                .set(messages::content.eq(b"".as_slice()))
                .execute(db)
        })
    })
    .await;
    assert_eq!(found(&store, word("hello")).await, ["hello 4"]);
    write(&store, |tx| tx.delete_conversation(&[1; 16])).await;
    assert!(found(&store, word("hello")).await.is_empty());
    let check = "INSERT INTO search (search, rank) VALUES ('integrity-check', 1)";
    write(&store, move |tx| {
        tx.with(|db| diesel::sql_query(check).execute(db))
    })
    .await;
}

#[tokio::test]
async fn expired_messages_are_not_found_before_they_are_deleted() {
    let folder = Folder::new();
    let store = store_with(&folder, &["hello 1"]).await;
    write(&store, |tx| {
        tx.mark_message_published(&message_id(1), SECOND, 9, Some(5))
    })
    .await;
    let at = |now_ns| SearchQuery {
        now_ns,
        ..word("hello")
    };
    assert_eq!(found(&store, at(4)).await, ["hello 1"]);
    assert!(found(&store, at(5)).await.is_empty());
}
