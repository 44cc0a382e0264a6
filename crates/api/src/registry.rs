//! The one list of commands. The dispatcher and the TypeScript types are both made from it, so that
//! neither can drift from the other.

/// Calls `$callback!` with every command: `/// doc`, name, arguments, result.
macro_rules! for_each_command {
    ($callback:ident) => {
        $callback! {
            /// What a shell needs to know when it starts.
            status(Nothing) -> Status;
            /// Opens an account that is locked, with the passphrase of its database, and gives the
            /// key back to the keychain where there is one.
            unlock(UnlockArgs) -> Status;
            /// Whether a passphrase opens the database where the keychain can't.
            passphrase_status(Nothing) -> PassphraseStatus;
            /// Sets or changes the passphrase of the database.
            passphrase_set(PassphraseArgs) -> PassphraseStatus;
            /// Removes the passphrase; the keychain alone opens the database then.
            passphrase_remove(PassphraseRemoveArgs) -> PassphraseStatus;
            /// Where the account's data is, and how large it is.
            data_folder(Nothing) -> DataFolder;
            /// Moves the account's data to another folder; the account is open again afterwards.
            data_folder_move(DataFolderArgs) -> DataFolder;
            /// Deletes this installation's keys and history from this computer. Afterwards everything
            /// is as at the first run; the inbox and other devices stay.
            local_database_delete(Nothing) -> Nothing;
            /// Makes a new wallet and holds it in memory for `register`.
            wallet_create(Nothing) -> NewWallet;
            /// Imports a wallet and holds it in memory for `register`.
            wallet_import(WalletImport) -> Wallet;
            /// Asks a node whether it works.
            network_check(NodeArgs) -> NetworkCheck;
            /// Shows what `register` will sign; changes nothing.
            registration_preview(NodeArgs) -> RegistrationPreview;
            /// Registers this installation, or continues where a crash stopped it.
            register(NodeArgs) -> Account;
            /// The installations and wallets of our inbox.
            device_list(DeviceListArgs) -> Devices;
            /// Names an installation of our inbox, on this computer only.
            device_name(DeviceNameArgs) -> Devices;
            /// Shows what a change of the inbox will sign; changes nothing. Also before `register`,
            /// for the wallet that waits for it.
            inbox_change_preview(InboxChangeArgs) -> InboxChangePreview;
            /// Takes the signature of one of the signers.
            inbox_change_sign(InboxChangeSignArgs) -> InboxChangePreview;
            /// Publishes a signed change of the inbox, and takes revoked installations out of our
            /// groups.
            inbox_change_apply(InboxChangeApplyArgs) -> Devices;
            /// A page of conversations from the local database.
            conversation_list(ConversationListArgs) -> ConversationPage;
            /// One conversation from the local database.
            conversation_get(ConversationArgs) -> Conversation;
            /// Marks everything in a conversation as read.
            conversation_mark_read(ConversationArgs) -> Conversation;
            /// Marks a conversation as unread, from a message on or from the newest one of others.
            conversation_mark_unread(MarkUnreadArgs) -> Conversation;
            /// Keeps what the person has begun to write; empty for nothing.
            draft_set(DraftArgs) -> Nothing;
            /// Asks the super admins to take us out; for everybody visible as "left" once done.
            group_leave(ConversationArgs) -> Conversation;
            /// Asks the super admins to add this device again.
            readd_request(ConversationArgs) -> Conversation;
            /// Deletes a conversation on this installation only. One that we are out of is gone; of
            /// another the history goes, and it is hidden until something new comes.
            conversation_delete(ConversationArgs) -> Nothing;
            /// Sets the consent to a conversation; of a direct message also that to the person.
            consent_set(ConsentSetArgs) -> Conversation;
            /// Sets the consent to a person.
            inbox_consent_set(InboxConsentArgs) -> InboxConsent;
            /// People allowed or blocked, newest decision first.
            inbox_consent_list(InboxConsentListArgs) -> Vec<InboxConsent>;
            /// What a person sees before accepting: who added them, shared groups.
            request_details(ConversationArgs) -> RequestDetails;
            /// A page of messages from the local database.
            message_list(MessageListArgs) -> MessagePage;
            /// Stores a message and publishes it in the background.
            message_send(MessageSendArgs) -> Message;
            /// Adds our reaction to a message, or takes it back; gives the message reacted to.
            message_react(MessageReactArgs) -> Message;
            /// Deletes a message for everyone.
            message_delete_for_everyone(MessageArgs) -> Message;
            /// What we may do with a message.
            message_actions(MessageArgs) -> MessageActions;
            /// Chooses one of the actions that a message offers.
            actions_answer(ActionsAnswerArgs) -> Message;
            /// How far people have read, by the receipts they sent.
            conversation_read_times(ConversationArgs) -> Vec<ReadTime>;
            /// What the person chose for this installation.
            settings_get(Nothing) -> Settings;
            /// Changes what the person chose; what is not given stays.
            settings_set(SettingsArgs) -> Settings;
            /// Copies a file into the encrypted database, so that it can be sent.
            attachment_prepare(AttachmentPrepareArgs) -> PreparedAttachment;
            /// Forgets a prepared file.
            attachment_discard(PreparedArgs) -> Nothing;
            /// The small picture of a prepared file.
            prepared_read(PreparedArgs) -> Media;
            /// Begins, stops or gives up fetching or sending a file.
            attachment_transfer(AttachmentTransferArgs) -> Message;
            /// A picture or text of a message that is here, to show it.
            attachment_read(AttachmentReadArgs) -> Media;
            /// Writes a file of a message to the disk.
            attachment_save(AttachmentSaveArgs) -> Saved;
            /// Allows fetching files from a host on a private network or without TLS, or no longer.
            attachment_allow_host(AllowHostArgs) -> Nothing;
            /// Tries a failed message again.
            message_retry(MessageArgs) -> Message;
            /// Deletes a message on this installation only.
            message_delete(MessageArgs) -> Nothing;
            /// Searches messages, the newest first.
            search_messages(SearchArgs) -> SearchPage;
            /// Looks people up on the network.
            who_resolve(WhoArgs) -> Vec<Resolved>;
            /// Creates a group.
            group_create(GroupCreateArgs) -> Created;
            /// Finds or creates the direct message with a person.
            dm_create(DmCreateArgs) -> Created;
            /// Changes name, description, picture or application data.
            group_update(GroupUpdateArgs) -> Conversation;
            /// What a group allows, to whom, and what we may do ourselves.
            group_rules(ConversationArgs) -> GroupRules;
            /// Changes permissions, all in one commit.
            permissions_set(PermissionsSetArgs) -> GroupRules;
            /// Changes an admin list.
            role_change(RoleChangeArgs) -> GroupRules;
            /// Lets messages disappear, or stay.
            disappearing_set(DisappearingSetArgs) -> Conversation;
            /// Pins or unpins a message for everybody.
            pin_set(PinSetArgs) -> Conversation;
            /// Pinned messages, newest pin first.
            pin_list(ConversationArgs) -> Vec<Pin>;
            /// Everything that happened to a group, newest first.
            group_changes(BackwardsArgs) -> MessagePage;
            /// The messages of a conversation that are files, newest first.
            conversation_files(BackwardsArgs) -> MessagePage;
            /// Fetches the picture of a group from the server its members name; asked for by a click.
            group_image(ConversationArgs) -> Media;
            /// Members of a conversation.
            member_list(ConversationArgs) -> Vec<Member>;
            /// Adds people.
            member_add(MembersArgs) -> MembershipResult;
            /// Removes people.
            member_remove(MembersArgs) -> MembershipResult;
            /// Stops adding or removing people after the batch under way; the rest is named as
            /// `cancelled`.
            operation_cancel(OperationArgs) -> Nothing;
            /// Fetches and publishes everything that waits in one conversation.
            conversation_sync(ConversationArgs) -> GroupSync;
            /// Fetches and publishes everything that waits.
            sync_all(Nothing) -> AllSync;
            /// Writes the history into a new, encrypted file.
            archive_export(ArchiveExportArgs) -> ArchiveExported;
            /// Looks through an archive and takes nothing in.
            archive_inspect(ArchiveOpenArgs) -> ArchiveContents;
            /// Takes an archive in. What is here already stays as it is; doing it twice changes
            /// nothing.
            archive_import(ArchiveOpenArgs) -> ArchiveImported;
            /// Everything about history between our installations: transfers, archives that lie ready,
            /// installations that are new.
            history_overview(Nothing) -> HistoryOverview;
            /// Asks our other installations for history.
            history_request(HistoryRequestArgs) -> HistoryOverview;
            /// Says yes or no to an installation of ours that asks for history.
            history_answer(HistoryAnswerArgs) -> HistoryOverview;
            /// Fetches an archive that lies ready and takes it in, also one that nobody asked for; goes on
            /// after a pause or a failure.
            history_take(HistoryTakeArgs) -> HistoryOverview;
            /// Stops a transfer; what is there stays.
            history_pause(HistoryArgs) -> HistoryOverview;
            /// Gives a transfer up; what was taken in stays.
            history_cancel(HistoryArgs) -> HistoryOverview;
            /// The person has seen that an installation is new.
            new_device_seen(NewDeviceArgs) -> HistoryOverview;
            /// Epoch facts of a group.
            group_debug(ConversationArgs) -> GroupDebug;
        }
    };
}

pub(crate) use for_each_command;
