//! Messages and services of the XMTP V3 wire protocol, generated from `/proto`.
//!
//! Modules follow the protobuf packages. Maps are `BTreeMap`s, so that what we encode is the same
//! bytes every time. Field meanings, units and limits stand in the `.proto` files and in the
//! specification pages they name.
// Generated code carries no doc comments of its own and is not held to the workspace's lints.
#![allow(missing_docs, unreachable_pub, clippy::all, rust_2018_idioms)]

/// Keys and signatures that old identity logs still carry.
pub mod message_contents {
    tonic::include_proto!("xmtp.message_contents");
}

/// Inboxes: credentials, associations and the identity service.
pub mod identity {
    tonic::include_proto!("xmtp.identity");

    /// Identity updates, signatures and association state.
    pub mod associations {
        tonic::include_proto!("xmtp.identity.associations");
    }

    /// The identity service.
    pub mod api {
        /// Version 1 of the identity service.
        pub mod v1 {
            tonic::include_proto!("xmtp.identity.api.v1");
        }
    }
}

/// Groups: what their messages carry and the messaging service.
pub mod mls {
    /// What groups and their messages carry.
    pub mod message_contents {
        tonic::include_proto!("xmtp.mls.message_contents");

        /// Payloads of single content types.
        pub mod content_types {
            tonic::include_proto!("xmtp.mls.message_contents.content_types");
        }
    }

    /// The messaging service.
    pub mod api {
        /// Version 1 of the messaging service.
        pub mod v1 {
            tonic::include_proto!("xmtp.mls.api.v1");
        }
    }
}

/// What an inbox's installations hand to each other.
pub mod device_sync {
    tonic::include_proto!("xmtp.device_sync");

    /// Decisions.
    pub mod consent_backup {
        tonic::include_proto!("xmtp.device_sync.consent_backup");
    }

    /// What installations of one inbox write to each other.
    pub mod content {
        tonic::include_proto!("xmtp.device_sync.content");
    }

    /// Conversations.
    pub mod group_backup {
        tonic::include_proto!("xmtp.device_sync.group_backup");
    }

    /// Messages.
    pub mod message_backup {
        tonic::include_proto!("xmtp.device_sync.message_backup");
    }
}

/// Cut-over of the hosted network to its successor.
pub mod migration {
    /// The cut-over service.
    pub mod api {
        /// Version 1 of the cut-over service.
        pub mod v1 {
            tonic::include_proto!("xmtp.migration.api.v1");
        }
    }
}
