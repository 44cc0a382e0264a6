//! TypeScript for the web UI, made from the same types and the same list of commands.

use std::fmt::Write as _;

use ts_rs::{Config, TS};

use crate::error::ApiError;
use crate::registry::for_each_command;
use crate::types::*;

macro_rules! write_commands {
    ($($(#[doc = $doc:literal])* $name:ident($args:ty) -> $result:ty;)*) => {
        fn commands(out: &mut String, config: &Config) {
            out.push_str("/** Every command: its arguments and its result. */\nexport interface Commands {\n");
            $(
                let doc = [$($doc.trim()),*].join(" ");
                let (args, result) = (<$args>::name(config), <$result>::name(config));
                let _ = writeln!(
                    out,
                    "  /** {doc} */\n  {}: {{ args: {args}; result: {result} }};",
                    stringify!($name)
                );
            )*
            out.push_str("}\n");
        }
    };
}

for_each_command!(write_commands);

/// The whole module `ui/src/lib/backend/generated.ts`.
#[must_use]
pub fn typescript() -> String {
    let config = Config::default();
    let mut out = String::from(
        "// Generated from crates/api by `cargo test -p conclave-api`. Do not edit.\n\n",
    );
    macro_rules! declare {
        ($($type:ty),* $(,)?) => {
            $(
                if let Some(doc) = <$type as TS>::docs() {
                    out.push_str(&doc);
                }
                let _ = writeln!(out, "export {}\n", <$type as TS>::decl(&config));
            )*
        };
    }
    declare!(
        ApiError,
        Stage,
        Connection,
        Account,
        LockReason,
        Status,
        PassphraseStatus,
        DataFolder,
        NewWallet,
        WalletSecretKind,
        Wallet,
        NodeChoice,
        NetworkCheck,
        InstallationKeys,
        Installation,
        Devices,
        InboxChange,
        ChangeWarning,
        InboxChangePreview,
        ChangeSigner,
        ChangeSignature,
        RegistrationPreview,
        RegistrationStep,
        StepState,
        ConversationKind,
        Consent,
        MessageKind,
        Delivery,
        Preview,
        Draft,
        Conversation,
        ForkState,
        Fork,
        ListFilter,
        ConversationPage,
        Failure,
        Created,
        Preset,
        GroupDebug,
        GroupSync,
        AllSync,
        Role,
        Member,
        Resolved,
        MembershipResult,
        Disappearing,
        PermissionOption,
        PermissionChange,
        Permissions,
        ActionRule,
        GroupRules,
        RoleChange,
        Pin,
        ConsentEntity,
        InboxConsent,
        RequestAdder,
        SharedConversation,
        RequestDetails,
        Media,
        Thumbnail,
        AttachmentSource,
        TransferState,
        Attachment,
        PreparedAttachment,
        TransferAction,
        Saved,
        FieldChange,
        WalletCall,
        ActionStyle,
        Action,
        Content,
        ReplyState,
        ReplyTo,
        ReactionSchema,
        Reaction,
        Message,
        MessageActions,
        ReadTime,
        Settings,
        ArchiveExported,
        ArchiveContents,
        ArchiveImported,
        HistoryRole,
        HistoryPhase,
        HistoryTransfer,
        AvailableArchive,
        NewDevice,
        HistoryOverview,
        HistoryAnswer,
        Anchor,
        MessagePage,
        SnippetPart,
        SearchHit,
        SearchPage,
        Event,
        Nothing,
        WalletImport,
        UnlockArgs,
        PassphraseArgs,
        PassphraseRemoveArgs,
        DataFolderArgs,
        NodeArgs,
        DeviceListArgs,
        DeviceNameArgs,
        InboxChangeArgs,
        InboxChangeSignArgs,
        InboxChangeApplyArgs,
        ConversationArgs,
        MarkUnreadArgs,
        DraftArgs,
        MessageArgs,
        ConversationListArgs,
        MessageListArgs,
        MessageFormat,
        MessageSendArgs,
        MessageReactArgs,
        ActionsAnswerArgs,
        SettingsArgs,
        AttachmentPrepareArgs,
        PreparedArgs,
        AttachmentTransferArgs,
        AttachmentReadArgs,
        AttachmentSaveArgs,
        AllowHostArgs,
        SearchArgs,
        WhoArgs,
        GroupCreateArgs,
        DmCreateArgs,
        MembersArgs,
        GroupUpdateArgs,
        PermissionsSetArgs,
        RoleChangeArgs,
        DisappearingSetArgs,
        PinSetArgs,
        BackwardsArgs,
        OperationArgs,
        ArchiveExportArgs,
        ArchiveOpenArgs,
        HistoryRequestArgs,
        HistoryAnswerArgs,
        HistoryTakeArgs,
        HistoryArgs,
        NewDeviceArgs,
        ConsentSetArgs,
        InboxConsentArgs,
        InboxConsentListArgs,
    );
    commands(&mut out, &config);
    out
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    /// The committed module is what the types say; `CONCLAVE_WRITE_BINDINGS=1` writes it anew.
    #[test]
    fn the_generated_module_is_current() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/lib/backend/generated.ts");
        let now = super::typescript();
        if env::var_os("CONCLAVE_WRITE_BINDINGS").is_some() {
            fs::write(&path, &now).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == now,
            "run CONCLAVE_WRITE_BINDINGS=1 cargo test -p conclave-api"
        );
    }
}
