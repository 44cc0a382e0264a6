//! What the tests of this crate share: a store in a folder of its own, named people, plain rows.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::account::Account;
use crate::conversation::Conversation;
use crate::database::Options;
use crate::error::StoreError;
use crate::key::DatabaseKey;
use crate::kinds::{ConversationKind, Delivery, MessageKind, RegistrationStep};
use crate::message::NewMessage;
use crate::store::Store;
use crate::transaction::{Reader, Tx};

/// Inbox ids of people.
pub(crate) const ALIX: &str = "a11a11a11a11a11a11a11a11a11a11a11a11a11a11a11a11a11a11a11a11a11a";
pub(crate) const BO: &str = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0";

/// A folder with Alix's database.
pub(crate) struct Folder(pub(crate) TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.path().join("alix.db")
    }

    pub(crate) fn key(&self) -> DatabaseKey {
        DatabaseKey::from_bytes([7; 32])
    }

    pub(crate) fn try_open(&self) -> Result<Store, StoreError> {
        Store::open(self.database(), &self.key(), Options::default())
    }

    pub(crate) fn open(&self) -> Store {
        self.try_open().expect("the store opens")
    }

    /// Every file with its bytes.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<_> = std::fs::read_dir(self.0.path())
            .expect("the folder is readable")
            .map(|entry| entry.expect("an entry").path())
            .map(|path| (path.clone(), std::fs::read(path).expect("a file")))
            .collect();
        files.sort();
        files
    }
}

/// Writes with the store's own error.
pub(crate) async fn write<T: Send + 'static>(
    store: &Store,
    closure: impl FnOnce(&mut Tx) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write(closure).await.expect("the write succeeds")
}

/// Reads with the store's own error.
pub(crate) async fn read<T: Send + 'static>(
    store: &Store,
    closure: impl FnOnce(&mut Reader) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.read(closure).await.expect("the read succeeds")
}

pub(crate) fn alix_account() -> Account {
    Account {
        inbox_id: ALIX.to_owned(),
        installation_id: [1; 32],
        installation_seed: Zeroizing::new([2; 32]),
        address: "0xa11c".to_owned(),
        node_url: "http://127.0.0.1:5556".to_owned(),
        registration_step: RegistrationStep::Created,
        pending_identity_update: Some(b"identity update".to_vec()),
        wallet_key: None,
        created_at_ns: 1,
        next_key_package_rotation_ns: None,
        hmac_root_key: Zeroizing::new(vec![3; 42]),
        hmac_cycled_at_ns: 0,
    }
}

pub(crate) fn group(number: u8) -> Conversation {
    Conversation::new(
        vec![number; 16],
        ConversationKind::Group,
        ALIX.to_owned(),
        ALIX.to_owned(),
        i64::from(number),
    )
}

pub(crate) fn dm(number: u8) -> Conversation {
    Conversation {
        kind: ConversationKind::Dm,
        dm_id: Some(format!("dm:{ALIX}:{BO}")),
        peer_inbox_id: Some(BO.to_owned()),
        ..group(number)
    }
}

pub(crate) fn message_id(number: u32) -> [u8; 32] {
    let mut id = [0xee; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    id
}

/// A visible published text of Bo.
pub(crate) fn text<'a>(id: &'a [u8; 32], conversation_id: &'a [u8], at_ns: i64) -> NewMessage<'a> {
    NewMessage {
        id,
        conversation_id,
        sender_inbox_id: BO,
        sender_installation_id: &[9; 32],
        kind: MessageKind::Application,
        delivery: Delivery::Published,
        sent_at_ns: at_ns,
        inserted_at_ns: at_ns,
        content: b"encoded content",
        authority_id: "xmtp.org",
        type_id: "text",
        version_major: 1,
        version_minor: 0,
        preview: Some("hello"),
        visible: true,
        reference_id: None,
        sequence_id: None,
        expire_at_ns: None,
        should_push: true,
        idempotency_key: "1",
    }
}

/// Whether the bytes occur in any file of the folder.
pub(crate) fn found_in(folder: &Folder, needle: &[u8]) -> Option<PathBuf> {
    folder
        .files()
        .into_iter()
        .find(|(_, bytes)| bytes.windows(needle.len()).any(|window| window == needle))
        .map(|(path, _)| path)
}

pub(crate) fn file_len(path: &Path) -> u64 {
    std::fs::metadata(path).expect("the file exists").len()
}
