//! History from one device of a person to another.

use std::time::Duration;

use crate::{
    actor::{Actor, Town, group, group_of, until},
    device_sync::{all_sync, inside},
    hostile::Hostile,
};
use conclave_content::device_sync::DeviceSync;
use conclave_engine::{
    AttachmentState, ConsentState, GroupId, HistoryGrant, HistoryOverview, HistoryPhase,
    HistoryTransfer, HistoryWish, MembershipState, TransferRole, TransferState, TransferStep,
};
use conclave_store::folder::HISTORY_FOLDER;

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) async fn overview(person: &Actor) -> HistoryOverview {
    person.client().history().await.unwrap()
}

pub(crate) async fn transfer(person: &Actor, pin: &str) -> HistoryTransfer {
    let all = overview(person).await.transfers.into_iter();
    all.into_iter().find(|one| one.pin == pin).unwrap()
}

pub(crate) async fn phase(person: &Actor, pin: &str) -> HistoryPhase {
    transfer(person, pin).await.phase
}

pub(crate) fn at(step: TransferStep) -> HistoryPhase {
    HistoryPhase::Step(step)
}

pub(crate) fn ended(state: TransferState) -> HistoryPhase {
    HistoryPhase::Ended(state)
}

pub(crate) async fn code(person: &Actor, pin: &str) -> String {
    transfer(person, pin).await.failure.unwrap().code
}

pub(crate) fn everything() -> HistoryWish {
    HistoryWish {
        consent: true,
        ..HistoryWish::default()
    }
}

/// Asks, and lets the others hear of it; the pin.
pub(crate) async fn ask(person: &Actor, wish: HistoryWish, others: &[&Actor]) -> String {
    let asked = person.client().request_history(wish).await.unwrap();
    let pin = asked.transfers[0].pin.clone();
    person.sync().await;
    for other in others {
        other.sync().await;
        other.client().carry_history().await.unwrap();
    }
    pin
}

async fn allow(person: &Actor, pin: &str, grant: HistoryGrant) {
    person.client().allow_history(pin, grant).await.unwrap();
    person.client().carry_history().await.unwrap();
    person.sync().await;
}

pub(crate) async fn take_in(person: &Actor) {
    person.sync().await;
    person.client().carry_history().await.unwrap();
    person.sync().await;
}

/// Whether a file can be fetched from the town's node.
async fn is_on_server(town: &Town, url: &str) -> bool {
    let host = town.node.http_addr.to_string();
    let trusted = [host].into_iter().collect();
    let files = conclave_engine::RemoteFiles::new(None);
    files.open(url, &trusted, 0).await.is_ok()
}

