use super::*;
use crate::storage::{AccountKind, Direction, WelcomeKind};

fn storage() -> SqliteStorage {
    SqliteStorage::temporary(Arc::default()).unwrap()
}

fn message(group: &[u8], data: &[u8]) -> NewGroupMessage {
    NewGroupMessage {
        group_id: group.to_vec(),
        data: data.to_vec(),
        sender_hmac: vec![1],
        should_push: true,
        is_commit: false,
        retain: false,
    }
}

fn welcome(key: &[u8], data: &[u8], kind: WelcomeKind) -> NewWelcome {
    NewWelcome {
        kind,
        installation_key: key.to_vec(),
        data: data.to_vec(),
        hpke_public_key: vec![7],
        wrapper_algorithm: 2,
        welcome_metadata: Vec::new(),
    }
}

fn ascending(cursor: u64) -> Page {
    Page {
        direction: Direction::Ascending,
        limit: 100,
        cursor,
    }
}

fn ids<T: query::Weighed>(rows: &[T]) -> Vec<u64> {
    rows.iter().map(query::Weighed::id).collect()
}

#[tokio::test]
async fn ids_are_shared_by_topics_and_a_resend_is_one_row() {
    let storage = storage();
    for (group, data) in [(b"a", b"1"), (b"b", b"1"), (b"a", b"1"), (b"a", b"2")] {
        storage
            .append_group_messages(vec![message(group, data)])
            .await
            .unwrap();
    }
    let a = storage
        .group_messages(b"a".to_vec(), ascending(0))
        .await
        .unwrap();
    let b = storage
        .group_messages(b"b".to_vec(), ascending(0))
        .await
        .unwrap();
    let (a, b) = (ids(&a.rows), ids(&b.rows));
    assert_eq!(b, [2]);
    assert_eq!(a.first(), Some(&1));
    assert_eq!(a.len(), 2);
    assert!(a.last() > Some(&2));
}

#[tokio::test]
async fn a_welcome_and_a_pointer_share_one_key_space() {
    let storage = storage();
    storage
        .append_welcomes(vec![
            welcome(b"k", b"same", WelcomeKind::Welcome),
            welcome(b"k", b"same", WelcomeKind::Pointer),
            welcome(b"k", b"other", WelcomeKind::Pointer),
        ])
        .await
        .unwrap();
    let rows = storage.welcomes(b"k".to_vec(), ascending(0)).await.unwrap();
    assert_eq!(rows.rows.len(), 2);
}

#[tokio::test]
async fn a_failing_write_leaves_the_others_of_its_transaction() {
    let storage = Arc::new(storage());
    let mut writes = Vec::new();
    for number in 0..64u8 {
        let storage = Arc::clone(&storage);
        writes.push(tokio::spawn(async move {
            storage
                .writer
                .write(move |connection, stored| {
                    append::group_messages(connection, stored, vec![message(b"a", &[number])])?;
                    if number % 2 == 0 {
                        return Err(StorageError::ReplyTooLarge);
                    }
                    Ok(())
                })
                .await
                .is_ok()
        }));
    }
    let mut stored = 0;
    for write in writes {
        stored += usize::from(write.await.unwrap());
    }
    assert_eq!(stored, 32);
    let rows = storage
        .group_messages(b"a".to_vec(), ascending(0))
        .await
        .unwrap();
    assert_eq!(rows.rows.len(), 32);
}

#[tokio::test]
async fn ids_are_not_given_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let storage = SqliteStorage::open(&path, Arc::default()).unwrap();
    storage
        .append_group_messages(vec![message(b"a", b"1"), message(b"a", b"2")])
        .await
        .unwrap();
    // What pruning will do.
    storage
        .writer
        .write(|connection, _| {
            use diesel::connection::SimpleConnection;
            connection.batch_execute("DELETE FROM group_messages")?;
            Ok(())
        })
        .await
        .unwrap();
    storage.close().await;
    drop(storage);
    let storage = SqliteStorage::open(&path, Arc::default()).unwrap();
    storage
        .append_group_messages(vec![message(b"a", b"3")])
        .await
        .unwrap();
    let rows = storage
        .group_messages(b"a".to_vec(), ascending(0))
        .await
        .unwrap();
    assert_eq!(ids(&rows.rows), [3]);
}

