use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::database::Options;
use crate::key::DatabaseKey;
use crate::store::Store;
use crate::testing::{alix_account, read, write};

const STEPS: [MoveStep; 7] = [
    MoveStep::Announced,
    MoveStep::Marked,
    MoveStep::Copied,
    MoveStep::Verified,
    MoveStep::Switched,
    MoveStep::Clearing,
    MoveStep::Cleared,
];

/// Alix's computer: a home with the place her program looks at.
struct Alix {
    home: tempfile::TempDir,
}

impl Alix {
    /// With an account, a node and its files.
    async fn new() -> Self {
        let alix = Self {
            home: tempfile::tempdir().unwrap(),
        };
        let store = alix.open(&alix.find());
        write(&store, |tx| tx.insert_account(&alix_account())).await;
        store.close().await;
        let place = alix.path("place");
        fs::write(place.join("node.db"), "the node").unwrap();
        fs::create_dir_all(place.join("node.db.files/unfinished")).unwrap();
        fs::write(place.join("node.db.files/unfinished/1"), "a file").unwrap();
        fs::create_dir(place.join(HISTORY_FOLDER)).unwrap();
        fs::write(place.join(HISTORY_FOLDER).join("1"), "an archive").unwrap();
        fs::write(place.join("her own.txt"), "of Alix").unwrap();
        alix
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().canonicalize().unwrap().join(name)
    }

    fn find(&self) -> DataFolder {
        DataFolder::find(&self.path("place")).unwrap()
    }

    fn open(&self, folder: &DataFolder) -> Store {
        Store::open(folder.database(), &key(), Options::default()).unwrap()
    }

    fn move_to(&self, name: &str) -> Result<DataFolder, FolderError> {
        self.find()
            .move_to(&self.path(name), &key(), &mut |_, _| Ok(()))
    }

    /// What a start does: finds the folder, settles it, opens it. The account has to be there.
    async fn start(&self) -> PathBuf {
        let folder = self.find();
        folder.settle(&mut |_, _| Ok(())).unwrap();
        let store = self.open(&folder);
        let account = read(&store, |reader| reader.account()).await;
        assert!(account.is_some(), "the account is gone");
        store.close().await;
        let node = fs::read_to_string(folder.path().join("node.db.files/unfinished/1"));
        assert_eq!(node.unwrap(), "a file");
        let archive = fs::read_to_string(folder.path().join(HISTORY_FOLDER).join("1"));
        assert_eq!(archive.unwrap(), "an archive");
        assert_eq!(self.find().unsettled, None);
        folder.path().to_owned()
    }

    /// Everything of an account in a folder.
    fn data(&self, name: &str) -> Vec<&'static str> {
        let path = self.path(name);
        let is_there = |name: &&str| path.join(name).exists();
        DATA.into_iter().filter(is_there).collect()
    }
}

fn key() -> DatabaseKey {
    DatabaseKey::from_bytes([7; 32])
}

