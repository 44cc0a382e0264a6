//! Actors and a made-up identity ledger for the tests of this crate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conclave_identity::{InstallationId, InstallationKey};
use openmls::group::MlsGroup;
use openmls_rust_crypto::OpenMlsRustCrypto;

use crate::association::AssociationStates;
use crate::commit::{self, BuiltCommit, MembershipCommit};
use crate::encoding::decode_staged_commit;
use crate::group::{self, GroupState, NewGroup, NewGroupKind};
use crate::key_package::{self, NewKeyPackage, VerifiedKeyPackage};
use crate::membership;
use crate::policy::{PolicySet, Preset};
use crate::process::{self, Processed};
use crate::signer::InstallationSigner;
use crate::validation::{CommitError, ValidatedCommit, validate_commit};
use crate::welcome;

/// Seconds since 1970, by the clock that OpenMLS uses.
pub(crate) fn now_s() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// The inbox id of a named actor.
pub(crate) fn inbox(name: &str) -> String {
    format!("{:0>64}", hex::encode(name))
}

/// Association states by inbox and sequence id.
#[derive(Default, Clone)]
pub(crate) struct Ledger(BTreeMap<(String, u64), Arc<BTreeSet<InstallationId>>>);

impl Ledger {
    pub(crate) fn set(&mut self, name: &str, sequence_id: u64, devices: &[&Device]) {
        self.0.insert(
            (inbox(name), sequence_id),
            Arc::new(devices.iter().map(|device| device.id()).collect()),
        );
    }

    pub(crate) fn forget(&mut self, name: &str) {
        self.0.retain(|(inbox_id, _), _| *inbox_id != inbox(name));
    }
}

impl AssociationStates for Ledger {
    fn installations_at(
        &self,
        inbox_id: &str,
        sequence_id: u64,
    ) -> Option<Arc<BTreeSet<InstallationId>>> {
        if sequence_id == 0 {
            let newest = |((id, _), _): &(&(String, u64), _)| id == inbox_id;
            return self
                .0
                .iter()
                .filter(newest)
                .map(|(_, set)| Arc::clone(set))
                .next_back();
        }
        self.0.get(&(inbox_id.to_owned(), sequence_id)).cloned()
    }
}

/// One device of one person, in at most one group.
pub(crate) struct Device {
    pub(crate) name: &'static str,
    pub(crate) provider: OpenMlsRustCrypto,
    pub(crate) signer: InstallationSigner,
    pub(crate) group: Option<MlsGroup>,
    pub(crate) keys: Vec<NewKeyPackage>,
}

impl Device {
    pub(crate) fn new(name: &'static str, number: u8) -> Self {
        let mut seed = [number; 32];
        for (byte, letter) in seed.iter_mut().zip(name.bytes()) {
            *byte = letter;
        }
        Self {
            name,
            provider: OpenMlsRustCrypto::default(),
            signer: InstallationKey::from_seed(&seed).into(),
            group: None,
            keys: Vec::new(),
        }
    }

    pub(crate) fn id(&self) -> InstallationId {
        self.signer.key().id()
    }

    pub(crate) fn inbox(&self) -> String {
        inbox(self.name)
    }

    pub(crate) fn group(&self) -> &MlsGroup {
        self.group.as_ref().unwrap()
    }

    pub(crate) fn state(&self) -> GroupState {
        GroupState::of(self.group()).unwrap()
    }

    /// A fresh key package, as the network would give it to others.
    pub(crate) fn key_package(&mut self) -> VerifiedKeyPackage {
        use openmls::prelude::OpenMlsProvider;
        let new = key_package::build(&self.provider, &self.signer, &self.inbox()).unwrap();
        let verified = key_package::verify(self.provider.crypto(), &new.bytes).unwrap();
        self.keys.push(new);
        verified
    }

    pub(crate) fn create(&mut self, kind: NewGroupKind) {
        let new = NewGroup::of_kind(kind);
        self.group =
            Some(group::create(&self.provider, &self.signer, &self.inbox(), &new).unwrap());
    }

    /// Runs `build` on the group.
    pub(crate) fn with_group<T>(
        &mut self,
        build: impl FnOnce(&OpenMlsRustCrypto, &InstallationSigner, &mut MlsGroup) -> T,
    ) -> T {
        build(&self.provider, &self.signer, self.group.as_mut().unwrap())
    }

    pub(crate) fn rename(&mut self, name: &str) -> BuiltCommit {
        self.with_group(|provider, signer, group| {
            commit::set_attribute(provider, signer, group, "group_name", name).unwrap()
        })
    }

    pub(crate) fn self_update(&mut self) -> BuiltCommit {
        self.with_group(|provider, signer, group| {
            commit::self_update(provider, signer, group).unwrap()
        })
    }

    pub(crate) fn encrypt(&mut self, text: &str) -> Vec<u8> {
        self.with_group(|provider, signer, group| {
            process::encrypt(provider, signer, group, text.as_bytes()).unwrap()
        })
    }

