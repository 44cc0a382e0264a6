//! The storage trait of OpenMLS, method by method.

use openmls_traits::storage::{CURRENT_VERSION, StorageProvider, traits};

use super::values::{Items, Label, MlsValues, decode, encode};
use crate::error::StoreError;

/// `method<A, B>(Key, Value) = Label`: the bounds are the traits of the same names, in the order
/// in which OpenMLS declares them.
macro_rules! write_value {
    ($($method:ident<$a:ident, $b:ident>($key:ident, $value:ident) = $label:ident;)+) => {$(
        fn $method<$a: traits::$a<CURRENT_VERSION>, $b: traits::$b<CURRENT_VERSION>>(
            &self,
            key: &$key,
            value: &$value,
        ) -> Result<(), StoreError> {
            self.put(Label::$label, key, value)
        }
    )+};
}

macro_rules! read_value {
    ($($method:ident<$a:ident, $b:ident>($key:ident) -> $value:ident = $label:ident;)+) => {$(
        fn $method<$a: traits::$a<CURRENT_VERSION>, $b: traits::$b<CURRENT_VERSION>>(
            &self,
            key: &$key,
        ) -> Result<Option<$value>, StoreError> {
            self.get(Label::$label, key)
        }
    )+};
}

macro_rules! delete_value {
    ($($method:ident($key:ident) = $label:ident;)+) => {$(
        fn $method<$key: traits::$key<CURRENT_VERSION>>(
            &self,
            key: &$key,
        ) -> Result<(), StoreError> {
            self.remove(Label::$label, key)
        }
    )+};
}

impl StorageProvider<CURRENT_VERSION> for MlsValues {
    type Error = StoreError;

    write_value! {
        write_mls_join_config<GroupId, MlsGroupJoinConfig>(GroupId, MlsGroupJoinConfig) = JoinConfig;
        write_tree<GroupId, TreeSync>(GroupId, TreeSync) = Tree;
        write_interim_transcript_hash<GroupId, InterimTranscriptHash>(GroupId, InterimTranscriptHash)
            = InterimTranscriptHash;
        write_context<GroupId, GroupContext>(GroupId, GroupContext) = GroupContext;
        write_confirmation_tag<GroupId, ConfirmationTag>(GroupId, ConfirmationTag) = ConfirmationTag;
        write_group_state<GroupState, GroupId>(GroupId, GroupState) = GroupState;
        write_message_secrets<GroupId, MessageSecrets>(GroupId, MessageSecrets) = MessageSecrets;
        write_resumption_psk_store<GroupId, ResumptionPskStore>(GroupId, ResumptionPskStore)
            = ResumptionPsks;
        write_own_leaf_index<GroupId, LeafNodeIndex>(GroupId, LeafNodeIndex) = OwnLeafIndex;
        write_group_epoch_secrets<GroupId, GroupEpochSecrets>(GroupId, GroupEpochSecrets)
            = EpochSecrets;
        write_signature_key_pair<SignaturePublicKey, SignatureKeyPair>
            (SignaturePublicKey, SignatureKeyPair) = SignatureKeyPair;
        write_encryption_key_pair<EncryptionKey, HpkeKeyPair>(EncryptionKey, HpkeKeyPair)
            = EncryptionKeyPair;
        write_key_package<HashReference, KeyPackage>(HashReference, KeyPackage) = KeyPackage;
        write_psk<PskId, PskBundle>(PskId, PskBundle) = Psk;
    }

    read_value! {
        mls_group_join_config<GroupId, MlsGroupJoinConfig>(GroupId) -> MlsGroupJoinConfig
            = JoinConfig;
        tree<GroupId, TreeSync>(GroupId) -> TreeSync = Tree;
        interim_transcript_hash<GroupId, InterimTranscriptHash>(GroupId) -> InterimTranscriptHash
            = InterimTranscriptHash;
        group_context<GroupId, GroupContext>(GroupId) -> GroupContext = GroupContext;
        confirmation_tag<GroupId, ConfirmationTag>(GroupId) -> ConfirmationTag = ConfirmationTag;
        group_state<GroupState, GroupId>(GroupId) -> GroupState = GroupState;
        message_secrets<GroupId, MessageSecrets>(GroupId) -> MessageSecrets = MessageSecrets;
        resumption_psk_store<GroupId, ResumptionPskStore>(GroupId) -> ResumptionPskStore
            = ResumptionPsks;
        own_leaf_index<GroupId, LeafNodeIndex>(GroupId) -> LeafNodeIndex = OwnLeafIndex;
        group_epoch_secrets<GroupId, GroupEpochSecrets>(GroupId) -> GroupEpochSecrets
            = EpochSecrets;
        signature_key_pair<SignaturePublicKey, SignatureKeyPair>(SignaturePublicKey)
            -> SignatureKeyPair = SignatureKeyPair;
        encryption_key_pair<HpkeKeyPair, EncryptionKey>(EncryptionKey) -> HpkeKeyPair
            = EncryptionKeyPair;
        key_package<HashReference, KeyPackage>(HashReference) -> KeyPackage = KeyPackage;
        psk<PskBundle, PskId>(PskId) -> PskBundle = Psk;
    }

