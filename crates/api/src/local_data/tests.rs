use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use conclave_engine::Keychain;
use futures::future::{BoxFuture, FutureExt as _, ready};

use super::*;
use crate::{
    KeySource, NodeResolver, Options,
    types::{LockReason, Stage},
};

/// Where Alix keeps her keys; she can lose them, and it can be gone.
#[derive(Debug, Default)]
struct Drawer {
    keys: Mutex<BTreeMap<String, DatabaseKey>>,
    gone: Mutex<bool>,
}

impl Drawer {
    fn usable(&self) -> Result<(), KeyError> {
        match *self.gone.lock().unwrap() {
            true => Err(KeyError::KeychainUnavailable("there is none".into())),
            false => Ok(()),
        }
    }

    fn names(&self) -> Vec<String> {
        self.keys.lock().unwrap().keys().cloned().collect()
    }

    fn lose(&self) {
        self.keys.lock().unwrap().clear();
    }

    fn go(&self, gone: bool) {
        *self.gone.lock().unwrap() = gone;
    }
}

impl Keychain for Drawer {
    fn get(&self, name: &str) -> Result<Option<DatabaseKey>, KeyError> {
        self.usable()?;
        Ok(self.keys.lock().unwrap().get(name).cloned())
    }

    fn set(&self, name: &str, key: &DatabaseKey) -> Result<(), KeyError> {
        self.usable()?;
        let mut keys = self.keys.lock().unwrap();
        keys.insert(name.to_owned(), key.clone());
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), KeyError> {
        self.usable()?;
        self.keys.lock().unwrap().remove(name);
        Ok(())
    }
}

struct NoNode;

impl NodeResolver for NoNode {
    fn built_in(&self, _: &Path) -> BoxFuture<'_, Result<String, ApiError>> {
        ready(Err(ApiError::new("node_required", "There is none."))).boxed()
    }
}

/// Alix's computer.
struct Alix {
    home: tempfile::TempDir,
    drawer: Arc<Drawer>,
}

const PASSPHRASE: &str = "a long walk";

impl Alix {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            drawer: Arc::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().canonicalize().unwrap().join(name)
    }

    fn options(&self) -> Options {
        Options {
            data_dir: self.path("data"),
            key: KeySource::Keychain(Arc::clone(&self.drawer) as Arc<dyn Keychain>),
            node_resolver: Arc::new(NoNode),
            node: None,
            app_version: "test/1".to_owned(),
            live: true,
            messages_of_shown: false,
        }
    }

    async fn open(&self) -> Api {
        Api::open(self.options()).await.unwrap()
    }

    /// With a passphrase, and closed.
    async fn with_passphrase() -> Self {
        let alix = Self::new();
        let api = alix.open().await;
        set(&api, None, PASSPHRASE).await.unwrap();
        api.close().await;
        alix
    }
}

async fn set(api: &Api, current: Option<&str>, passphrase: &str) -> Result<bool, String> {
    let args = PassphraseArgs {
        current: current.map(str::to_owned),
        passphrase: passphrase.to_owned(),
    };
    let status = api.passphrase_set(args).await;
    status.map(|status| status.set).map_err(|error| error.code)
}

async fn unlock(api: &Api, passphrase: &str) -> Result<Stage, String> {
    let passphrase = passphrase.to_owned();
    let status = api.unlock(UnlockArgs { passphrase }).await;
    status.map(|one| one.stage).map_err(|error| error.code)
}

async fn state(api: &Api) -> (Stage, Option<LockReason>) {
    let status = api.status(Nothing {}).await.unwrap();
    (status.stage, status.locked)
}

async fn move_to(api: &Api, path: &Path) -> Result<String, String> {
    let path = path.to_str().unwrap().to_owned();
    let moved = api.data_folder_move(DataFolderArgs { path }).await;
    moved.map(|folder| folder.path).map_err(|error| error.code)
}