fn stop_at(
    step: MoveStep,
    error: FolderError,
) -> impl FnMut(MoveStep, &Path) -> Result<(), FolderError> {
    let mut error = Some(error);
    move |now, _| match error.take_if(|_| now == step) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

#[tokio::test]
async fn an_account_moves_with_its_node_and_is_found_again() {
    let alix = Alix::new().await;
    let size = alix.find().bytes().unwrap();
    let moved = alix.move_to("other/disk").unwrap();
    assert_eq!(moved.path(), alix.path("other/disk"));
    assert_eq!(moved.bytes().unwrap(), size);
    assert_eq!(alix.start().await, alix.path("other/disk"));
    assert!(alix.data("place").is_empty());
    let own = fs::read_to_string(alix.path("place/her own.txt")).unwrap();
    assert_eq!(own, "of Alix", "what is not ours stays");
}

#[tokio::test]
async fn an_account_moves_on_and_back() {
    let alix = Alix::new().await;
    fs::remove_file(alix.path("place/her own.txt")).unwrap();
    for name in ["one", "two", "place", "two", "one", "place"] {
        assert_eq!(alix.move_to(name).unwrap().path(), alix.path(name));
        assert_eq!(alix.start().await, alix.path(name));
        let there: Vec<_> = ["one", "two", "place"]
            .into_iter()
            .filter(|name| !alix.data(name).is_empty())
            .collect();
        assert_eq!(there, [name]);
        if name == "two" {
            // The way was shortened, so the folder in between may go.
            drop(fs::remove_dir_all(alix.path("one")));
            assert_eq!(alix.start().await, alix.path("two"));
        }
    }
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_one_folder_that_counts() {
    for back in [false, true] {
        for step in STEPS {
            let alix = Alix::new().await;
            fs::remove_file(alix.path("place/her own.txt")).unwrap();
            let (old, new) = if back {
                alix.move_to("disk").unwrap();
                ("disk", "place")
            } else {
                ("place", "disk")
            };
            let crashed = catch_unwind(AssertUnwindSafe(|| {
                alix.find()
                    .move_to(&alix.path(new), &key(), &mut |now, _| {
                        assert!(now != step, "the power is gone");
                        Ok(())
                    })
                    .map(drop)
            }));
            assert!(crashed.is_err(), "{step:?} was never reached");
            let switched = matches!(
                step,
                MoveStep::Switched | MoveStep::Clearing | MoveStep::Cleared
            );
            let (counts, other) = if switched { (new, old) } else { (old, new) };
            // A program that is told the other folder finds the same account.
            if alix.path(other).is_dir() {
                let found = DataFolder::find(&alix.path(other)).unwrap();
                assert_eq!(found.path(), alix.path(counts), "{step:?}");
            }
            assert_eq!(alix.start().await, alix.path(counts), "{step:?}");
            assert!(alix.data(other).is_empty(), "{step:?}");
            // And the move can be made again.
            if !switched {
                alix.move_to(new).unwrap();
                assert_eq!(alix.start().await, alix.path(new), "{step:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_crash_while_a_small_file_is_written_leaves_nothing_behind() {
    let alix = Alix::new().await;
    let disk = alix.path("disk");
    fs::create_dir(&disk).unwrap();
    write_path(&alix.path("place").join(MOVING_TO), &disk).unwrap();
    fs::write(disk.join(UNFINISHED_MARK), "/ho").unwrap();
    fs::write(alix.path("place").join("conclave.moving-to.new"), "/ho").unwrap();
    assert_eq!(alix.start().await, alix.path("place"));
    assert_eq!(fs::read_dir(&disk).unwrap().count(), 0);
    alix.move_to("disk").unwrap();
    assert_eq!(alix.start().await, disk);
    let mut left = fs::read_dir(alix.path("place")).unwrap();
    assert!(left.all(|entry| entry.unwrap().path().extension() != Some("new".as_ref())));
}

#[tokio::test]
async fn a_move_that_fails_changes_nothing() {
    let alix = Alix::new().await;
    let listing = |name: &str| {
        let entries = fs::read_dir(alix.path(name)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        // SQLite leaves them or not, as connections happen to be closed.
        names.retain(|name| name != "conclave.db-wal" && name != "conclave.db-shm");
        names.sort();
        names
    };
    let before = listing("place");
    fs::create_dir(alix.path("empty")).unwrap();
    for step in STEPS.into_iter().take(4) {
        for name in ["empty", "new"] {
            let full = std::io::Error::from(ErrorKind::StorageFull);
            let error = alix
                .find()
                .move_to(&alix.path(name), &key(), &mut stop_at(step, full.into()))
                .unwrap_err();
            assert_eq!((error.code(), error.retryable()), ("disk_full", true));
            assert_eq!(listing("place"), before, "{step:?}");
        }
        assert!(listing("empty").is_empty(), "{step:?}");
        assert!(!alix.path("new").exists(), "{step:?}");
        assert_eq!(alix.start().await, alix.path("place"));
    }
}

#[tokio::test]
async fn a_copy_that_does_not_open_is_not_moved_to() {
    let alix = Alix::new().await;
    let wrong = DatabaseKey::from_bytes([8; 32]);
    let error = alix
        .find()
        .move_to(&alix.path("new"), &wrong, &mut |_, _| Ok(()))
        .unwrap_err();
    assert_eq!(error.code(), "wrong_key");
    assert_eq!(alix.start().await, alix.path("place"));
}

#[tokio::test]
async fn folders_that_cannot_take_an_account_are_refused() {
    let alix = Alix::new().await;
    fs::create_dir(alix.path("full")).unwrap();
    fs::write(alix.path("full/letter"), "of somebody").unwrap();
    fs::write(alix.path("file"), "").unwrap();
    let inside = ["place", "place/inside", "place/in/side", "full/../place"];
    for name in ["full", "file"].into_iter().chain(inside) {
        let error = alix.move_to(name).unwrap_err();
        assert_eq!(error.code(), "data_folder_refused", "{name}");
    }
    for path in ["relative", "/nowhere/../tmp/x"] {
        let error = alix.find().check_target(Path::new(path)).unwrap_err();
        assert_eq!(error.code(), "data_folder_refused", "{path}");
    }
    assert!(!alix.path("place/inside").exists() && !alix.path("place/in").exists());
    let store = alix.open(&alix.find());
    assert_eq!(alix.move_to("new").unwrap_err().code(), "account_in_use");
    store.close().await;
    assert_eq!(alix.start().await, alix.path("place"));
}

#[tokio::test]
async fn an_account_on_a_disk_that_is_gone_is_missing_and_not_begun_anew() {
    let alix = Alix::new().await;
    alix.move_to("disk").unwrap();
    let place = alix.path("place");
    fs::rename(alix.path("disk"), alix.path("unplugged")).unwrap();
    let code = || DataFolder::find(&place).unwrap_err().code();
    assert_eq!(code(), "data_folder_missing");
    let text = DataFolder::find(&place).unwrap_err().to_string();
    let mark = place.join(MOVED_TO);
    assert!(text.contains(mark.to_str().unwrap()), "{text}");
    fs::create_dir(alix.path("disk")).unwrap();
    assert_eq!(code(), "data_folder_missing", "a mount point is empty");
    fs::remove_dir(alix.path("disk")).unwrap();
    fs::rename(alix.path("unplugged"), alix.path("disk")).unwrap();
    assert_eq!(alix.start().await, alix.path("disk"));
}

#[tokio::test]
async fn another_process_does_not_settle_a_move_under_way() {
    let alix = Alix::new().await;
    let place = alix.path("place");
    let mut asked = 0;
    alix.find()
        .move_to(&alix.path("disk"), &key(), &mut |step, _| {
            if step == MoveStep::Copied {
                let other = DataFolder::find(&place)?;
                let refused = other.settle(&mut |_, _| Ok(())).unwrap_err();
                assert_eq!(refused.code(), "account_in_use");
                asked += 1;
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(asked, DATA.len());
    assert_eq!(alix.start().await, alix.path("disk"));
}

#[tokio::test]
async fn deleting_leaves_the_node_and_the_way_to_the_folder() {
    let alix = Alix::new().await;
    alix.move_to("disk").unwrap();
    let folder = alix.find();
    key()
        .write_wrapped(folder.wrapped_key(), "correct horse")
        .unwrap();
    folder.delete().unwrap();
    folder.delete().unwrap();
    assert!(!folder.has_database().unwrap() && !folder.wrapped_key().exists());
    assert_eq!(alix.data("disk"), ["node.db", "node.db.files"]);
    assert_eq!(alix.find(), folder);
}
