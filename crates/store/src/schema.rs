//! The tables of `migrations/client` as Diesel sees them.

diesel::table! {
    account (id) {
        id -> Integer,
        inbox_id -> Text,
        installation_id -> Binary,
        installation_seed -> Binary,
        address -> Text,
        node_url -> Text,
        registration_step -> Integer,
        pending_identity_update -> Nullable<Binary>,
        wallet_key -> Nullable<Binary>,
        created_at_ns -> BigInt,
        next_key_package_rotation_ns -> Nullable<BigInt>,
        hmac_root_key -> Binary,
        hmac_cycled_at_ns -> BigInt,
    }
}

diesel::table! {
    identity_updates (inbox_id, sequence_id) {
        inbox_id -> Text,
        sequence_id -> BigInt,
        server_timestamp_ns -> BigInt,
        payload -> Binary,
    }
}

diesel::table! {
    association_states (inbox_id, sequence_id) {
        inbox_id -> Text,
        sequence_id -> BigInt,
        state -> Binary,
    }
}

diesel::table! {
    identifiers (identifier, kind) {
        identifier -> Text,
        kind -> Integer,
        inbox_id -> Text,
    }
}

diesel::table! {
    key_packages (id) {
        id -> BigInt,
        hash_ref -> Binary,
        init_public_key -> Binary,
        xwing_public_key -> Nullable<Binary>,
        xwing_private_key -> Nullable<Binary>,
        created_at_ns -> BigInt,
        delete_at_ns -> Nullable<BigInt>,
    }
}

diesel::table! {
    mls_values (key) {
        key -> Binary,
        value -> Binary,
    }
}

diesel::table! {
    conversations (id) {
        id -> Binary,
        kind -> Integer,
        dm_id -> Nullable<Text>,
        peer_inbox_id -> Nullable<Text>,
        creator_inbox_id -> Text,
        added_by_inbox_id -> Text,
        created_at_ns -> BigInt,
        membership_state -> Integer,
        is_active -> Bool,
        name -> Text,
        description -> Text,
        image_url -> Text,
        app_data -> Text,
        member_count -> BigInt,
        epoch -> BigInt,
        welcome_sequence_id -> Nullable<BigInt>,
        rotated_at_ns -> BigInt,
        installations_checked_at_ns -> BigInt,
        paused_for_version -> Nullable<Text>,
        fork -> Integer,
        fork_details -> Text,
        disappear_from_ns -> Nullable<BigInt>,
        disappear_in_ns -> Nullable<BigInt>,
        own_role -> Integer,
        pinned -> Text,
        minimum_version -> Nullable<Text>,
        removals_due -> Bool,
        delete_when_out -> Bool,
        readd_requested_at_ns -> Nullable<BigInt>,
    }
}

diesel::table! {
    commit_log (id) {
        id -> BigInt,
        conversation_id -> Binary,
        commit_sequence_id -> BigInt,
        result -> Integer,
        last_authenticator -> Binary,
        epoch -> BigInt,
        authenticator -> Binary,
    }
}

diesel::table! {
    remote_commit_log (conversation_id, commit_sequence_id) {
        conversation_id -> Binary,
        commit_sequence_id -> BigInt,
        epoch -> BigInt,
        authenticator -> Binary,
    }
}

diesel::table! {
    commit_log_states (conversation_id) {
        conversation_id -> Binary,
        signer_seed -> Nullable<Binary>,
        consensus_key -> Nullable<Binary>,
        remote_position -> BigInt,
        published_id -> BigInt,
        checked_at_ns -> BigInt,
    }
}

