//! Compiles `/proto` into Rust; needs no `protoc` on the machine.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let files = [
        "xmtp/message_contents/keys.proto",
        "xmtp/identity/credential.proto",
        "xmtp/identity/associations/association.proto",
        "xmtp/identity/api/v1/identity.proto",
        "xmtp/mls/message_contents/content.proto",
        "xmtp/mls/message_contents/content_types.proto",
        "xmtp/mls/message_contents/transcript.proto",
        "xmtp/mls/message_contents/group.proto",
        "xmtp/mls/message_contents/welcome.proto",
        "xmtp/mls/message_contents/commit_log.proto",
        "xmtp/mls/api/v1/mls.proto",
        "xmtp/device_sync/consent_backup.proto",
        "xmtp/device_sync/group_backup.proto",
        "xmtp/device_sync/message_backup.proto",
        "xmtp/device_sync/device_sync.proto",
        "xmtp/device_sync/content.proto",
        "xmtp/migration/api/v1/migration.proto",
    ];
    let descriptors = protox::compile(files, [root])?;
    tonic_prost_build::configure()
        .btree_map(".")
        .compile_fds(descriptors)?;
    Ok(())
}
