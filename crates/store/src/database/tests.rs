use std::os::unix::fs::FileExt;
use std::process::Command;

use diesel::connection::SimpleConnection;

use super::*;
use crate::store::Store;
use crate::testing::{Folder, file_len, found_in, group, message_id, read, text, write};

/// A closed database with one group and messages enough for several pages.
async fn filled() -> Folder {
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| {
        tx.insert_conversation(&group(1), 0)?;
        for number in 0..200 {
            tx.insert_message(&text(&message_id(number), &[1; 16], i64::from(number)))?;
        }
        Ok(())
    })
    .await;
    store.close().await;
    folder
}

/// Opens without success and without changing any file.
fn refused(folder: &Folder, key: &DatabaseKey) -> StoreError {
    let before = folder.files();
    let error = Store::open(folder.database(), key, Options::default()).unwrap_err();
    let after = folder.files();
    for (path, bytes) in &before {
        let same = after.iter().find(|(other, _)| other == path);
        assert!(
            same.is_some_and(|(_, other)| other == bytes),
            "{path:?} was changed"
        );
    }
    error
}

#[tokio::test]
async fn what_is_written_is_there_after_opening_again() {
    let folder = filled().await;
    let store = folder.open();
    let message = read(&store, |r| r.message(&message_id(7))).await.unwrap();
    assert_eq!(
        (message.sent_at_ns, message.preview.as_deref()),
        (7, Some("hello"))
    );
    store.close().await;
}

#[tokio::test]
async fn a_closed_store_leaves_no_log_behind() {
    let folder = filled().await;
    let names: Vec<_> = folder
        .files()
        .into_iter()
        .map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["alix.db", "alix.db.lock"]);
}

#[tokio::test]
async fn a_wrong_key_is_told_apart_from_damage() {
    let folder = filled().await;
    let wrong = DatabaseKey::from_bytes([8; 32]);
    assert_eq!(refused(&folder, &wrong).code(), "wrong_key");
    folder.open().close().await;
    let file = File::options().write(true).open(folder.database()).unwrap();
    file.write_all_at(&[0x55; 64], 100).unwrap();
    assert_eq!(refused(&folder, &folder.key()).code(), "database_corrupt");
    assert_eq!(refused(&folder, &wrong).code(), "wrong_key");
}

#[tokio::test]
async fn a_truncated_file_is_corrupt() {
    let folder = filled().await;
    let length = file_len(&folder.database());
    assert!(length > 10 * PAGE_BYTES);
    let file = File::options().write(true).open(folder.database()).unwrap();
    for kept in [length - PAGE_BYTES, length / 2 + 17, PAGE_BYTES, 100, 0] {
        file.set_len(kept).unwrap();
        let error = refused(&folder, &folder.key());
        assert_eq!(
            error.code(),
            "database_corrupt",
            "{kept} of {length} bytes: {error}"
        );
    }
}

#[tokio::test]
async fn damage_in_the_middle_is_found_when_it_is_read() {
    let folder = filled().await;
    let pages = file_len(&folder.database()) / PAGE_BYTES;
    let file = File::options().write(true).open(folder.database()).unwrap();
    for page in 1..pages {
        file.write_all_at(&[0x55; 64], page * PAGE_BYTES + 200)
            .unwrap();
    }
    let error = match folder.try_open() {
        Ok(store) => store
            .read::<_, StoreError, _>(|r| r.message(&message_id(7)))
            .await
            .unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.code(), "database_corrupt", "{error}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let folder = filled().await;
    let mut db = connect(folder.database().to_str().unwrap(), &folder.key()).unwrap();
    execute(
        &mut db,
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')",
    )
    .unwrap();
    drop(db);
    assert_eq!(refused(&folder, &folder.key()).code(), "newer_version");
}

#[test]
fn a_database_that_is_not_ours_is_refused() {
    let folder = Folder::new();
    let mut db = connect(folder.database().to_str().unwrap(), &folder.key()).unwrap();
    execute(&mut db, "CREATE TABLE notes (text TEXT)").unwrap();
    drop(db);
    assert_eq!(refused(&folder, &folder.key()).code(), "database_corrupt");
}

#[tokio::test]
async fn a_second_store_on_one_database_is_refused() {
    let folder = Folder::new();
    let store = folder.open();
    assert_eq!(folder.try_open().unwrap_err().code(), "account_in_use");
    store.close().await;
    folder.open().close().await;
}

/// Run by the next test in a process of its own.
#[test]
fn opens_the_database_named_in_the_environment() {
    if let Ok(path) = std::env::var("CONCLAVE_STORE_TEST_DATABASE") {
        let error = Store::open(path, &DatabaseKey::from_bytes([7; 32]), Options::default());
        assert_eq!(error.unwrap_err().code(), "account_in_use");
    }
}

#[tokio::test]
async fn a_second_process_on_one_database_is_refused() {
    let folder = Folder::new();
    let store = folder.open();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "database::tests::opens_the_database_named_in_the_environment",
        ])
        .env("CONCLAVE_STORE_TEST_DATABASE", folder.database())
        .output()
        .unwrap();
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && answer.contains("1 passed"),
        "{answer}"
    );
    store.close().await;
}

