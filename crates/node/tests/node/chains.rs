//! Smart-contract signatures through the node, without a chain. What happens with one is tested
//! beside the code.

use conclave_proto::identity::api::v1::{
    VerifySmartContractWalletSignatureRequestSignature as Signature,
    VerifySmartContractWalletSignaturesRequest,
};
use tonic::Code;

use crate::peer::{Peer, node};

#[tokio::test]
async fn every_signature_has_an_answer_in_its_place_and_none_fails_the_call() {
    let node = node().await;
    let mut alix = Peer::of(&node).await;
    let signature = |account_id: &str, hash: usize| Signature {
        account_id: account_id.to_owned(),
        block_number: None,
        signature: vec![1; 65],
        hash: vec![1; hash],
    };
    let address = "0x00000000000000000000000000000000000000aa";
    let known = format!("eip155:1:{address}");
    let signatures = vec![
        signature(&known, 32),
        signature("rubbish", 32),
        signature(&format!("cosmos:1:{address}"), 32),
        signature("eip155:1:0x12", 32),
        signature(&known, 31),
    ];
    let reply = alix
        .identity
        .verify_smart_contract_wallet_signatures(VerifySmartContractWalletSignaturesRequest {
            signatures,
        })
        .await
        .unwrap()
        .into_inner();
    assert!(reply.responses.iter().all(|response| !response.is_valid));
    let errors: Vec<&str> = reply
        .responses
        .iter()
        .map(|response| response.error())
        .collect();
    assert_eq!(errors[0], "verifier not present for chain ID eip155:1");
    assert!(errors[1].starts_with("invalid account id"));
    assert_eq!(
        errors[2],
        "invalid account id: Chain ID is not prefixed with eip155:"
    );
    assert!(errors[3].starts_with("invalid account id"));
    assert_eq!(errors[4], "the hash is not 32 bytes long");
    assert_eq!(errors.len(), 5);

    let signatures = vec![signature(&known, 32); 101];
    let error = alix
        .identity
        .verify_smart_contract_wallet_signatures(VerifySmartContractWalletSignaturesRequest {
            signatures,
        })
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    node.shutdown().await;
}
