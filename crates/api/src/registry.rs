//! The one list of commands. The dispatcher and the TypeScript types are both made from it, so that
//! neither can drift from the other.

/// Calls `$callback!` with every command: `/// doc`, name, arguments, result.
macro_rules! for_each_command {
    ($callback:ident) => {
        $callback! {
            /// What a shell needs to know when it starts.
            status(Nothing) -> Status;
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
            /// A page of conversations from the local database.
            conversation_list(ConversationListArgs) -> ConversationPage;
            /// One conversation from the local database.
            conversation_get(ConversationArgs) -> Conversation;
            /// Marks everything in a conversation as read.
            conversation_mark_read(ConversationArgs) -> Conversation;
            /// Sets the consent to a conversation.
            consent_set(ConsentSetArgs) -> Conversation;
            /// A page of messages from the local database.
            message_list(MessageListArgs) -> MessagePage;
            /// Stores a text message and publishes it in the background.
            message_send(MessageSendArgs) -> Message;
            /// Tries a failed message again.
            message_retry(MessageArgs) -> Message;
            /// Deletes a message on this installation only.
            message_delete(MessageArgs) -> Nothing;
            /// Looks people up on the network.
            who_resolve(WhoArgs) -> Vec<Resolved>;
            /// Creates a group.
            group_create(GroupCreateArgs) -> Created;
            /// Finds or creates the direct message with a person.
            dm_create(DmCreateArgs) -> Created;
            /// Changes name, description, picture or application data.
            group_update(GroupUpdateArgs) -> Conversation;
            /// Members of a conversation.
            member_list(ConversationArgs) -> Vec<Member>;
            /// Adds people.
            member_add(MembersArgs) -> MembershipResult;
            /// Removes people.
            member_remove(MembersArgs) -> MembershipResult;
            /// Fetches and publishes everything that waits in one conversation.
            conversation_sync(ConversationArgs) -> GroupSync;
            /// Fetches and publishes everything that waits.
            sync_all(Nothing) -> AllSync;
            /// Epoch facts of a group.
            group_debug(ConversationArgs) -> GroupDebug;
        }
    };
}

pub(crate) use for_each_command;