    pub(crate) fn read(&mut self, message: &[u8]) -> Result<String, process::ProcessError> {
        self.with_group(
            |provider, _, group| match process::process(provider, group, message)? {
                Processed::Application { plaintext, .. } => {
                    Ok(String::from_utf8(plaintext.to_vec()).unwrap())
                }
                other => panic!("not an application message: {other:?}"),
            },
        )
    }

    /// Takes a commit of ours that came back.
    pub(crate) fn take_own(
        &mut self,
        commit: &BuiltCommit,
        ledger: &Ledger,
    ) -> Result<ValidatedCommit, CommitError> {
        let staged = decode_staged_commit(&commit.staged_commit).unwrap();
        let group = self.group.as_mut().unwrap();
        let validated = validate_commit(group, &staged, ledger)?;
        process::merge(&self.provider, group, staged).unwrap();
        Ok(validated)
    }

    /// Takes another's commit.
    pub(crate) fn take(
        &mut self,
        message: &[u8],
        ledger: &Ledger,
    ) -> Result<ValidatedCommit, CommitError> {
        let group = self.group.as_mut().unwrap();
        let staged = match process::process(&self.provider, group, message).unwrap() {
            Processed::Commit { staged, .. } => *staged,
            other => panic!("not a commit: {other:?}"),
        };
        let validated = validate_commit(group, &staged, ledger)?;
        process::merge(&self.provider, group, staged).unwrap();
        Ok(validated)
    }

    /// Joins with the newest key package that fits.
    pub(crate) fn join(&mut self, inner: &[u8]) {
        let staged = welcome::stage(&self.provider, inner).unwrap();
        self.group = Some(welcome::join(&self.provider, staged).unwrap());
    }

    /// A membership commit of everything that is planned.
    pub(crate) fn change_membership(
        &mut self,
        ledger: &Ledger,
        updates: &[(&str, u64)],
        removals: &[&str],
        key_packages: Vec<VerifiedKeyPackage>,
    ) -> MembershipCommit {
        let updates = updates
            .iter()
            .map(|(name, sequence_id)| (inbox(name), *sequence_id))
            .collect();
        let removals = removals.iter().map(|name| inbox(name)).collect();
        let plan = membership::plan(self.group(), ledger, &updates, &removals).unwrap();
        self.with_group(|provider, signer, group| {
            commit::change_membership(provider, signer, group, &plan, key_packages, now_s())
                .unwrap()
        })
    }
}

/// A group of one device of each name, all at sequence id 1 and in the same epoch. The first
/// created it and is its super admin.
pub(crate) fn circle(names: &[&'static str]) -> (Vec<Device>, Ledger) {
    circle_with(names, Preset::AllMembers)
}

pub(crate) fn circle_with(
    names: &[&'static str],
    policies: impl Into<PolicySet>,
) -> (Vec<Device>, Ledger) {
    circle_of_kind(names, NewGroupKind::Group(policies.into()))
}

/// As [`circle`], of any kind of group.
pub(crate) fn circle_of_kind(names: &[&'static str], kind: NewGroupKind) -> (Vec<Device>, Ledger) {
    let mut devices: Vec<_> = names.iter().map(|name| Device::new(name, 1)).collect();
    let mut ledger = Ledger::default();
    for device in &devices {
        ledger.set(device.name, 1, &[device]);
    }
    let (creator, others) = devices.split_first_mut().unwrap();
    creator.create(kind);
    let key_packages = others.iter_mut().map(Device::key_package).collect();
    let updates: Vec<_> = names.iter().map(|name| (*name, 1)).collect();
    let change = creator.change_membership(&ledger, &updates, &[], key_packages);
    creator.take_own(&change.commit, &ledger).unwrap();
    for other in others.iter_mut() {
        other.join(change.commit.welcome.as_ref().unwrap());
    }
    assert_agree(&devices);
    (devices, ledger)
}

/// All are in the same epoch with the same secrets.
pub(crate) fn assert_agree(devices: &[Device]) {
    let first = devices.first().unwrap().state();
    for device in devices {
        let state = device.state();
        assert_eq!(state.epoch_authenticator, first.epoch_authenticator);
        assert_eq!(state.epoch, first.epoch);
        assert_eq!(state.membership, first.membership);
    }
}

/// The author takes its commit back from the network, everybody else takes it; all accept.
pub(crate) fn deliver(
    devices: &mut [Device],
    author: usize,
    commit: &BuiltCommit,
    ledger: &Ledger,
) -> ValidatedCommit {
    let mut results = Vec::new();
    for (index, device) in devices.iter_mut().enumerate() {
        results.push(if index == author {
            device.take_own(commit, ledger).unwrap()
        } else {
            device.take(&commit.message, ledger).unwrap()
        });
    }
    let first = results.swap_remove(0);
    assert!(results.iter().all(|result| result.actor == first.actor));
    assert_agree(devices);
    first
}