diesel::table! {
    readds (conversation_id, installation_id) {
        conversation_id -> Binary,
        installation_id -> Binary,
        requested_at -> BigInt,
        answered_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    pending_removals (conversation_id, inbox_id) {
        conversation_id -> Binary,
        inbox_id -> Text,
        message_id -> Binary,
    }
}

diesel::table! {
    summaries (conversation_id) {
        conversation_id -> Binary,
        kind -> Integer,
        is_duplicate -> Bool,
        created_at_ns -> BigInt,
        last_message_ns -> BigInt,
        last_activity_ns -> BigInt,
        last_message_id -> Nullable<Binary>,
        last_message_preview -> Nullable<Text>,
        last_message_sender_inbox_id -> Nullable<Text>,
        last_message_kind -> Nullable<Integer>,
        last_message_delivery -> Nullable<Integer>,
        last_message_sent_at_ns -> Nullable<BigInt>,
        unread_count -> BigInt,
        failed_count -> BigInt,
        read_up_to_ns -> BigInt,
        is_hidden -> Bool,
    }
}

diesel::table! {
    messages (row_id) {
        row_id -> BigInt,
        id -> Binary,
        conversation_id -> Binary,
        sender_inbox_id -> Text,
        sender_installation_id -> Binary,
        kind -> Integer,
        delivery -> Integer,
        failure_code -> Nullable<Text>,
        sent_at_ns -> BigInt,
        inserted_at_ns -> BigInt,
        content -> Binary,
        authority_id -> Text,
        type_id -> Text,
        version_major -> BigInt,
        version_minor -> BigInt,
        preview -> Nullable<Text>,
        visible -> Bool,
        countable -> Bool,
        reference_id -> Nullable<Binary>,
        sequence_id -> Nullable<BigInt>,
        expire_at_ns -> Nullable<BigInt>,
        should_push -> Bool,
        idempotency_key -> Text,
        deleted_by_inbox_id -> Nullable<Text>,
        is_restored -> Bool,
    }
}

diesel::table! {
    reactions (target_id, thread, sender_inbox_id, schema, content) {
        target_id -> Binary,
        thread -> Text,
        sender_inbox_id -> Text,
        schema -> Integer,
        content -> Text,
        message_id -> Binary,
        sent_at_ns -> BigInt,
    }
}

diesel::table! {
    deletions (message_id) {
        message_id -> Binary,
        target_id -> Binary,
        thread -> Text,
        by_inbox_id -> Text,
        is_super_admin -> Bool,
    }
}

diesel::table! {
    read_receipts (conversation_id, inbox_id) {
        conversation_id -> Binary,
        inbox_id -> Text,
        read_up_to_ns -> BigInt,
    }
}

diesel::table! {
    settings (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    intents (id) {
        id -> BigInt,
        conversation_id -> Binary,
        kind -> Integer,
        data -> Binary,
        state -> Integer,
        message_id -> Nullable<Binary>,
        payload_hash -> Nullable<Binary>,
        payload -> Nullable<Binary>,
        staged_commit -> Nullable<Binary>,
        post_commit -> Nullable<Binary>,
        published_in_epoch -> Nullable<BigInt>,
        attempts -> Integer,
        created_at_ns -> BigInt,
    }
}

diesel::table! {
    cursors (kind, entity) {
        kind -> Integer,
        entity -> Binary,
        position -> BigInt,
    }
}

diesel::table! {
    attachments (id) {
        id -> BigInt,
        conversation_id -> Binary,
        message_id -> Nullable<Binary>,
        position -> Integer,
        is_own -> Bool,
        name -> Text,
        media_type -> Nullable<Text>,
        size -> Nullable<BigInt>,
        state -> Integer,
        failure -> Nullable<Text>,
        done_bytes -> BigInt,
        total_bytes -> Nullable<BigInt>,
        keys -> Nullable<Binary>,
        digest -> Nullable<Text>,
        thumbnail_width -> Nullable<Integer>,
        thumbnail_height -> Nullable<Integer>,
        thumbnail -> Nullable<Binary>,
        created_at_ns -> BigInt,
    }
}

diesel::table! {
    attachment_chunks (attachment_id, number) {
        attachment_id -> BigInt,
        number -> BigInt,
        bytes -> Binary,
    }
}

diesel::table! {
    held_messages (message_id) {
        message_id -> Binary,
        waits_for -> Binary,
    }
}

diesel::table! {
    allowed_hosts (host) {
        host -> Text,
    }
}

diesel::table! {
    consents (entity_kind, entity) {
        entity_kind -> Integer,
        entity -> Text,
        state -> Integer,
        consented_at_ns -> BigInt,
    }
}

diesel::table! {
    sync_groups (conversation_id) {
        conversation_id -> Binary,
        made_at -> BigInt,
    }
}

diesel::table! {
    preference_outbox (entity_kind, entity) {
        entity_kind -> Integer,
        entity -> Text,
    }
}

diesel::table! {
    new_devices (installation_id) {
        installation_id -> Binary,
        first_seen_ns -> BigInt,
    }
}

diesel::table! {
    history_transfers (pin) {
        pin -> Text,
        role -> Integer,
        step -> Integer,
        state -> Integer,
        peer -> Nullable<Binary>,
        code -> Nullable<Text>,
        is_official -> Nullable<Bool>,
        wanted -> Integer,
        start_ns -> Nullable<BigInt>,
        end_ns -> Nullable<BigInt>,
        conversation_ids -> Nullable<Text>,
        server_url -> Text,
        host_allowed -> Bool,
        url -> Nullable<Text>,
        archive_key -> Nullable<Binary>,
        sha256 -> Nullable<Binary>,
        exported_at_ns -> Nullable<BigInt>,
        bytes_done -> BigInt,
        bytes_total -> Nullable<BigInt>,
        conversations_done -> BigInt,
        conversations_total -> Nullable<BigInt>,
        messages_done -> BigInt,
        messages_total -> Nullable<BigInt>,
        skipped -> BigInt,
        estimate_bytes -> Nullable<BigInt>,
        error_code -> Nullable<Text>,
        error_text -> Nullable<Text>,
        claim -> Integer,
        claimed_at_ns -> Nullable<BigInt>,
        created_at_ns -> BigInt,
        expires_at_ns -> Nullable<BigInt>,
        file_secret -> Nullable<Text>,
    }
}

diesel::table! {
    failed_welcomes (sequence_id) {
        sequence_id -> BigInt,
        bytes -> Binary,
        reason -> Text,
        attempts -> Integer,
        next_attempt_ns -> Nullable<BigInt>,
    }
}

diesel::table! {
    diagnostics (name) {
        name -> Text,
        count -> BigInt,
        last_at_ns -> BigInt,
    }
}

diesel::table! {
    search_entries (row_id) {
        row_id -> BigInt,
        id -> BigInt,
        text -> Text,
        scope -> Text,
    }
}

diesel::table! {
    drafts (conversation_id) {
        conversation_id -> Binary,
        text -> Text,
        reply_to -> Nullable<Binary>,
    }
}

diesel::joinable!(summaries -> conversations (conversation_id));
diesel::joinable!(sync_groups -> conversations (conversation_id));
diesel::joinable!(commit_log_states -> conversations (conversation_id));
diesel::allow_tables_to_appear_in_same_query!(
    conversations,
    summaries,
    messages,
    held_messages,
    intents,
    consents,
    pending_removals,
    commit_log_states,
    sync_groups,
);
