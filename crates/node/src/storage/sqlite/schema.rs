//! Tables of `migrations/node-sqlite`, as Diesel sees them.

diesel::table! {
    group_messages (id) {
        id -> BigInt,
        created_ns -> BigInt,
        is_commit -> Bool,
        retain -> Bool,
        should_push -> Bool,
        group_id -> Binary,
        digest -> Binary,
        sender_hmac -> Binary,
        data -> Binary,
    }
}

diesel::table! {
    welcome_messages (id) {
        id -> BigInt,
        created_ns -> BigInt,
        kind -> Integer,
        wrapper_algorithm -> Integer,
        installation_key -> Binary,
        digest -> Binary,
        hpke_public_key -> Binary,
        welcome_metadata -> Binary,
        data -> Binary,
    }
}

diesel::table! {
    installations (installation_key) {
        installation_key -> Binary,
        created_ns -> BigInt,
        updated_ns -> BigInt,
        key_package -> Binary,
    }
}

diesel::table! {
    inbox_log (sequence_id) {
        sequence_id -> BigInt,
        inbox_id -> Binary,
        server_timestamp_ns -> BigInt,
        identity_update -> Binary,
    }
}

diesel::table! {
    address_log (id) {
        id -> BigInt,
        kind -> Integer,
        address -> Text,
        inbox_id -> Binary,
        association_sequence_id -> BigInt,
        revocation_sequence_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    commit_log (id) {
        id -> BigInt,
        created_ns -> BigInt,
        group_id -> Binary,
        entry -> Binary,
        signature -> Binary,
        signer -> Binary,
    }
}
