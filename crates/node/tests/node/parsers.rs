//! The fuzz entry points over random and damaged real bytes. The fuzz targets in `/fuzz` go on
//! from here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conclave_node::parse;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

const ROUNDS: usize = 20_000;

fn strings(vectors: &str, list: &str, field: Option<&str>) -> Vec<Vec<u8>> {
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    vectors[list]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| match field {
            Some(field) => &entry[field],
            None => entry,
        })
        .map(|text| STANDARD.decode(text.as_str().unwrap()).unwrap())
        .collect()
}

fn group_messages() -> Vec<Vec<u8>> {
    let vectors = include_str!("../vectors/group_messages.json");
    strings(vectors, "messages", Some("data"))
}

fn key_packages() -> Vec<Vec<u8>> {
    strings(
        include_str!("../vectors/key_packages.json"),
        "key_packages",
        None,
    )
}

/// A real message with a few bytes changed, cut, doubled, or with another length.
fn damaged(random: &mut StdRng, originals: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = originals[random.random_range(0..originals.len())].clone();
    for _ in 0..random.random_range(1..4) {
        // The structure is at the front; most damage goes there.
        let reach = if random.random() {
            bytes.len().min(96)
        } else {
            bytes.len()
        };
        let at = random.random_range(0..reach.max(1));
        match random.random_range(0..5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = random.random(),
            2 => bytes.truncate(at),
            3 => bytes.insert(at.min(bytes.len()), random.random()),
            _ if at < bytes.len() => {
                // The largest length that four bytes can say.
                let end = (at + 4).min(bytes.len());
                bytes[at..end].fill(0xff);
                bytes[at] = 0xbf;
            }
            _ => {}
        }
    }
    bytes
}

fn random_bytes(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = vec![0; random.random_range(0..600)];
    random.fill_bytes(&mut bytes);
    // Past the first checks, half of the time.
    if random.random() && bytes.len() >= 4 {
        bytes[..4].copy_from_slice(&[0, 1, 0, random.random_range(1..6)]);
    }
    bytes
}

#[test]
fn any_bytes_are_a_group_message_or_an_error() {
    let originals = group_messages();
    for original in &originals {
        assert!(parse::group_message(original).is_ok());
    }
    let mut random = StdRng::seed_from_u64(1);
    let mut accepted = 0;
    for _ in 0..ROUNDS {
        accepted += usize::from(parse::group_message(&random_bytes(&mut random)).is_ok());
        if let Ok(framing) = parse::group_message(&damaged(&mut random, &originals)) {
            assert!((1..=64).contains(&framing.group_id.len()));
            accepted += 1;
        }
    }
    // The damage is small enough to reach beyond the first check.
    assert!(accepted > 0 && accepted < 2 * ROUNDS);
}

#[test]
fn any_bytes_are_a_key_package_or_an_error() {
    let originals = key_packages();
    let mut random = StdRng::seed_from_u64(2);
    for _ in 0..ROUNDS / 10 {
        assert!(parse::key_package(&random_bytes(&mut random)).is_err());
        if let Ok(key) = parse::key_package(&damaged(&mut random, &originals)) {
            assert_eq!(key.len(), 32);
        }
    }
}
