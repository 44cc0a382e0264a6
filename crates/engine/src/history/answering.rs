//! Giving history: the archive is written, put on a server, and the other installation told where.

use std::{
    io::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use conclave_content::{
    archive::ArchiveKey,
    device_sync::{DeviceSync, FileFacts, HistoryReply},
};
use conclave_network::{TrustedHosts, Uploaded, host_of};
use conclave_store::{
    history::{StoredKey, Transfer, WANTS_CONSENT, WANTS_FILES, WANTS_MESSAGES},
    kinds::TransferStep,
};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::{
    HistoryRefused, KEPT_NS, configured_server, count, has, scope, spool,
    work::{goes_on, or_stopped},
};
use crate::{
    archive::{Contents, Counts, Export, new_key},
    client::Core,
    error::EngineError,
    settings,
    sync::GroupSync,
};

/// Bytes that are sent to a node by one request.
const PART_BYTES: usize = 1024 * 1024;
/// Times that a node may ask for what it had already.
const WENT_BACK: u32 = 5;
/// How long sending a whole archive to a server may take that knows no parts.
const WHOLE_UPLOAD: Duration = Duration::from_secs(60 * 60);

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Core {
    /// Says that we answer, and once that is in before anybody else's word, writes the archive.
    pub(super) async fn write_history(
        self: &Arc<Self>,
        transfer: Transfer,
        stop: &CancellationToken,
    ) -> Result<(), EngineError> {
        if transfer.claim < 2 {
            return self.claim(&transfer, stop).await;
        }
        let (core, stop) = (Arc::clone(self), stop.clone());
        let path = self.spool(&transfer.pin);
        let now_ns = self.clock.now_ns();
        let pin = transfer.pin.clone();
        let (key, counts, digest, bytes) = self
            .store
            .read(move |reader| {
                let scope = scope(&transfer);
                let mut file = spool::create(&path)?;
                let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
                let written = Mutex::new(0_u64);
                let mut sink = |piece: Vec<u8>| {
                    hash.update(&piece);
                    bytes += piece.len() as u64;
                    *written.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
                    file.write_all(&piece).map_err(spool::failed)
                };
                let mut told = |_: i64, _: i64, so_far: &Counts| {
                    goes_on(&stop)?;
                    let bytes = *written.lock().unwrap_or_else(PoisonError::into_inner);
                    core.history_reached(|reached| {
                        reached.bytes = bytes;
                        reached.conversations = so_far.conversations;
                        reached.messages = so_far.messages;
                        reached.skipped = so_far.left_out;
                    });
                    Ok(())
                };
                let key = new_key();
                let is_foreign = transfer.is_official != Some(false);
                let mut export = Export {
                    reader,
                    own_inbox_id: &core.account.inbox_id,
                    now_ns,
                    scope: &scope,
                    contents: Contents {
                        messages: has(&transfer, WANTS_MESSAGES),
                        consent: has(&transfer, WANTS_CONSENT),
                        files: has(&transfer, WANTS_FILES) && !is_foreign,
                    },
                    sink: &mut sink,
                    told: &mut told,
                };
                let counts = export.run(&key, is_foreign)?;
                file.sync_all().map_err(spool::failed)?;
                let digest = <[u8; 32]>::from(hash.finalize());
                Ok::<_, EngineError>((key, counts, digest, bytes))
            })
            .await?;
        self.history_step(&pin, move |_, transfer| {
            transfer.step = TransferStep::Uploading;
            transfer.archive_key = Some(StoredKey::new(key.bytes()));
            transfer.sha256 = Some(digest.to_vec());
            transfer.exported_at_ns = Some(now_ns);
            transfer.bytes_done = 0;
            transfer.bytes_total = Some(number(bytes));
            transfer.conversations_done = number(counts.conversations);
            transfer.conversations_total = Some(number(counts.conversations));
            transfer.messages_done = number(counts.messages);
            transfer.messages_total = Some(number(counts.messages));
            transfer.skipped = number(counts.left_out);
            Ok(())
        })
        .await
    }

    /// Says that we answer (device-sync.md 2.5): installations that do the same at this moment see
    /// whose word came first.
    async fn claim(
        self: &Arc<Self>,
        transfer: &Transfer,
        stop: &CancellationToken,
    ) -> Result<(), EngineError> {
        let group_id = self.device_group().await?;
        let group_id = group_id.ok_or(EngineError::Unsettled)?;
        if transfer.claim == 0 {
            let core = Arc::clone(self);
            self.history_step(&transfer.pin, move |tx, transfer| {
                transfer.claim = 1;
                let word = DeviceSync::Acknowledge {
                    pin: transfer.pin.clone(),
                    is_conclave: true,
                };
                core.queue_device_message(tx, &word).map(drop)
            })
            .await?;
        }
        let turn = or_stopped(stop, self.lock(&group_id)).await?;
        self.sync_group(&group_id, &mut GroupSync::default())
            .await?;
        drop(turn);
        let pin = transfer.pin.clone();
        let now = self.store.read(move |reader| reader.transfer(&pin)).await?;
        match now {
            Some(now) if now.step == TransferStep::Building && now.claim < 2 => {
                Err(EngineError::Unsettled)
            }
            _ => Ok(()),
        }
    }

    /// Puts the archive on the server, and tells the other installation where it is.
    pub(super) async fn send_history(
        self: &Arc<Self>,
        transfer: Transfer,
        stop: &CancellationToken,
    ) -> Result<(), EngineError> {
        let path = self.spool(&transfer.pin);
        let length = spool::length(&path);
        if transfer.bytes_total.map(count) != Some(length) {
            // Gone, or cut: it is written again.
            return self
                .history_step(&transfer.pin, |_, transfer| {
                    transfer.step = TransferStep::Building;
                    transfer.archive_key = None;
                    Ok(())
                })
                .await;
        }
        let trusted = self.trusted_for(&transfer).await?;
        let (server, is_node) = self.target(&transfer).await?;
        let digest = transfer.sha256.as_deref().map(hex::encode);
        let digest = digest.ok_or(HistoryRefused::OtherFile)?;
        let (url, secret) = if is_node {
            let url = format!("{server}/files/{digest}");
            let secret = self
                .upload_parts(&transfer, &url, &trusted, length, stop)
                .await?;
            (url, secret)
        } else {
            let file = tokio::fs::File::open(&path).await;
            let file = file.map_err(EngineError::unreadable)?;
            let address = format!("{server}/upload");
            let sent = self.files.post(&address, &trusted, file, WHOLE_UPLOAD);
            let (name, secret) = or_stopped(stop, sent).await??;
            (format!("{server}/files/{name}"), secret)
        };
        let core = Arc::clone(self);
        self.history_step(&transfer.pin, move |tx, transfer| {
            let reply = core.reply(transfer, url)?;
            core.queue_device_message(tx, &DeviceSync::Reply(reply))?;
            transfer.step = TransferStep::Sent;
            // It stands in the message alone, until that is out.
            transfer.archive_key = None;
            transfer.file_secret = secret;
            transfer.bytes_done = number(length);
            transfer.expires_at_ns = Some(core.clock.now_ns().saturating_add(KEPT_NS));
            Ok(())
        })
        .await?;
        spool::remove(&path);
        if let Some(group_id) = self.device_group().await? {
            self.publish_queued(vec![group_id]).await;
        }
        Ok(())
    }

    /// Sends what a node of ours does not have yet; what it can be removed by.
    async fn upload_parts(
        self: &Arc<Self>,
        transfer: &Transfer,
        url: &str,
        trusted: &TrustedHosts,
        length: u64,
        stop: &CancellationToken,
    ) -> Result<Option<String>, EngineError> {
        let path = self.spool(&transfer.pin);
        let mut here = or_stopped(stop, self.files.uploaded(url, trusted)).await??;
        let mut went_back = 0;
        loop {
            let from = match here {
                Uploaded::Whole(secret) => return Ok(secret),
                Uploaded::Part(from) => from,
            };
            let part = spool::part(&path, from, PART_BYTES)?;
            // A node that has more than there is, or asks for the same again and again.
            if part.is_empty() || went_back > WENT_BACK {
                return Err(HistoryRefused::OtherFile.into());
            }
            let sent = self.files.upload_part(url, trusted, part, from, length);
            here = or_stopped(stop, sent).await??;
            if let Uploaded::Part(reached) = here {
                went_back += u32::from(reached <= from);
                self.history_reached(|progress| {
                    progress.bytes = reached;
                    progress.conversations = count(transfer.conversations_done);
                    progress.messages = count(transfer.messages_done);
                    progress.skipped = count(transfer.skipped);
                });
            }
        }
    }

    /// What the other installation is told once the archive is at `url`.
    fn reply(&self, transfer: &mut Transfer, url: String) -> Result<HistoryReply, EngineError> {
        let key = transfer.archive_key.as_ref().and_then(StoredKey::bytes);
        let sha256 = transfer.sha256.as_deref();
        let sha256 = sha256.and_then(|digest| <[u8; 32]>::try_from(digest).ok());
        let (Some(key), Some(sha256)) = (key, sha256) else {
            return Err(HistoryRefused::OtherFile.into());
        };
        transfer.url = Some(url.clone());
        let total = |number: Option<i64>| count(number.unwrap_or_default());
        Ok(HistoryReply {
            pin: transfer.pin.clone(),
            url,
            key: ArchiveKey::new(key),
            metadata: Some(metadata(transfer)),
            file: Some(FileFacts {
                bytes: total(transfer.bytes_total),
                sha256,
                conversations: total(transfer.conversations_total),
                messages: total(transfer.messages_total),
            }),
        })
    }

    /// The server that a transfer's archive is put on, and whether that is one that takes parts: a
    /// node of ours.
    async fn target(&self, transfer: &Transfer) -> Result<(String, bool), EngineError> {
        let (configured, node) = self
            .store
            .read(|reader| {
                let node = settings::known_file_server(reader)?;
                Ok::<_, EngineError>((configured_server(reader)?, node))
            })
            .await?;
        let asked = transfer.server_url.as_str();
        let is_same = |url: &String| asked.is_empty() || host_of(url) == host_of(asked);
        let server = match configured.filter(is_same) {
            Some(configured) => configured,
            None if asked.is_empty() => return Err(EngineError::NoFileServer),
            None => asked.to_owned(),
        };
        let is_node = node.is_some_and(|node| node.url == server);
        Ok((server, is_node))
    }

    /// Hosts that may be asked for a transfer although they are private or without TLS: those the
    /// person allowed, for this transfer too.
    pub(super) async fn trusted_for(
        &self,
        transfer: &Transfer,
    ) -> Result<TrustedHosts, EngineError> {
        let mut hosts = self.trusted_host_names().await?;
        if transfer.host_allowed {
            let address = transfer.url.as_deref().unwrap_or(&transfer.server_url);
            hosts.extend(host_of(address));
        }
        Ok(hosts.into_iter().collect())
    }
}

/// What a transfer's archive says of itself.
fn metadata(transfer: &Transfer) -> conclave_content::archive::Metadata {
    use conclave_content::archive::{ElementKind, Metadata};
    let kinds = [
        (WANTS_MESSAGES, ElementKind::Messages),
        (WANTS_CONSENT, ElementKind::Consent),
    ];
    Metadata {
        kinds: kinds
            .into_iter()
            .filter_map(|(flag, kind)| has(transfer, flag).then_some(kind))
            .collect(),
        exported_at_ns: transfer.exported_at_ns.unwrap_or_default(),
        start_ns: transfer.start_ns,
        end_ns: transfer.end_ns,
    }
}