#[tokio::test]
async fn live_rows_come_after_they_can_be_read_and_in_order() {
    let live = Arc::new(Live::default());
    let storage = Arc::new(SqliteStorage::temporary(Arc::clone(&live)).unwrap());
    let mut subscription = live.groups.subscribe([b"a".as_slice()]).unwrap();
    let mut writers = Vec::new();
    for writer in 0..8u8 {
        let storage = Arc::clone(&storage);
        writers.push(tokio::spawn(async move {
            for number in 0..20u8 {
                storage
                    .append_group_messages(vec![message(b"a", &[writer, number])])
                    .await
                    .unwrap();
            }
        }));
    }
    let mut last = 0;
    for _ in 0..160 {
        let row = subscription.next().await.unwrap();
        assert!(row.id > last);
        last = row.id;
        let page = ascending(row.id - 1);
        let read = storage.group_messages(b"a".to_vec(), page).await.unwrap();
        assert_eq!(ids(&read.rows).first(), Some(&row.id));
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn a_page_ends_before_it_is_too_large_and_has_a_cursor() {
    let storage = storage();
    let large: Vec<NewGroupMessage> = (0..8u8)
        .map(|number| message(b"a", &vec![number; 4 * 1024 * 1024]))
        .collect();
    storage.append_group_messages(large).await.unwrap();
    let first = storage
        .group_messages(b"a".to_vec(), ascending(0))
        .await
        .unwrap();
    assert_eq!(ids(&first.rows), [1, 2, 3, 4, 5]);
    assert_eq!(first.next_cursor, 5);
    let second = storage
        .group_messages(b"a".to_vec(), ascending(5))
        .await
        .unwrap();
    assert_eq!(ids(&second.rows), [6, 7, 8]);
    assert_eq!(second.next_cursor, 0);
    let groups = vec![b"a".to_vec(); 7];
    let newest = storage.newest_group_messages(groups.clone(), true).await;
    assert!(matches!(newest, Err(StorageError::ReplyTooLarge)));
    let newest = storage.newest_group_messages(groups, false).await.unwrap();
    assert_eq!(newest.len(), 7);
}

#[tokio::test]
async fn a_replay_visits_every_topic_once_and_in_order() {
    let storage = storage();
    for number in 0..250u16 {
        storage
            .append_group_messages(vec![message(b"a", &number.to_be_bytes())])
            .await
            .unwrap();
    }
    storage
        .append_group_messages(vec![message(b"b", b"x")])
        .await
        .unwrap();
    let mut topics: Vec<TopicCursor> = (0..2_500u16)
        .map(|number| TopicCursor {
            topic: number.to_be_bytes().repeat(8),
            cursor: 0,
        })
        .collect();
    topics.insert(
        1_200,
        TopicCursor {
            topic: b"a".to_vec(),
            cursor: 20,
        },
    );
    topics.push(TopicCursor {
        topic: b"b".to_vec(),
        cursor: 0,
    });
    let topics: Arc<[TopicCursor]> = topics.into();
    let mut position = Some(ReplayPosition::default());
    let mut seen = Vec::new();
    let mut parts = 0;
    while let Some(from) = position {
        let part = storage
            .replay_group_messages(Arc::clone(&topics), from)
            .await
            .unwrap();
        assert!(part.rows.len() <= 200);
        seen.extend(ids(&part.rows));
        position = part.next;
        parts += 1;
        assert!(parts < 20);
    }
    assert_eq!(seen, (21..=251).collect::<Vec<u64>>());
}

fn update(inbox: u8, after: u64, added: &[&str], removed: &[&str]) -> NewIdentityUpdate {
    let accounts = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| Account {
                kind: AccountKind::Ethereum,
                text: (*text).to_owned(),
            })
            .collect()
    };
    NewIdentityUpdate {
        inbox_id: vec![inbox; 32],
        after,
        update: vec![inbox],
        added: accounts(added),
        removed: accounts(removed),
    }
}

async fn inbox_of(storage: &SqliteStorage, text: &str) -> Option<u8> {
    let account = Account {
        kind: AccountKind::Ethereum,
        text: text.to_owned(),
    };
    let found = storage.inbox_ids(vec![account]).await.unwrap();
    found[0].as_ref().map(|inbox| inbox[0])
}

