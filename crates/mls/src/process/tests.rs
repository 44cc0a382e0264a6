use super::*;
use crate::commit;
use crate::framing::{ContentKind, parse};
use crate::testing::{Device, assert_agree, circle, deliver, inbox, now_s};
use crate::validation::validate_commit;

#[test]
fn texts_go_both_ways() {
    let (mut devices, _) = circle(&["alix", "bo"]);
    let message = devices[0].encrypt("hello");
    let framing = parse(&message).unwrap();
    assert_eq!(framing.kind, ContentKind::Application);
    assert_eq!(framing.epoch, 1);
    assert_eq!(framing.group_id, devices[0].state().group_id);
    let processed = devices[1].with_group(|provider, _, group| process(provider, group, &message));
    let Ok(Processed::Application {
        inbox_id,
        installation_id,
        plaintext,
    }) = processed
    else {
        panic!("{processed:?}");
    };
    assert_eq!(inbox_id, inbox("alix"));
    assert_eq!(installation_id, devices[0].id());
    assert_eq!(&*plaintext, b"hello");
    assert!(!format!("{plaintext:?}").contains("hello"));

    let answer = devices[1].encrypt("hi");
    assert_eq!(devices[0].read(&answer).unwrap(), "hi");
    let own = devices[0].with_group(|provider, _, group| process(provider, group, &message));
    assert!(matches!(own, Ok(Processed::Own)));
    assert_eq!(
        devices[1].read(&message),
        Err(ProcessError::Undecryptable),
        "a replay"
    );
}

#[test]
fn late_texts_are_read_for_three_epochs() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    let late: Vec<_> = (0..5)
        .map(|n| devices[0].encrypt(&format!("text {n}")))
        .collect();
    for (epochs, text) in (1..=4).zip(&late[1..]) {
        let commit = devices[0].self_update();
        deliver(&mut devices, 0, &commit, &ledger);
        let read = devices[1].read(text);
        if epochs <= crate::group::MAX_PAST_EPOCHS {
            assert_eq!(read.unwrap(), format!("text {epochs}"));
        } else {
            assert_eq!(
                read,
                Err(ProcessError::StaleEpoch {
                    message: 1,
                    group: 5
                })
            );
        }
    }
}

#[test]
fn the_loser_of_a_race_tries_again() {
    let (mut devices, ledger) = circle(&["alix", "bo", "caro"]);
    let winner = devices[0].rename("alpine");
    let loser = devices[1].rename("boulder");
    // Both were built for the same epoch; the network puts alix's first.
    deliver(&mut devices, 0, &winner, &ledger);
    for device in [0, 2] {
        let late = devices[device]
            .with_group(|provider, _, group| process(provider, group, &loser.message));
        assert_eq!(
            late.unwrap_err(),
            ProcessError::StaleEpoch {
                message: 1,
                group: 2
            }
        );
    }
    let stale = crate::encoding::decode_staged_commit(&loser.staged_commit).unwrap();
    let refused = devices[1].with_group(|provider, _, group| merge(provider, group, stale));
    assert_eq!(refused.unwrap_err().code(), "mls_refused");

    let again = devices[1].rename("boulder");
    assert_eq!(again.epoch, 2);
    deliver(&mut devices, 1, &again, &ledger);
    for device in &devices {
        assert_eq!(device.state().attribute("group_name"), Some("boulder"));
    }
}

#[test]
fn a_built_commit_leaves_the_group_usable() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    let commit = devices[0].self_update();
    assert!(devices[0].group().pending_commit().is_none());
    let text = devices[0].encrypt("before it comes back");
    assert_eq!(devices[1].read(&text).unwrap(), "before it comes back");
    let answer = devices[1].encrypt("me too");
    assert_eq!(devices[0].read(&answer).unwrap(), "me too");
    // In storage as in memory.
    use openmls::prelude::OpenMlsProvider;
    let id = devices[0].group().group_id().clone();
    let loaded = MlsGroup::load(devices[0].provider.storage(), &id)
        .unwrap()
        .unwrap();
    assert!(loaded.pending_commit().is_none());
    devices[0].group = Some(loaded);
    deliver(&mut devices, 0, &commit, &ledger);
    let text = devices[0].encrypt("after");
    assert_eq!(devices[1].read(&text).unwrap(), "after");
}

