use proptest::prelude::*;

use super::*;
use crate::store::Store;
use crate::testing::{ALIX, BO, Folder, alix_account, group, message_id, read, text, write};

const TARGET: [u8; 32] = [0xaa; 32];

fn thumb<'a>(sender: &'a str, content: &'a str, message_id: &'a [u8]) -> Reaction<'a> {
    Reaction {
        target_id: &TARGET,
        thread: "thread",
        sender_inbox_id: sender,
        schema: ReactionSchema::Unicode,
        content,
        message_id,
        sent_at_ns: 1,
    }
}

/// A store with the messages that react, numbered from 0.
async fn store_with(reacting: u32) -> (Folder, Store) {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, move |tx| {
        tx.insert_account(&alix_account())?;
        tx.insert_conversation(&group(1), 0)?;
        for number in 0..reacting {
            let id = message_id(number);
            tx.insert_message(&text(&id, &[1; 16], i64::from(number)))?;
        }
        Ok(())
    })
    .await;
    (folder, store)
}

async fn tallies(store: &Store) -> Vec<(String, usize, bool)> {
    let all = read(store, |r| r.reactions("thread", &[TARGET.to_vec()], ALIX)).await;
    all.into_values()
        .flatten()
        .map(|tally| (tally.content, tally.count, tally.is_own))
        .collect()
}

#[tokio::test]
async fn each_person_counts_once_and_only_in_the_own_thread() {
    let (_folder, store) = store_with(4).await;
    write(&store, |tx| {
        let ids = [0, 1, 2, 3].map(message_id);
        tx.add_reaction(&thumb(BO, "👍", &ids[0]))?;
        tx.add_reaction(&thumb(BO, "👍", &ids[1]))?;
        tx.add_reaction(&thumb(ALIX, "👍", &ids[2]))?;
        let elsewhere = Reaction {
            thread: "elsewhere",
            ..thumb(BO, "🎉", &ids[3])
        };
        tx.add_reaction(&elsewhere)
    })
    .await;
    assert_eq!(tallies(&store).await, [("👍".to_owned(), 2, true)]);
    // The newer of Bo's two messages is the one that counts.
    write(&store, |tx| tx.delete_message(&message_id(0))).await;
    assert_eq!(tallies(&store).await, [("👍".to_owned(), 2, true)]);
    write(&store, |tx| tx.delete_message(&message_id(1))).await;
    assert_eq!(tallies(&store).await, [("👍".to_owned(), 1, true)]);
    write(&store, |tx| {
        tx.remove_reaction(&thumb(ALIX, "👍", &message_id(9)))
    })
    .await;
    assert!(tallies(&store).await.is_empty());
}

#[tokio::test]
async fn nobody_fills_a_message_with_reactions() {
    let (_folder, store) = store_with(100).await;
    let stand = write(&store, |tx| {
        let mut stand = 0;
        for number in 0..100 {
            let (id, content) = (message_id(number), format!("r{number}"));
            stand += i64::from(tx.add_reaction(&thumb(BO, &content, &id))?);
        }
        // One that stands may be repeated.
        assert!(tx.add_reaction(&thumb(BO, "r0", &message_id(99)))?);
        Ok(stand)
    })
    .await;
    assert_eq!(stand, REACTIONS_PER_PERSON);
    assert_eq!(tallies(&store).await.len(), 20);
}

proptest! {
    /// Counted from the whole history, the latest action of each person wins.
    #[test]
    fn the_latest_action_wins(
        actions in proptest::collection::vec((0..3_usize, 0..3_usize, any::<bool>()), 0..30),
    ) {
        let people = ["davon", "eri", "fritz"];
        let contents = ["👍", "🎉", ":wave:"];
        let mut latest = std::collections::BTreeMap::new();
        for (person, content, is_added) in &actions {
            latest.insert((*content, *person), *is_added);
        }
        let mut expected: Vec<(String, usize)> = contents
            .iter()
            .enumerate()
            .map(|(at, content)| {
                let count = latest.iter().filter(|((of, _), added)| *of == at && **added).count();
                ((*content).to_owned(), count)
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        expected.sort();
        let found = tokio::runtime::Runtime::new().unwrap().block_on(async move {
            let (_folder, store) = store_with(30).await;
            write(&store, move |tx| {
                for (number, (person, content, is_added)) in (0..).zip(actions) {
                    let id = message_id(number);
                    let reaction = thumb(people[person], contents[content], &id);
                    if is_added {
                        tx.add_reaction(&reaction)?;
                    } else {
                        tx.remove_reaction(&reaction)?;
                    }
                }
                Ok(())
            })
            .await;
            let mut found: Vec<(String, usize)> = tallies(&store)
                .await
                .into_iter()
                .map(|(content, count, _)| (content, count))
                .collect();
            found.sort();
            found
        });
        prop_assert_eq!(found, expected);
    }
}