    delete_value! {
        delete_own_leaf_nodes(GroupId) = OwnLeafNodes;
        delete_group_config(GroupId) = JoinConfig;
        delete_tree(GroupId) = Tree;
        delete_confirmation_tag(GroupId) = ConfirmationTag;
        delete_group_state(GroupId) = GroupState;
        delete_context(GroupId) = GroupContext;
        delete_interim_transcript_hash(GroupId) = InterimTranscriptHash;
        delete_message_secrets(GroupId) = MessageSecrets;
        delete_all_resumption_psk_secrets(GroupId) = ResumptionPsks;
        delete_own_leaf_index(GroupId) = OwnLeafIndex;
        delete_group_epoch_secrets(GroupId) = EpochSecrets;
        delete_signature_key_pair(SignaturePublicKey) = SignatureKeyPair;
        delete_encryption_key_pair(EncryptionKey) = EncryptionKeyPair;
        delete_key_package(HashReference) = KeyPackage;
        delete_psk(PskId) = Psk;
    }

    fn write_encryption_epoch_key_pairs<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        EpochKey: traits::EpochKey<CURRENT_VERSION>,
        HpkeKeyPair: traits::HpkeKeyPair<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
        epoch: &EpochKey,
        leaf_index: u32,
        key_pairs: &[HpkeKeyPair],
    ) -> Result<(), StoreError> {
        self.put(
            Label::EpochKeyPairs,
            &(group_id, epoch, leaf_index),
            &key_pairs,
        )
    }

    fn encryption_epoch_key_pairs<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        EpochKey: traits::EpochKey<CURRENT_VERSION>,
        HpkeKeyPair: traits::HpkeKeyPair<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
        epoch: &EpochKey,
        leaf_index: u32,
    ) -> Result<Vec<HpkeKeyPair>, StoreError> {
        self.get(Label::EpochKeyPairs, &(group_id, epoch, leaf_index))
            .map(Option::unwrap_or_default)
    }

    fn delete_encryption_epoch_key_pairs<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        EpochKey: traits::EpochKey<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
        epoch: &EpochKey,
        leaf_index: u32,
    ) -> Result<(), StoreError> {
        self.remove(Label::EpochKeyPairs, &(group_id, epoch, leaf_index))
    }

    fn append_own_leaf_node<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        LeafNode: traits::LeafNode<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
        leaf_node: &LeafNode,
    ) -> Result<(), StoreError> {
        let mut nodes: Vec<Vec<u8>> = self.get(Label::OwnLeafNodes, group_id)?.unwrap_or_default();
        nodes.push(encode(Label::OwnLeafNodes, leaf_node)?.to_vec());
        self.put(Label::OwnLeafNodes, group_id, &nodes)
    }

    fn own_leaf_nodes<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        LeafNode: traits::LeafNode<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
    ) -> Result<Vec<LeafNode>, StoreError> {
        let nodes: Vec<Vec<u8>> = self.get(Label::OwnLeafNodes, group_id)?.unwrap_or_default();
        nodes
            .iter()
            .map(|node| decode(Label::OwnLeafNodes, node))
            .collect()
    }

    fn queue_proposal<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        ProposalRef: traits::ProposalRef<CURRENT_VERSION>,
        QueuedProposal: traits::QueuedProposal<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
        proposal_ref: &ProposalRef,
        proposal: &QueuedProposal,
    ) -> Result<(), StoreError> {
        let reference = encode(Label::Proposals, proposal_ref)?.to_vec();
        let mut queue: Items = self.get(Label::Proposals, group_id)?.unwrap_or_default();
        queue.retain(|(queued, _)| *queued != reference);
        queue.push((reference, encode(Label::Proposals, proposal)?.to_vec()));
        self.put(Label::Proposals, group_id, &queue)
    }

    fn queued_proposal_refs<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        ProposalRef: traits::ProposalRef<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
    ) -> Result<Vec<ProposalRef>, StoreError> {
        let queue: Items = self.get(Label::Proposals, group_id)?.unwrap_or_default();
        queue
            .iter()
            .map(|(reference, _)| decode(Label::Proposals, reference))
            .collect()
    }

    fn queued_proposals<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        ProposalRef: traits::ProposalRef<CURRENT_VERSION>,
        QueuedProposal: traits::QueuedProposal<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
    ) -> Result<Vec<(ProposalRef, QueuedProposal)>, StoreError> {
        let queue: Items = self.get(Label::Proposals, group_id)?.unwrap_or_default();
        queue
            .iter()
            .map(|(reference, proposal)| {
                Ok((
                    decode(Label::Proposals, reference)?,
                    decode(Label::Proposals, proposal)?,
                ))
            })
            .collect()
    }

    fn remove_proposal<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        ProposalRef: traits::ProposalRef<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
        proposal_ref: &ProposalRef,
    ) -> Result<(), StoreError> {
        let reference = encode(Label::Proposals, proposal_ref)?;
        let mut queue: Items = self.get(Label::Proposals, group_id)?.unwrap_or_default();
        queue.retain(|(queued, _)| *queued != *reference);
        self.put(Label::Proposals, group_id, &queue)
    }

    fn clear_proposal_queue<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        ProposalRef: traits::ProposalRef<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
    ) -> Result<(), StoreError> {
        self.remove(Label::Proposals, group_id)
    }
}