/// The table of `node.md` 7.
#[tokio::test]
async fn an_account_belongs_to_the_newest_inbox_that_did_not_revoke_it() {
    let storage = storage();
    assert_eq!(inbox_of(&storage, "x").await, None);
    let one = storage
        .append_identity_update(update(1, 0, &["x"], &[]))
        .await
        .unwrap();
    let Appended::Stored(one) = one else {
        panic!("outdated")
    };
    assert_eq!(inbox_of(&storage, "x").await, Some(1));
    let Appended::Stored(two) = storage
        .append_identity_update(update(2, 0, &["x"], &[]))
        .await
        .unwrap()
    else {
        panic!("outdated")
    };
    assert_eq!(inbox_of(&storage, "x").await, Some(2));
    storage
        .append_identity_update(update(2, two, &[], &["x"]))
        .await
        .unwrap();
    assert_eq!(inbox_of(&storage, "x").await, Some(1));
    let Appended::Stored(four) = storage
        .append_identity_update(update(1, one, &[], &["x"]))
        .await
        .unwrap()
    else {
        panic!("outdated")
    };
    assert_eq!(inbox_of(&storage, "x").await, None);
    storage
        .append_identity_update(update(1, four, &["x"], &[]))
        .await
        .unwrap();
    assert_eq!(inbox_of(&storage, "x").await, Some(1));
    assert_eq!(inbox_of(&storage, "X").await, None);
}

#[tokio::test]
async fn an_identity_update_is_stored_only_after_the_log_it_was_validated_against() {
    let storage = storage();
    let stored = storage
        .append_identity_update(update(1, 0, &[], &[]))
        .await
        .unwrap();
    assert_eq!(stored, Appended::Stored(1));
    let outdated = storage
        .append_identity_update(update(1, 0, &["x"], &[]))
        .await
        .unwrap();
    assert_eq!(outdated, Appended::Outdated);
    assert_eq!(inbox_of(&storage, "x").await, None);
    let logs = storage
        .inbox_logs(vec![(vec![1; 32], 0), (vec![1; 32], 1), (Vec::new(), 0)])
        .await
        .unwrap();
    assert_eq!(logs.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 0]);
}

#[test]
fn a_second_node_on_one_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let first = SqliteStorage::open(&path, Arc::default()).unwrap();
    let second = SqliteStorage::open(&path, Arc::default()).unwrap_err();
    assert!(matches!(second, OpenError::Locked { .. }), "{second}");
    drop(first);
    SqliteStorage::open(&path, Arc::default()).unwrap();
}

#[test]
fn files_that_are_not_ours_are_refused_and_not_changed() {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, SqliteConnection};

    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        let path = folder.path().join(name);
        let before = std::fs::read(&path).unwrap();
        let error = SqliteStorage::open(&path, Arc::default()).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), before, "{name}");
        error
    };

    std::fs::write(folder.path().join("text.db"), vec![b'x'; 5_000]).unwrap();
    let error = open("text.db");
    assert!(matches!(error, OpenError::Unreadable { .. }), "{error}");

    let foreign = folder.path().join("foreign.db");
    let mut connection = SqliteConnection::establish(foreign.to_str().unwrap()).unwrap();
    connection
        .batch_execute("CREATE TABLE theirs (id INTEGER)")
        .unwrap();
    drop(connection);
    let error = open("foreign.db");
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");

    let newer = folder.path().join("newer.db");
    drop(SqliteStorage::open(&newer, Arc::default()).unwrap());
    let mut connection = SqliteConnection::establish(newer.to_str().unwrap()).unwrap();
    connection
        .batch_execute(
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999');
             PRAGMA journal_mode = DELETE;",
        )
        .unwrap();
    drop(connection);
    let error = open("newer.db");
    assert!(matches!(error, OpenError::Newer { .. }), "{error}");

    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    let error = SqliteStorage::open(&folder.path().join("folder.db"), Arc::default()).unwrap_err();
    assert!(matches!(error, OpenError::Unreadable { .. }), "{error}");
}

#[test]
fn a_database_held_by_another_program_is_said_to_be_locked() {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, SqliteConnection};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("held.db");
    drop(SqliteStorage::open(&path, Arc::default()).unwrap());
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection
        .batch_execute(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE;",
        )
        .unwrap();
    let error = SqliteStorage::open(&path, Arc::default()).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
}
