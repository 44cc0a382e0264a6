//! `passphrase` and `data`

use std::path::Path;

use conclave_api::types::{
    DataFolder, DataFolderArgs, Nothing, PassphraseArgs, PassphraseRemoveArgs, PassphraseStatus,
};

use crate::{
    arguments::{DataVerb, PassphraseVerb},
    failure::Failure,
    input,
    output::Shown,
    shell::Open,
};

impl Shown for PassphraseStatus {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let set = if self.set { "set" } else { "none" };
        vec![("passphrase", set.to_owned())]
    }
}

impl Shown for DataFolder {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("folder", self.path.clone()),
            ("bytes", self.bytes.to_string()),
        ]
    }
}

pub(crate) async fn run_passphrase(open: &Open<'_>, verb: PassphraseVerb) -> Result<(), Failure> {
    let status = match verb {
        PassphraseVerb::Status => open.api.passphrase_status(Nothing {}).await?,
        PassphraseVerb::Set { passphrase_file } => {
            set(open, None, passphrase_file.as_deref()).await?
        }
        PassphraseVerb::Change {
            passphrase_file,
            current_passphrase_file,
        } => {
            let current = current(open, current_passphrase_file.as_deref())?;
            set(open, Some(current), passphrase_file.as_deref()).await?
        }
        PassphraseVerb::Remove {
            current_passphrase_file,
        } => {
            let current = current(open, current_passphrase_file.as_deref())?;
            let args = PassphraseRemoveArgs { current };
            open.api.passphrase_remove(args).await?
        }
    };
    Ok(open.output.item(&status)?)
}

/// The passphrase so far; the one that opened the account is it too.
fn current(open: &Open<'_>, file: Option<&Path>) -> Result<String, Failure> {
    let file = file.or(open.common.passphrase_file.as_deref());
    let current = input::passphrase(file, "Passphrase so far: ")?;
    Ok(current.as_str().to_owned())
}

async fn set(
    open: &Open<'_>,
    current: Option<String>,
    file: Option<&Path>,
) -> Result<PassphraseStatus, Failure> {
    let passphrase = input::new_passphrase(file)?.as_str().to_owned();
    let args = PassphraseArgs {
        current,
        passphrase,
    };
    Ok(open.api.passphrase_set(args).await?)
}

pub(crate) async fn run_data(open: &Open<'_>, verb: DataVerb) -> Result<(), Failure> {
    let folder = match verb {
        DataVerb::Show => open.api.data_folder(Nothing {}).await?,
        DataVerb::Move { path } => {
            let path = input::path(&std::path::absolute(path)?)?;
            open.api.data_folder_move(DataFolderArgs { path }).await?
        }
    };
    Ok(open.output.item(&folder)?)
}
