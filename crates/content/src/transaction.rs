//! Transactions that people show each other (content-and-client.md 1.8): they are displayed and
//! never executed.

use std::collections::BTreeMap;

use conclave_proto::mls::message_contents::EncodedContent;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Number, Value};

use crate::{
    content_type::KnownType,
    envelope::{ContentError, encoded, from_json, to_json},
};

/// Most calls in one request that are shown.
pub const MAX_CALLS: usize = 100;
/// Most decimals that an amount is moved by.
const DECIMALS: u32 = 36;

/// Names a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionReference {
    /// The family of chains, for instance `eip155`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The chain, as its sender writes it.
    #[serde(deserialize_with = "text_or_number")]
    pub network_id: String,
    /// The transaction's hash.
    pub reference: String,
    /// What it did, by the sender's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<TransactionMetadata>,
}

/// What a transaction did, by the word of whoever names it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TransactionMetadata {
    /// For instance `transfer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_type: Option<String>,
    /// For instance `USDC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// In the smallest unit of the currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Number>,
    /// Decimals of the currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u32>,
    /// Who paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_address: Option<String>,
    /// Who was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_address: Option<String>,
}

/// Asks a wallet to make calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WalletSendCalls {
    /// Version of the request.
    pub version: String,
    /// The chain, in hex.
    pub chain_id: String,
    /// Whose wallet.
    pub from: String,
    /// The calls, at most [`MAX_CALLS`].
    pub calls: Vec<WalletCall>,
    /// What the wallet should be able to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<BTreeMap<String, Value>>,
}

/// One call of a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WalletCall {
    /// Whom it calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// With what, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// With how much, in hex of the smallest unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its limit of gas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gas: Option<String>,
    /// Its description, type and whatever the sender adds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, Value>>,
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum TextOrNumber {
        Text(String),
        Number(Number),
    }
    Ok(match TextOrNumber::deserialize(deserializer)? {
        TextOrNumber::Text(text) => text,
        TextOrNumber::Number(number) => number.to_string(),
    })
}

/// Smallest units; official clients (1.8.1) write whole ones with a fraction of zero.
fn whole_units(amount: &Number) -> Option<u64> {
    let written = || amount.to_string();
    amount
        .as_u64()
        .or_else(|| written().strip_suffix(".0")?.parse().ok())
}

impl TransactionMetadata {
    /// The amount in whole units of the currency, exactly; `None` without an amount. One that is no
    /// whole number of smallest units is given as it was written.
    #[must_use]
    pub fn amount_text(&self) -> Option<String> {
        let amount = self.amount.as_ref()?;
        let decimals = self.decimals.filter(|decimals| *decimals <= DECIMALS);
        let (Some(units), Some(decimals)) = (whole_units(amount), decimals) else {
            return Some(amount.to_string());
        };
        let places = usize::try_from(decimals).unwrap_or_default();
        let digits = format!("{units:0>width$}", width = places + 1);
        let (whole, part) = digits.split_at(digits.len() - places);
        let part = part.trim_end_matches('0');
        Some(if part.is_empty() {
            whole.to_owned()
        } else {
            format!("{whole}.{part}")
        })
    }
}

impl TransactionReference {
    pub(crate) fn decode(payload: &[u8]) -> Option<Self> {
        from_json(payload)
    }

    pub(crate) fn encode(&self) -> Result<EncodedContent, ContentError> {
        let mut content = encoded(KnownType::TransactionReference, to_json(self)?);
        content.fallback = Some(if self.reference.is_empty() {
            "Crypto transaction".to_owned()
        } else {
            let reference = &self.reference;
            format!(
                "[Crypto transaction] Use a blockchain explorer to learn more using the transaction hash: {reference}"
            )
        });
        Ok(content)
    }
}

impl WalletSendCalls {
    pub(crate) fn decode(payload: &[u8]) -> Option<Self> {
        from_json(payload).filter(|request: &Self| request.calls.len() <= MAX_CALLS)
    }

    pub(crate) fn encode(&self) -> Result<EncodedContent, ContentError> {
        if self.calls.is_empty() || self.calls.len() > MAX_CALLS {
            return Err(ContentError::WalletCalls);
        }
        let json = to_json(self)?;
        let text = String::from_utf8_lossy(&json).into_owned();
        let mut content = encoded(KnownType::WalletSendCalls, json);
        content.fallback = Some(format!("[Transaction request generated]: {text}"));
        Ok(content)
    }
}

impl WalletCall {
    /// What the sender says that it does.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.metadata.as_ref()?.get("description")?.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        let amount = |amount: Value, decimals| {
            TransactionMetadata {
                amount: serde_json::from_value(amount).unwrap(),
                decimals,
                ..TransactionMetadata::default()
            }
            .amount_text()
            .unwrap()
        };
        assert_eq!(amount(1_500_000.into(), Some(6)), "1.5");
        assert_eq!(amount(1.into(), Some(18)), "0.000000000000000001");
        assert_eq!(amount(42.into(), Some(0)), "42");
        assert_eq!(amount(u64::MAX.into(), Some(2)), "184467440737095516.15");
        assert_eq!(amount(42.into(), None), "42");
        assert_eq!(amount(serde_json::json!(1_500_000.0), Some(6)), "1.5");
        assert_eq!(amount(serde_json::json!(0.5), Some(6)), "0.5");
        assert_eq!(amount(7.into(), Some(4_000_000_000)), "7");
    }

    #[test]
    fn a_chain_is_read_as_text_and_as_number() {
        for json in [
            r#"{"networkId":1,"reference":"0xab"}"#,
            r#"{"networkId":"1","reference":"0xab","later":[]}"#,
        ] {
            let read = TransactionReference::decode(json.as_bytes()).unwrap();
            assert_eq!((read.network_id.as_str(), read.namespace), ("1", None));
        }
    }

    #[test]
    fn a_request_of_too_many_calls_is_not_read() {
        let request = |calls| {
            let calls = vec![WalletCall::default(); calls];
            let request = WalletSendCalls {
                version: "1.0".into(),
                chain_id: "0x1".into(),
                from: "0x".into(),
                calls,
                capabilities: None,
            };
            WalletSendCalls::decode(&serde_json::to_vec(&request).unwrap())
        };
        assert!(request(MAX_CALLS).is_some());
        assert!(request(MAX_CALLS + 1).is_none());
    }
}
