//! The history as a file.

use std::path::Path;

use conclave_engine::{
    ArchiveScope, ArchiveSecret, ArchiveSummary, Exported, Imported, Protection, printed_key,
    read_printed_key,
};
use zeroize::Zeroizing;

use crate::{
    api::Api,
    error::ApiError,
    group::operation_id,
    types::{
        ArchiveContents, ArchiveExportArgs, ArchiveExported, ArchiveImported, ArchiveOpenArgs,
    },
    value,
};

impl From<Exported> for ArchiveExported {
    fn from(exported: Exported) -> Self {
        Self {
            path: exported.path.to_string_lossy().into_owned(),
            bytes: exported.bytes,
            conversations: exported.conversations,
            messages: exported.messages,
            consents: exported.consents,
            left_out: exported.left_out,
            key: exported.key.as_ref().map(printed_key),
        }
    }
}

impl From<ArchiveSummary> for ArchiveContents {
    fn from(summary: ArchiveSummary) -> Self {
        let ns = |ns: Option<i64>| ns.map(value::ns);
        Self {
            exported_at_ns: value::ns(summary.exported_at_ns),
            start_ns: ns(summary.start_ns),
            end_ns: ns(summary.end_ns),
            conversations: summary.conversations,
            messages: summary.messages,
            oldest_ns: ns(summary.oldest_ns),
            newest_ns: ns(summary.newest_ns),
            consents: summary.consents,
            skipped: summary.skipped,
            is_sealed: summary.is_sealed,
        }
    }
}

impl From<Imported> for ArchiveImported {
    fn from(imported: Imported) -> Self {
        Self {
            new_conversations: imported.new_conversations,
            known_conversations: imported.known_conversations,
            new_messages: imported.new_messages,
            known_messages: imported.known_messages,
            expired_messages: imported.expired_messages,
            changed_consents: imported.changed_consents,
            skipped: imported.skipped,
        }
    }
}

fn secret(passphrase: Option<String>, key: Option<String>) -> Result<ArchiveSecret, ApiError> {
    match (passphrase, key.map(Zeroizing::new)) {
        (Some(passphrase), None) => Ok(ArchiveSecret::Passphrase(Zeroizing::new(passphrase))),
        (None, Some(key)) => match read_printed_key(&key) {
            Some(key) => Ok(ArchiveSecret::Key(key)),
            None => Err(ApiError::new(
                "archive_key_malformed",
                "This is no key of an archive: it has 64 hexadecimal digits. Look for one that is missing or double.",
            )),
        },
        _ => Err(ApiError::arguments("Give a passphrase or a key.")),
    }
}

impl Api {
    /// Writes the history into a new, encrypted file.
    ///
    /// # Errors
    /// `archive_passphrase_short`, `file_unwritable`, `disk_full`, `cancelled`.
    pub async fn archive_export(
        &self,
        args: ArchiveExportArgs,
    ) -> Result<ArchiveExported, ApiError> {
        let protection = match args.passphrase {
            Some(passphrase) => Protection::Passphrase(Zeroizing::new(passphrase)),
            None => Protection::PrintedKey,
        };
        let scope = ArchiveScope {
            conversation_ids: None,
            start_ns: args.start_ns.as_deref().map(value::read_ns).transpose()?,
            end_ns: args.end_ns.as_deref().map(value::read_ns).transpose()?,
            exclude_disappearing: args.exclude_disappearing,
            exclude_denied: args.exclude_denied,
        };
        let operation_id = operation_id(args.operation_id)?;
        let client = self.client().await?;
        let path = Path::new(&args.path);
        let exported = client.export_archive(path, protection, scope, operation_id);
        Ok(exported.await?.into())
    }

    /// Looks through an archive and takes nothing in.
    ///
    /// # Errors
    /// `file_unreadable`, `not_an_archive`, `newer_version`, `archive_wrong_key`,
    /// `archive_secret_kind`, `archive_key_malformed`, `archive_foreign`, `archive_truncated`,
    /// `archive_damaged`, `cancelled`.
    pub async fn archive_inspect(
        &self,
        args: ArchiveOpenArgs,
    ) -> Result<ArchiveContents, ApiError> {
        let secret = secret(args.passphrase, args.key)?;
        let operation_id = operation_id(args.operation_id)?;
        let client = self.client().await?;
        let looked = client.inspect_archive(Path::new(&args.path), secret, operation_id);
        Ok(looked.await?.into())
    }

    /// Takes an archive in. What is here already stays as it is; doing it twice changes nothing.
    ///
    /// # Errors
    /// Those of `archive_inspect`, after which nothing was taken in, and `disk_full`, after which
    /// doing it again goes on.
    pub async fn archive_import(&self, args: ArchiveOpenArgs) -> Result<ArchiveImported, ApiError> {
        let secret = secret(args.passphrase, args.key)?;
        let operation_id = operation_id(args.operation_id)?;
        let client = self.client().await?;
        let taken = client.import_archive(Path::new(&args.path), secret, operation_id);
        Ok(taken.await?.into())
    }
}
