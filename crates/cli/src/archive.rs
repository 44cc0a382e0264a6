//! `archive`

use std::path::Path;

use conclave_api::types::{
    ArchiveContents, ArchiveExportArgs, ArchiveExported, ArchiveImported, ArchiveOpenArgs,
};
use zeroize::Zeroize as _;

use crate::{arguments::ArchiveVerb, failure::Failure, input, output::Shown, shell::Open};

impl Shown for ArchiveExported {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("written", self.path.clone()),
            ("bytes", self.bytes.to_string()),
            ("conversations", self.conversations.to_string()),
            ("messages", self.messages.to_string()),
            ("decisions", self.consents.to_string()),
        ];
        if self.left_out > 0 {
            fields.push(("too large for others", self.left_out.to_string()));
        }
        fields.extend(self.key.clone().map(|key| ("key, kept nowhere", key)));
        fields
    }
}

impl Shown for ArchiveContents {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let ns = |ns: &Option<String>| ns.clone().unwrap_or_default();
        let whole = match self.is_sealed {
            true => "yes",
            false => "as far as can be told",
        };
        vec![
            ("written (ns)", self.exported_at_ns.clone()),
            ("conversations", self.conversations.to_string()),
            ("messages", self.messages.to_string()),
            ("oldest (ns)", ns(&self.oldest_ns)),
            ("newest (ns)", ns(&self.newest_ns)),
            ("decisions", self.consents.to_string()),
            ("unknown", self.skipped.to_string()),
            ("whole", whole.to_owned()),
        ]
    }
}

impl Shown for ArchiveImported {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("new conversations", self.new_conversations.to_string()),
            ("known conversations", self.known_conversations.to_string()),
            ("new messages", self.new_messages.to_string()),
            ("known messages", self.known_messages.to_string()),
            ("disappeared", self.expired_messages.to_string()),
            ("changed decisions", self.changed_consents.to_string()),
            ("left out", self.skipped.to_string()),
        ]
    }
}

fn secret(file: Option<&Path>) -> Result<Option<String>, Failure> {
    match file {
        Some(file) => Ok(Some(input::secret(file)?.as_str().to_owned())),
        None => Ok(None),
    }
}

pub(crate) async fn run(open: &Open<'_>, verb: ArchiveVerb) -> Result<(), Failure> {
    match verb {
        ArchiveVerb::Export {
            file,
            passphrase_file,
            after_ns,
            until_ns,
            no_disappearing,
            no_denied,
        } => {
            let args = ArchiveExportArgs {
                path: input::path(&file)?,
                passphrase: secret(passphrase_file.as_deref())?,
                start_ns: after_ns.map(|ns| ns.to_string()),
                end_ns: until_ns.map(|ns| ns.to_string()),
                exclude_disappearing: no_disappearing,
                exclude_denied: no_denied,
                operation_id: None,
            };
            let mut exported = open.api.archive_export(args).await?;
            open.output.item(&exported)?;
            exported.key.zeroize();
        }
        ArchiveVerb::Import {
            file,
            passphrase_file,
            archive_key_file,
            dry_run,
        } => {
            let args = ArchiveOpenArgs {
                path: input::path(&file)?,
                passphrase: secret(passphrase_file.as_deref())?,
                key: secret(archive_key_file.as_deref())?,
                operation_id: None,
            };
            if dry_run {
                open.output.item(&open.api.archive_inspect(args).await?)?;
            } else {
                open.output.item(&open.api.archive_import(args).await?)?;
            }
        }
    }
    Ok(())
}
