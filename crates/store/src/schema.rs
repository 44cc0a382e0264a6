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
    consents (entity_kind, entity) {
        entity_kind -> Integer,
        entity -> Text,
        state -> Integer,
        consented_at_ns -> BigInt,
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

diesel::joinable!(summaries -> conversations (conversation_id));
diesel::allow_tables_to_appear_in_same_query!(conversations, summaries, messages, consents);