#[tokio::test]
async fn a_full_disk_stops_creation_and_writes_and_loses_nothing() {
    let folder = Folder::new();
    let options = |pages| Options {
        max_pages: Some(pages),
        ..Options::default()
    };
    let error = Store::open(folder.database(), &folder.key(), options(5)).unwrap_err();
    assert_eq!(error.code(), "disk_full");

    let store = Store::open(folder.database(), &folder.key(), options(200)).unwrap();
    write(&store, |tx| tx.insert_conversation(&group(1), 0)).await;
    let mut stored = 0;
    let error = loop {
        let first = stored;
        let result: Result<(), StoreError> = store
            .write(move |tx| {
                let content = [0x42; 3000];
                for number in first..first + 10 {
                    let id = message_id(number);
                    let mut message = text(&id, &[1; 16], i64::from(number) + 1);
                    message.content = &content;
                    // An error that is not passed on must not commit half of the transaction.
                    let _ = tx.insert_message(&message);
                }
                Ok(())
            })
            .await;
        match result {
            Ok(()) => stored += 10,
            Err(error) => break error,
        }
        assert!(stored < 1000, "the bound has no effect");
    };
    assert_eq!(error.code(), "disk_full");
    let counted = read(&store, |r| r.conversation_entry(&[1; 16]))
        .await
        .unwrap()
        .summary;
    assert_eq!(counted.unread_count, i64::from(stored));
    assert!(
        read(&store, move |r| r.message(&message_id(stored)))
            .await
            .is_none()
    );
    store.close().await;

    let store = folder.open();
    write(&store, move |tx| {
        tx.insert_message(&text(&message_id(stored), &[1; 16], 0))
    })
    .await;
    store.close().await;
}

#[test]
fn an_interrupted_creation_can_be_repeated() {
    let folder = Folder::new();
    std::fs::write(folder.database(), b"").unwrap();
    folder.open();
}

#[test]
fn a_folder_that_cannot_be_made_is_an_io_error() {
    let folder = Folder::new();
    std::fs::write(folder.0.path().join("file"), b"").unwrap();
    let path = folder.0.path().join("file/alix.db");
    let error = Store::open(path, &folder.key(), Options::default()).unwrap_err();
    assert_eq!(error.code(), "database_io");
    let error = Store::open(folder.0.path(), &folder.key(), Options::default()).unwrap_err();
    assert_eq!(error.code(), "database_io");
}

#[tokio::test]
async fn no_file_holds_plaintext() {
    const SECRETS: [&[u8]; 3] = [b"meet me at the lighthouse", b"secret garden", b"0xa11c"];
    let folder = Folder::new();
    let store = folder.open();
    write(&store, |tx| {
        tx.insert_account(&crate::testing::alix_account())?;
        let mut conversation = group(1);
        conversation.name = "secret garden".to_owned();
        tx.insert_conversation(&conversation, 0)?;
        for number in 0..2000 {
            let id = message_id(number);
            let mut message = text(&id, &[1; 16], i64::from(number));
            message.content = b"meet me at the lighthouse";
            message.preview = Some("meet me at the lighthouse");
            tx.insert_message(&message)?;
        }
        Ok(())
    })
    .await;
    // A sort of everything, which would spill into a temporary file.
    let sorted = read(&store, |r| {
        r.with(|db| db.batch_execute("SELECT * FROM messages ORDER BY content, preview, id"))
    });
    sorted.await;
    let is_clean = || {
        for needle in SECRETS
            .iter()
            .copied()
            .chain([&[2; 32][..], &[3; 42], &[7; 32], b"SQLite"])
        {
            assert_eq!(found_in(&folder, needle), None);
        }
    };
    let log = folder
        .files()
        .into_iter()
        .find(|(path, _)| path.ends_with("alix.db-wal"))
        .unwrap();
    assert!(log.1.len() > 100_000, "the write-ahead log is not in use");
    is_clean();
    store.close().await;
    is_clean();
}
