//! A member that builds whatever OpenMLS lets it build.

use openmls::extensions::{Extension, Extensions};
use openmls::group::{GroupContext, Member};
use openmls::messages::proposals::Proposal;
use openmls::prelude::tls_codec::Serialize;
use openmls::prelude::{KeyPackage, LeafNodeIndex, OpenMlsProvider};

use super::*;
use crate::commit::BuiltCommit;
use crate::encoding;
use crate::extensions::{
    GROUP_MEMBERSHIP, GROUP_PERMISSIONS, IMMUTABLE_METADATA, MUTABLE_METADATA, opaque,
};
use crate::process::{Processed, process};

/// A commit without any of our rules. `None` as an extension's body leaves it out.
#[derive(Default)]
pub(super) struct Raw {
    adds: Vec<KeyPackage>,
    removes: Vec<InstallationId>,
    context: Vec<(u16, Option<Vec<u8>>)>,
    proposals: Vec<Proposal>,
    by_reference: bool,
}

impl Raw {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn add(mut self, device: &mut Device) -> Self {
        self.adds.push(device.key_package().key_package);
        self
    }

    pub(super) fn remove(mut self, device: &Device) -> Self {
        self.removes.push(device.id());
        self
    }

    pub(super) fn extension(mut self, id: u16, body: Option<Vec<u8>>) -> Self {
        self.context.push((id, body));
        self
    }

    pub(super) fn proposal(mut self, proposal: Proposal) -> Self {
        self.proposals.push(proposal);
        self
    }

    /// Commits to what lies in the proposal store.
    pub(super) fn by_reference(mut self) -> Self {
        self.by_reference = true;
        self
    }

    pub(super) fn metadata(self, author: &Device, edit: impl FnOnce(&mut MutableMetadata)) -> Self {
        let mut metadata = author.state().mutable_metadata;
        edit(&mut metadata);
        self.extension(MUTABLE_METADATA, Some(metadata.encode()))
    }

    pub(super) fn membership(self, author: &Device, edit: impl FnOnce(&mut Membership)) -> Self {
        let mut membership = author.state().membership;
        edit(&mut membership);
        self.extension(GROUP_MEMBERSHIP, Some(membership.encode()))
    }

    pub(super) fn policies(self, policies: &PolicySet) -> Self {
        self.extension(GROUP_PERMISSIONS, Some(policies.encode()))
    }

    pub(super) fn immutable(self, metadata: &Metadata) -> Self {
        self.extension(IMMUTABLE_METADATA, Some(metadata.encode().unwrap()))
    }

    /// The message of `author`; its group stays as it was.
    pub(super) fn message(self, author: &mut Device) -> Vec<u8> {
        self.built(author).message
    }

    /// The commit of `author` with all that it needs to apply it; its group stays as it was.
    pub(super) fn built(self, author: &mut Device) -> BuiltCommit {
        author.with_group(|provider, signer, group| {
            let context = edited(group, &self.context);
            let removes: Vec<LeafNodeIndex> = self
                .removes
                .iter()
                .map(|id| {
                    let is_it = |member: &Member| member.signature_key == id.as_bytes();
                    group.members().find(is_it).unwrap().index
                })
                .collect();
            let mut builder = group
                .commit_builder()
                .consume_proposal_store(self.by_reference)
                .force_self_update(true)
                .propose_adds(self.adds)
                .propose_removals(removes)
                .add_proposals(self.proposals);
            if !self.context.is_empty() {
                builder = builder.propose_group_context_extensions(context).unwrap();
            }
            let bundle = builder
                .load_psks(provider.storage())
                .unwrap()
                .build(provider.rand(), provider.crypto(), signer, |_| true)
                .unwrap()
                .stage_commit(provider)
                .unwrap();
            let (message, welcome, _) = bundle.into_messages();
            let staged_commit = encoding::encode(group.pending_commit().unwrap()).unwrap();
            group.clear_pending_commit(provider.storage()).unwrap();
            BuiltCommit {
                message: message.tls_serialize_detached().unwrap(),
                welcome: welcome.map(|welcome| welcome.tls_serialize_detached().unwrap().into()),
                staged_commit,
                epoch: group.epoch().as_u64(),
            }
        })
    }
}

fn edited(group: &MlsGroup, edits: &[(u16, Option<Vec<u8>>)]) -> Extensions<GroupContext> {
    let mut list: Vec<Extension> = group.extensions().iter().cloned().collect();
    for (id, body) in edits {
        list.retain(|extension| u16::from(extension.extension_type()) != *id);
        list.extend(body.as_ref().map(|body| opaque(*id, body.clone())));
    }
    Extensions::from_vec(list).unwrap()
}

/// What `victim` makes of a message, without taking it.
pub(super) fn verdict(
    victim: &mut Device,
    message: &[u8],
    ledger: &Ledger,
) -> Result<ValidatedCommit, CommitError> {
    let group = victim.group.as_mut().unwrap();
    match process(&victim.provider, group, message).unwrap() {
        Processed::Commit { staged, .. } => validate_commit(group, &staged, ledger),
        other => panic!("not a commit: {other:?}"),
    }
}

/// The rule that `victim` finds broken; 0 if none is.
pub(super) fn rule(victim: &mut Device, message: &[u8], ledger: &Ledger) -> u8 {
    match verdict(victim, message, ledger) {
        Ok(_) => 0,
        Err(CommitError::Rejected(rejection)) => rejection.rule(),
        Err(other) => panic!("{other:?}"),
    }
}

/// Everybody but the author, who falls behind, applies a commit without asking whether it is
/// allowed. Gives the others.
pub(super) fn force(mut devices: Vec<Device>, author: usize, raw: Raw) -> Vec<Device> {
    let mut author = devices.remove(author);
    let message = raw.message(&mut author);
    for device in &mut devices {
        let group = device.group.as_mut().unwrap();
        let Ok(Processed::Commit { staged, .. }) = process(&device.provider, group, &message)
        else {
            panic!("a commit");
        };
        crate::process::merge(&device.provider, group, *staged).unwrap();
    }
    devices
}