#[tokio::test]
async fn a_passphrase_is_set_changed_and_removed_by_who_knows_it() {
    let alix = Alix::new();
    let api = alix.open().await;
    assert!(!api.passphrase_status(Nothing {}).await.unwrap().set);
    assert_eq!(
        set(&api, None, "1234567").await,
        Err("passphrase_short".into())
    );
    assert_eq!(set(&api, None, PASSPHRASE).await, Ok(true));
    assert!(api.passphrase_status(Nothing {}).await.unwrap().set);

    let refused = set(&api, None, "another one").await;
    assert_eq!(refused, Err("passphrase_required".into()));
    let refused = set(&api, Some("a wrong one"), "another one").await;
    assert_eq!(refused, Err("wrong_passphrase".into()));
    assert_eq!(set(&api, Some(PASSPHRASE), "another one").await, Ok(true));

    let remove = |current: &str| {
        let current = current.to_owned();
        api.passphrase_remove(PassphraseRemoveArgs { current })
    };
    let refused = remove(PASSPHRASE).await.unwrap_err();
    assert_eq!(refused.code, "wrong_passphrase");
    assert!(!remove("another one").await.unwrap().set);
    assert!(!api.passphrase_status(Nothing {}).await.unwrap().set);
}

#[tokio::test]
async fn a_keychain_that_lost_its_key_gets_it_back_by_the_passphrase() {
    let alix = Alix::with_passphrase().await;
    let names = alix.drawer.names();
    alix.drawer.lose();
    let api = alix.open().await;
    let locked = (Stage::Locked, Some(LockReason::NoEntry));
    assert_eq!(state(&api).await, locked);
    let refused = api.passphrase_status(Nothing {}).await.unwrap_err();
    assert_eq!(refused.code, "account_locked");
    assert_eq!(
        unlock(&api, "a wrong one").await,
        Err("wrong_passphrase".into())
    );
    assert_eq!(state(&api).await, locked);
    assert!(alix.drawer.names().is_empty(), "no new key was made");

    let mut events = api.events();
    assert_eq!(unlock(&api, PASSPHRASE).await, Ok(Stage::Empty));
    assert!(matches!(events.try_recv(), Ok(Event::Resync {})));
    assert_eq!(unlock(&api, "by somebody later").await, Ok(Stage::Empty));
    assert_eq!(alix.drawer.names(), names);
    api.close().await;
    let api = alix.open().await;
    assert_eq!(state(&api).await, (Stage::Empty, None));
    api.close().await;
}

#[tokio::test]
async fn without_a_keychain_the_key_is_kept_for_the_run_only() {
    let alix = Alix::with_passphrase().await;
    alix.drawer.go(true);
    for _ in 0..2 {
        let api = alix.open().await;
        let locked = (Stage::Locked, Some(LockReason::NoKeychain));
        assert_eq!(state(&api).await, locked);
        assert_eq!(unlock(&api, PASSPHRASE).await, Ok(Stage::Empty));
        // What needs the key has it.
        assert_eq!(set(&api, Some(PASSPHRASE), PASSPHRASE).await, Ok(true));
        api.close().await;
    }
    let api = alix.open().await;
    unlock(&api, PASSPHRASE).await.unwrap();
    let disk = alix.path("disk");
    assert_eq!(
        move_to(&api, &disk).await,
        Ok(disk.to_str().unwrap().into())
    );
    assert_eq!(state(&api).await, (Stage::Empty, None));
    api.close().await;
}

#[tokio::test]
async fn a_wrong_key_in_the_keychain_is_replaced_by_the_passphrase() {
    let alix = Alix::with_passphrase().await;
    let name = alix.drawer.names().remove(0);
    let wrong = DatabaseKey::from_bytes([9; 32]);
    alix.drawer.set(&name, &wrong).unwrap();
    let api = alix.open().await;
    let locked = (Stage::Locked, Some(LockReason::WrongEntry));
    assert_eq!(state(&api).await, locked);
    assert_eq!(unlock(&api, PASSPHRASE).await, Ok(Stage::Empty));
    assert!(alix.drawer.get(&name).unwrap() != Some(wrong));
    api.close().await;
}

