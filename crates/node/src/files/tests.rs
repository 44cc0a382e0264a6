use super::*;

fn files(config: FilesConfig) -> Arc<Files> {
    Files::open(config).unwrap()
}

fn small() -> FilesConfig {
    FilesConfig {
        file_bytes: 100,
        total_bytes: 3 * ENTRY_BYTES,
        ..FilesConfig::default()
    }
}

fn digest(bytes: &[u8]) -> FileId {
    FileId::Digest(Sha256::digest(bytes).into())
}

async fn put(files: &Arc<Files>, bytes: &[u8]) -> Result<FileId, FileRefused> {
    let mut incoming = files.receive(digest(bytes), 0).await?;
    incoming.write(bytes).await?;
    incoming.finish().await
}

#[test]
fn names_are_digests_or_uuids_and_nothing_else() {
    let uuid = FileId::random();
    let text = uuid.to_string();
    assert!(FileId::parse(&text) == Some(uuid.clone()) && text.len() == 36);
    assert_eq!(text.as_bytes()[14], b'4');
    assert!(FileId::parse(&text.to_uppercase()) == Some(uuid));
    assert!(FileId::parse(&digest(b"a").to_string()) == Some(digest(b"a")));
    for bad in [
        "",
        "..",
        "unfinished",
        &"g".repeat(64),
        &text.replace('-', ""),
        text.get(1..).unwrap_or_default(),
    ] {
        assert!(FileId::parse(bad).is_none(), "{bad}");
    }
}

#[tokio::test]
async fn a_file_is_there_once_it_is_whole() {
    let files = files(small());
    let mut incoming = files.receive(digest(b"hello"), 0).await.unwrap();
    incoming.write(b"hel").await.unwrap();
    assert_eq!(incoming.pause().await.unwrap(), 3);
    assert!(files.find(&digest(b"hello")).await.unwrap().is_none());
    assert_eq!(files.unfinished(&digest(b"hello")).await, 3);

    let mut incoming = files.receive(digest(b"hello"), 3).await.unwrap();
    incoming.write(b"lo").await.unwrap();
    incoming.finish().await.unwrap();
    let (_, length) = files.find(&digest(b"hello")).await.unwrap().unwrap();
    assert_eq!((length, files.unfinished(&digest(b"hello")).await), (5, 0));
}

#[tokio::test]
async fn bytes_that_are_not_those_of_the_name_are_thrown_away() {
    let files = files(small());
    let mut incoming = files.receive(digest(b"hello"), 0).await.unwrap();
    incoming.write(b"other").await.unwrap();
    let refused = incoming.finish().await.err().unwrap();
    assert!(matches!(refused, FileRefused::Digest));
    assert_eq!(files.unfinished(&digest(b"hello")).await, 0);
    assert_eq!(files.used.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_file_is_sent_by_one_at_a_time() {
    let files = files(small());
    let first = files.receive(digest(b"a"), 0).await.unwrap();
    let second = files.receive(digest(b"a"), 0).await.err().unwrap();
    assert!(matches!(second, FileRefused::Busy));
    drop(first);
    assert!(files.receive(digest(b"a"), 0).await.is_ok());
}

#[tokio::test]
async fn files_have_a_bound_each_and_together() {
    let files = files(small());
    let mut incoming = files.receive(FileId::random(), 0).await.unwrap();
    let refused = incoming.write(&[0; 101]).await.err().unwrap();
    assert!(matches!(refused, FileRefused::TooLarge));
    drop(incoming);
    assert_eq!(files.used.load(Ordering::Relaxed), 0);

    put(&files, b"a").await.unwrap();
    put(&files, b"b").await.unwrap();
    let refused = put(&files, b"c").await.err().unwrap();
    assert!(matches!(refused, FileRefused::Full));
}

#[tokio::test]
async fn a_file_without_a_name_leaves_nothing_when_its_sender_goes() {
    let files = files(small());
    let mut incoming = files.receive(FileId::random(), 0).await.unwrap();
    incoming.write(b"half").await.unwrap();
    drop(incoming);
    let left = std::fs::read_dir(files.folder.join("unfinished")).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn old_files_go_and_make_room() {
    let folder = tempfile::tempdir().unwrap();
    let config = FilesConfig {
        folder: Some(folder.path().to_owned()),
        ..small()
    };
    let stored = files(config.clone());
    put(&stored, b"a").await.unwrap();
    let incoming = stored.receive(digest(b"half"), 0).await.unwrap();
    incoming.pause().await.unwrap();
    std::fs::write(folder.path().join("somebody else's"), b"x").unwrap();
    let used = stored.used.load(Ordering::Relaxed);
    assert_eq!(used, 1 + 2 * ENTRY_BYTES);
    // As after a start: what is there counts.
    drop(stored);
    let again = files(config.clone());
    assert_eq!(again.used.load(Ordering::Relaxed), used);

    let later = SystemTime::now() + UNFINISHED + Duration::from_secs(1);
    again.sweep(later).unwrap();
    assert_eq!(again.unfinished(&digest(b"half")).await, 0);
    assert!(again.find(&digest(b"a")).await.unwrap().is_some());
    again
        .sweep(SystemTime::now() + config.keep + Duration::from_secs(1))
        .unwrap();
    assert!(again.find(&digest(b"a")).await.unwrap().is_none());
    assert_eq!(again.used.load(Ordering::Relaxed), 0);
    assert!(folder.path().join("somebody else's").exists());
}

#[tokio::test]
async fn a_file_that_has_run_out_is_not_given_before_it_is_swept_either() {
    let files = files(FilesConfig {
        keep: Duration::ZERO,
        ..small()
    });
    put(&files, b"a").await.unwrap();
    assert!(files.find(&digest(b"a")).await.unwrap().is_none());
    // It can be sent again, and is counted once.
    put(&files, b"a").await.unwrap();
    assert_eq!(files.used.load(Ordering::Relaxed), 1 + ENTRY_BYTES);
}