/// Files of archives that lie in a data folder.
pub(crate) fn spooled(person: &Actor) -> usize {
    let folder = person.folder.path().join(HISTORY_FOLDER);
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Alix's laptop, with a group and a direct message with Bo, and a phone that is new.
pub(crate) async fn laptop_with_a_past(town: &Town) -> (Actor, Actor, Actor, GroupId, GroupId) {
    let laptop = town.device("Alix", "laptop").await;
    let bo = town.person("Bo").await;
    let id = group_of(&laptop, &[&bo]).await;
    let dm = laptop.client().create_dm(&bo.address()).await.unwrap();
    let dm = dm.conversation.id;
    bo.sync().await;
    laptop.say(&id, "Where to?").await;
    bo.say(&id, "The lighthouse").await;
    laptop.say(&dm, "Only for you").await;
    laptop.sync().await;
    let phone = town.device("Alix", "phone").await;
    // The phone is told of no group: nobody was online when it came.
    phone.sync().await;
    (laptop, phone, bo, id, dm)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_comes_to_a_new_phone_once_the_person_has_compared_and_said_yes() {
    let town = Town::new().await;
    let (mut laptop, mut phone, bo, id, dm) = laptop_with_a_past(&town).await;
    laptop
        .client()
        .set_inbox_consent(&bo.inbox_id(), ConsentState::Allowed)
        .await
        .unwrap();
    let said = laptop.texts(&id).await;
    let pin = ask(&phone, everything(), &[&laptop]).await;

    let (asking, held) = (transfer(&phone, &pin).await, transfer(&laptop, &pin).await);
    assert_eq!(asking.phase, at(TransferStep::Waiting));
    assert_eq!(held.phase, at(TransferStep::Held));
    assert_eq!(
        (asking.role, held.role),
        (TransferRole::Asking, TransferRole::Answering)
    );
    let words = held.code.clone().unwrap();
    assert_eq!(words.len(), 8);
    assert_eq!(asking.code, Some(words), "both show the same words");
    let device = phone.client().account().installation_id;
    assert_eq!(held.installation_id, Some(device));
    assert_eq!(held.is_official, Some(false));
    assert!(held.consent && !held.attachments && !held.is_foreign_server);
    assert!(held.estimate_bytes.unwrap() > 0 && held.expires_at_ns.is_some());
    assert_eq!(asking.server, held.server);

    // Nothing leaves before the person says so.
    laptop.sync().await;
    phone.sync().await;
    assert_eq!(phase(&phone, &pin).await, at(TransferStep::Waiting));
    assert_eq!(spooled(&laptop), 0);

    allow(&laptop, &pin, HistoryGrant::default()).await;
    let sent = transfer(&laptop, &pin).await;
    assert_eq!(sent.phase, at(TransferStep::Sent));
    assert_eq!(sent.done.conversations, 2);
    assert!(sent.bytes_total.unwrap() > 0);
    take_in(&phone).await;
    let done = transfer(&phone, &pin).await;
    assert_eq!(done.phase, ended(TransferState::Done));
    assert_eq!(
        (done.done.conversations, done.done.messages),
        (2, sent.done.messages)
    );
    assert_eq!(done.bytes_total, sent.bytes_total);
    assert_eq!(phone.texts(&id).await, said);
    assert_eq!(phone.texts(&dm).await, ["Only for you"]);
    let known = phone.client().inbox_consent(&bo.inbox_id()).await.unwrap();
    assert_eq!(known.state, ConsentState::Allowed);
    let url = inside(&mut laptop, &town, {
        let pin = pin.clone();
        move |reader| Ok(reader.transfer(&pin)?.unwrap().url.clone().unwrap())
    });
    let url = url.await;
    assert!(is_on_server(&town, &url).await);
    laptop.sync().await;
    assert_eq!(phase(&laptop, &pin).await, ended(TransferState::Done));
    laptop.client().carry_history().await.unwrap();
    assert!(!is_on_server(&town, &url).await, "it is needed no more");

    // Nothing is left of it: no file, no key, no message that held one.
    for person in [&mut laptop, &mut phone] {
        assert_eq!(spooled(person), 0);
        let keys = inside(person, &town, |reader| {
            let all = reader.transfers()?.into_iter();
            Ok(all.filter(|one| one.archive_key.is_some()).count())
        });
        assert_eq!(keys.await, 0);
    }
    // And the conversations are alive as well: the laptop was online.
    let entry = phone.client().conversation(&id).await.unwrap();
    assert_ne!(
        entry.conversation.membership_state,
        MembershipState::Restored
    );
    phone.say(&id, "From the phone").await;
    bo.sync().await;
    assert_eq!(bo.texts(&id).await.last().unwrap(), "From the phone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_and_a_request_ends_after_a_day_and_when_it_is_given_up() {
    let town = Town::new().await;
    let (laptop, phone, _, id, _) = laptop_with_a_past(&town).await;
    let client = laptop.client();
    let pin = ask(&phone, everything(), &[&laptop]).await;
    client.refuse_history(&pin).await.unwrap();
    all_sync(&[&laptop, &phone]).await;
    assert_eq!(phase(&laptop, &pin).await, ended(TransferState::Refused));
    let refused = transfer(&phone, &pin).await;
    assert_eq!(refused.phase, ended(TransferState::Refused));
    let by = client.account().installation_id;
    assert_eq!(refused.installation_id, Some(by));
    let again = client.allow_history(&pin, HistoryGrant::default()).await;
    assert_eq!(again.unwrap_err().code(), "history_not_now");
    let unknown = client.refuse_history("tea").await.unwrap_err();
    assert_eq!(unknown.code(), "unknown_history");

    let given_up = ask(&phone, everything(), &[&laptop]).await;
    assert_eq!(phase(&laptop, &given_up).await, at(TransferStep::Held));
    phone.client().cancel_history(&given_up).await.unwrap();
    all_sync(&[&phone, &laptop]).await;
    for person in [&phone, &laptop] {
        assert_eq!(
            phase(person, &given_up).await,
            ended(TransferState::Cancelled)
        );
    }

    let late = ask(&phone, everything(), &[&laptop]).await;
    for person in [&phone, &laptop] {
        person.wait(DAY + Duration::from_secs(60));
        person.client().carry_history().await.unwrap();
        assert_eq!(phase(person, &late).await, ended(TransferState::Expired));
    }
    let after = client.allow_history(&late, HistoryGrant::default()).await;
    assert_eq!(after.unwrap_err().code(), "history_not_now");
    assert!(phone.texts(&id).await.is_empty());
    // What is over is forgotten after a week.
    laptop.wait(8 * DAY);
    client.carry_history().await.unwrap();
    assert!(overview(&laptop).await.transfers.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_person_gives_less_and_nothing_of_what_is_blocked_unless_it_is_named() {
    let town = Town::new().await;
    let (laptop, phone, bo, id, dm) = laptop_with_a_past(&town).await;
    let client = laptop.client();
    let deny = client.set_conversation_consent(&dm, ConsentState::Denied);
    deny.await.unwrap();
    let first = laptop.messages(&id).await.into_iter();
    let mut first = first.filter(|one| one.preview.as_deref() == Some("Where to?"));
    let since_ns = first.next().unwrap().sent_at_ns;

    let pin = ask(&phone, everything(), &[&laptop]).await;
    let grant = HistoryGrant {
        since_ns: Some(since_ns),
        ..HistoryGrant::default()
    };
    allow(&laptop, &pin, grant).await;
    take_in(&phone).await;
    assert_eq!(transfer(&phone, &pin).await.done.conversations, 1);
    assert_eq!(transfer(&phone, &pin).await.since_ns, Some(since_ns));
    let texts = phone.texts(&id).await;
    assert!(!texts.contains(&"Where to?".to_owned()));
    // That it is blocked has come, and stays.
    let known = phone.client().inbox_consent(&bo.inbox_id()).await.unwrap();
    assert_eq!(known.state, ConsentState::Denied);

    let only = HistoryWish {
        conversation_ids: Some(vec![dm.clone()]),
        ..HistoryWish::default()
    };
    let pin = ask(&phone, only, &[&laptop]).await;
    // The person can't be made to give what was not asked for.
    let grant = HistoryGrant {
        conversation_ids: Some(vec![dm.clone(), id.clone()]),
        ..HistoryGrant::default()
    };
    allow(&laptop, &pin, grant).await;
    take_in(&phone).await;
    assert_eq!(transfer(&phone, &pin).await.done.conversations, 1);
    assert_eq!(phone.texts(&dm).await, ["Only for you"]);
    let entry = phone.client().conversation(&dm).await.unwrap();
    assert_eq!(entry.consent, ConsentState::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_devices_that_answer_at_once_one_does() {
    let town = Town::new().await;
    let (laptop, phone, _, id, _) = laptop_with_a_past(&town).await;
    let tablet = town.device("Alix", "tablet").await;
    all_sync(&[&tablet, &laptop, &phone]).await;
    laptop.say(&id, "For the tablet too").await;
    tablet.sync().await;
    let pin = ask(&phone, everything(), &[&laptop, &tablet]).await;
    let shown = transfer(&phone, &pin).await.code;
    for person in [&laptop, &tablet] {
        assert_eq!(transfer(person, &pin).await.code, shown);
    }
    let answers = tokio::join!(
        laptop.client().allow_history(&pin, HistoryGrant::default()),
        tablet.client().allow_history(&pin, HistoryGrant::default())
    );
    answers.0.unwrap();
    answers.1.unwrap();
    let (one, other) = tokio::join!(
        laptop.client().carry_history(),
        tablet.client().carry_history()
    );
    one.unwrap();
    other.unwrap();
    all_sync(&[&laptop, &tablet]).await;
    take_in(&phone).await;
    assert_eq!(phase(&phone, &pin).await, ended(TransferState::Done));
    let phases = [phase(&laptop, &pin).await, phase(&tablet, &pin).await];
    let sent = phases.iter().filter(|one| **one == at(TransferStep::Sent));
    assert_eq!(sent.count(), 1, "{phases:?}");
    let loser = match phases[0] == at(TransferStep::Sent) {
        true => &tablet,
        false => &laptop,
    };
    assert_eq!(phase(loser, &pin).await, ended(TransferState::Cancelled));
    assert_eq!(code(loser, &pin).await, "answered_elsewhere");
    let texts = phone.texts(&id).await;
    assert!(texts.contains(&"For the tablet too".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_without_an_answer_counts_for_ten_minutes() {
    let town = Town::new().await;
    let (laptop, phone, _, _, _) = laptop_with_a_past(&town).await;
    let tablet = town.device("Alix", "tablet").await;
    all_sync(&[&tablet, &laptop, &phone]).await;
    let pin = ask(&phone, everything(), &[&laptop, &tablet]).await;
    // The tablet says that it answers, and is never seen again.
    let tablet = Hostile::of(tablet, &town).await;
    let groups = tablet.sync_groups().await;
    let claim = DeviceSync::Acknowledge {
        pin: pin.clone(),
        is_conclave: false,
    };
    tablet.says(&groups[0], claim.encode()).await;
    laptop.sync().await;
    let grant = HistoryGrant::default();
    let refused = laptop.client().allow_history(&pin, grant.clone()).await;
    assert_eq!(refused.unwrap_err().code(), "history_claimed");
    laptop.wait(Duration::from_secs(601));
    allow(&laptop, &pin, grant).await;
    take_in(&phone).await;
    assert_eq!(phase(&phone, &pin).await, ended(TransferState::Done));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_phone_asks_and_has_it_without_anybody_touching_it_again() {
    let town = Town::new().await;
    let (laptop, phone, _, id, _) = laptop_with_a_past(&town).await;
    let lives = [laptop.client().start(), phone.client().start()];
    for person in [&laptop, &phone] {
        until("they are online", || async {
            person.client().connection() == conclave_engine::Connection::Online
        })
        .await;
    }
    let asked = phone.client().request_history(everything()).await.unwrap();
    let pin = asked.transfers[0].pin.clone();
    until("the laptop holds the request", || async {
        let all = overview(&laptop).await.transfers;
        all.iter().any(|one| one.estimate_bytes.is_some())
    })
    .await;
    let grant = HistoryGrant::default();
    laptop.client().allow_history(&pin, grant).await.unwrap();
    until("the phone has it", || async {
        phase(&phone, &pin).await == ended(TransferState::Done)
    })
    .await;
    until("the laptop knows", || async {
        phase(&laptop, &pin).await == ended(TransferState::Done)
    })
    .await;
    assert!(
        phone
            .texts(&id)
            .await
            .contains(&"The lighthouse".to_owned())
    );
    for live in lives {
        live.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_revoked_gets_nothing_of_what_it_asked_for() {
    let town = Town::new().await;
    let (laptop, phone, _, _, _) = laptop_with_a_past(&town).await;
    let pin = ask(&phone, everything(), &[&laptop]).await;
    town.revoke(&laptop, phone.client().account().installation_id)
        .await;
    let refused = laptop
        .client()
        .allow_history(&pin, HistoryGrant::default())
        .await;
    assert_eq!(refused.unwrap_err().code(), "history_peer_revoked");
    let nobody = laptop.client().request_history(everything()).await;
    assert_eq!(nobody.unwrap_err().code(), "no_other_device");
    assert!(!laptop.folder.path().join(HISTORY_FOLDER).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_it_and_damages_nothing_and_it_goes_on_once_there_is_room() {
    let town = Town::new().await;
    let laptop = town.device("Alix", "laptop").await;
    let notes = group_of(&laptop, &[]).await;
    for number in 0..600 {
        let text = format!("{number} {}", "words ".repeat(200));
        laptop.client().send(&notes, &text).await.unwrap();
    }
    laptop.sync().await;
    let mut phone = town.device("Alix", "phone").await;
    phone.sync().await;
    let own = phone.client().create_group(&group(&[], "Here")).await;
    let own = own.unwrap().0.conversation.id;
    phone.say(&own, "Before").await;
    let pin = ask(&phone, everything(), &[&laptop]).await;
    allow(&laptop, &pin, HistoryGrant::default()).await;
    phone.sync().await;

    phone.restart_on_a_full_disk(&town, 60).await;
    phone.client().carry_history().await.unwrap();
    assert_eq!(phase(&phone, &pin).await, ended(TransferState::Failed));
    assert_eq!(code(&phone, &pin).await, "disk_full");
    assert_eq!(phone.texts(&own).await, ["Before"]);
    let some = phone.texts(&notes).await.len();
    assert!(some < 600, "{some} were taken in");

    phone.restart(&town).await;
    phone.client().take_history(&pin, false).await.unwrap();
    take_in(&phone).await;
    assert_eq!(phase(&phone, &pin).await, ended(TransferState::Done));
    assert_eq!(phone.texts(&notes).await.len(), 600);
    assert_eq!(phone.texts(&own).await, ["Before"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_along_if_they_are_wanted_and_stay_away_if_not() {
    let town = Town::new().await;
    let (laptop, bo) = (town.device("Alix", "laptop").await, town.person("Bo").await);
    let id = group_of(&laptop, &[&bo]).await;
    let client = laptop.client();
    // Large enough to be in several pieces, and on a server rather than in the message.
    let bytes: Vec<u8> = (0..700_000_u32).map(|n| (n % 251) as u8).collect();
    let prepared = client.prepare_attachment(&id, "map.bin", None, bytes.clone());
    let prepared = prepared.await.unwrap();
    let files = [prepared.id];
    let sent = client.send_attachments(&id, &files, None, None);
    let message_id = sent.await.unwrap().id;
    client.carry_transfers(None).await.unwrap();
    laptop.sync().await;
    let phone = town.device("Alix", "phone").await;
    phone.sync().await;

    let file_of = async |person: &Actor| {
        let message = person.client().message(&message_id).await.unwrap();
        let shown = person.client().annotated(vec![message]).await.unwrap();
        shown[0].attachments[0].state
    };
    let without = ask(&phone, everything(), &[&laptop]).await;
    let generous = HistoryGrant {
        attachments: true,
        ..HistoryGrant::default()
    };
    allow(&laptop, &without, generous.clone()).await;
    take_in(&phone).await;
    assert_eq!(file_of(&phone).await, AttachmentState::Offered);

    let with = HistoryWish {
        attachments: true,
        ..everything()
    };
    let pin = ask(&phone, with.clone(), &[&laptop]).await;
    allow(&laptop, &pin, HistoryGrant::default()).await;
    take_in(&phone).await;
    assert_eq!(file_of(&phone).await, AttachmentState::Offered);

    let pin = ask(&phone, with, &[&laptop]).await;
    allow(&laptop, &pin, generous).await;
    take_in(&phone).await;
    assert_eq!(phase(&phone, &pin).await, ended(TransferState::Done));
    assert_eq!(file_of(&phone).await, AttachmentState::Stored);
    let folder = phone.folder.path();
    let saved = phone.client().save_attachment(&message_id, 0, folder);
    assert_eq!(std::fs::read(saved.await.unwrap()).unwrap(), bytes);
}