#[tokio::test]
async fn no_new_key_is_made_for_a_database() {
    let alix = Alix::new();
    alix.open().await.close().await;
    alix.drawer.lose();
    let error = Api::open(alix.options()).await.err().unwrap();
    assert_eq!(error.code, "key_lost");
    assert!(alix.drawer.names().is_empty());
    alix.drawer.go(true);
    let error = Api::open(alix.options()).await.err().unwrap();
    assert_eq!(error.code, "keychain_unavailable");
    alix.drawer.go(false);
    crate::delete_local_database(alix.options()).await.unwrap();
    alix.open().await.close().await;
}

#[tokio::test]
async fn a_moved_account_is_open_there_and_its_key_is_found() {
    let alix = Alix::with_passphrase().await;
    let api = alix.open().await;
    let mut events = api.events();
    let disk = alix.path("disk/conclave");
    assert_eq!(
        move_to(&api, &disk).await,
        Ok(disk.to_str().unwrap().into())
    );
    assert!(matches!(events.try_recv(), Ok(Event::Resync {})));
    assert_eq!(alix.drawer.names(), [disk.to_str().unwrap()]);
    assert!(api.passphrase_status(Nothing {}).await.unwrap().set);
    let second = Api::open(alix.options()).await.err().unwrap();
    assert_eq!(second.code, "account_in_use");
    api.close().await;

    for place in [alix.path("data"), disk.clone()] {
        let mut options = alix.options();
        options.data_dir = place;
        let api = Api::open(options).await.unwrap();
        let folder = api.data_folder(Nothing {}).await.unwrap();
        assert_eq!(Path::new(&folder.path), disk);
        assert!(folder.bytes > 4096);
        api.close().await;
    }
}

#[tokio::test]
async fn a_move_that_is_refused_leaves_the_account_open_where_it_was() {
    let alix = Alix::new();
    let api = alix.open().await;
    let names = alix.drawer.names();
    let refused = move_to(&api, &alix.path("data/inside")).await;
    assert_eq!(refused, Err("data_folder_refused".into()));
    alix.drawer.go(true);
    let refused = move_to(&api, &alix.path("disk")).await;
    assert_eq!(refused, Err("keychain_unavailable".into()));
    alix.drawer.go(false);
    let folder = api.data_folder(Nothing {}).await.unwrap();
    assert_eq!(Path::new(&folder.path), alix.path("data"));
    assert!(!alix.path("disk").exists());
    assert_eq!(alix.drawer.names(), names);
    api.close().await;
}

#[tokio::test]
async fn a_deleted_database_is_as_on_the_first_run() {
    let alix = Alix::with_passphrase().await;
    let api = alix.open().await;
    let before = alix.drawer.get(&alix.drawer.names()[0]).unwrap();
    api.local_database_delete(Nothing {}).await.unwrap();
    assert_eq!(state(&api).await, (Stage::Empty, None));
    assert!(!api.passphrase_status(Nothing {}).await.unwrap().set);
    let after = alix.drawer.get(&alix.drawer.names()[0]).unwrap();
    assert!(before != after, "the old key was kept");
    api.close().await;

    // Also by who has lost key and passphrase.
    set(&alix.open().await, None, PASSPHRASE).await.unwrap();
    alix.drawer.lose();
    let api = alix.open().await;
    assert_eq!(state(&api).await.0, Stage::Locked);
    api.local_database_delete(Nothing {}).await.unwrap();
    assert_eq!(state(&api).await, (Stage::Empty, None));
    api.close().await;
}

#[test]
fn passphrases_are_in_no_debug_output() {
    // That these types have no `Debug` is what keeps them out of logs; this fails to compile if
    // one gets it.
    trait NoDebug<A> {
        fn holds() {}
    }
    struct Printable;
    impl<T> NoDebug<()> for T {}
    impl<T: std::fmt::Debug> NoDebug<Printable> for T {}
    <PassphraseArgs as NoDebug<_>>::holds();
    <PassphraseRemoveArgs as NoDebug<_>>::holds();
    <UnlockArgs as NoDebug<_>>::holds();
}