#[test]
fn messages_that_are_not_for_us_are_told_apart() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    let (mut others, _) = circle(&["caro", "davon"]);
    let foreign = others[0].encrypt("wrong door");
    assert_eq!(devices[0].read(&foreign), Err(ProcessError::WrongGroup));

    let ahead = devices[0].self_update();
    devices[0].take_own(&ahead, &ledger).unwrap();
    let future = devices[0].encrypt("from the future");
    assert_eq!(
        devices[1].read(&future),
        Err(ProcessError::FutureEpoch {
            message: 2,
            group: 1
        })
    );
    devices[1].take(&ahead.message, &ledger).unwrap();
    assert_eq!(devices[1].read(&future).unwrap(), "from the future");

    let mut damaged = devices[0].encrypt("scratched");
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(devices[1].read(&damaged), Err(ProcessError::Undecryptable));
    for length in 0..damaged.len() {
        assert!(devices[1].read(&damaged[..length]).is_err());
    }
}

#[test]
fn only_private_messages_are_for_clients() {
    let mut alix = Device::new("alix", 1);
    alix.key_package();
    // An `MlsMessage` that is a key package.
    let message = [&[0, 1, 0, 5][..], &alix.keys[0].bytes].concat();
    assert_eq!(parse(&message), Err(FramingError::UnsupportedType));
    assert!(matches!(parse(b""), Err(FramingError::Malformed(_))));
    assert!(matches!(
        parse(&[0xFF; 40]),
        Err(FramingError::Malformed(_))
    ));
}

#[test]
fn the_removed_are_out() {
    let (mut devices, ledger) = circle(&["alix", "bo", "caro"]);
    let removal = devices[0].change_membership(&ledger, &[], &["caro"], vec![]);
    let before = devices[2].encrypt("one last thing");
    let caro = devices[2].take(&removal.commit.message, &ledger).unwrap();
    assert!(caro.self_removed);
    assert_eq!(caro.removed_inboxes, [inbox("caro")].into());
    assert!(!devices[2].group().is_active());
    let mut rest = devices;
    let mut caro = rest.pop().unwrap();
    let result = deliver(&mut rest, 0, &removal.commit, &ledger);
    assert!(!result.self_removed);

    // As in the official clients, a late text of someone who has no leaf any more is refused.
    assert_eq!(rest[1].read(&before), Err(ProcessError::UnknownSender));
    let secret = rest[0].encrypt("not for caro");
    assert_eq!(caro.read(&secret), Err(ProcessError::Inactive));
    caro.with_group(|provider, signer, group| {
        assert_eq!(
            encrypt(provider, signer, group, b"x"),
            Err(MlsError::Inactive)
        );
        assert_eq!(
            commit::self_update(provider, signer, group).unwrap_err(),
            MlsError::Inactive
        );
    });
}

#[test]
fn a_commit_may_be_dropped_and_the_group_goes_on() {
    let (mut devices, ledger) = circle(&["alix", "bo"]);
    let first = devices[0].self_update();
    devices[1].with_group(|provider, _, group| {
        let Ok(Processed::Commit { staged, .. }) = process(provider, group, &first.message) else {
            panic!("a commit");
        };
        validate_commit(group, &staged, &ledger).unwrap();
    });
    let second = devices[1].self_update();
    deliver(&mut devices, 1, &second, &ledger);
    assert_agree(&devices);
}

/// The one gap towards official clients (`groups.md` 10.3): it must be recognised exactly.
#[test]
fn an_addition_that_expired_meanwhile_is_told_apart() {
    use openmls::extensions::Extensions;
    use openmls::key_packages::{KeyPackage, Lifetime};
    use openmls::prelude::OpenMlsProvider;

    let (mut devices, _) = circle(&["alix", "bo"]);
    let caro = Device::new("caro", 1);
    let not_after = now_s() + 2;
    let bundle = KeyPackage::builder()
        .leaf_node_capabilities(crate::extensions::key_package_capabilities())
        .key_package_extensions(Extensions::empty())
        .key_package_lifetime(Lifetime::init(now_s() - 60, not_after))
        .build(
            crate::extensions::CIPHERSUITE,
            &caro.provider,
            &caro.signer,
            crate::member::credential(&inbox("caro"), &caro.id()),
        )
        .unwrap();
    let message = devices[0].with_group(|provider, signer, group| {
        let bundle = group
            .commit_builder()
            .propose_adds([bundle.into_key_package()])
            .load_psks(provider.storage())
            .unwrap()
            .build(provider.rand(), provider.crypto(), signer, |_| true)
            .unwrap()
            .stage_commit(provider)
            .unwrap();
        bundle.into_messages().0.tls_serialize_detached().unwrap()
    });
    while now_s() <= not_after {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let late = devices[1].with_group(|provider, _, group| process(provider, group, &message));
    assert_eq!(late.unwrap_err(), ProcessError::ExpiredKeyPackage);
}
