//! What the installations of one person tell each other.

use std::time::Duration;

use conclave_engine::{
    ConsentState, DATABASE_FILE, DatabaseKey, Event, GroupId, InboxChange, InstallationId, Lines,
    MessageQuery, PageStart, Search,
};
use conclave_store::{Options, Reader, Store, StoreError};

use crate::{
    actor::{Actor, Town, group_of, until},
    hostile::{Hostile, Raw},
};

use ConsentState::{Allowed, Denied, Unknown};

const HOUR: Duration = Duration::from_secs(3600);

/// Reads in the database of somebody whose app is closed meanwhile.
pub(crate) async fn inside<T: Send + 'static>(
    person: &mut Actor,
    town: &Town,
    look: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
) -> T {
    person.close().await;
    let path = person.folder.path().join(DATABASE_FILE);
    let store = Store::open(path, &DatabaseKey::from_bytes([1; 32]), Options::default()).unwrap();
    let found = store.read(move |reader| look(reader)).await.unwrap();
    store.close().await;
    person.reopen(town).await;
    found
}

pub(crate) async fn counted(person: &mut Actor, town: &Town, what: &'static str) -> i64 {
    inside(person, town, move |reader| {
        let all = reader.diagnostics()?.into_iter();
        Ok(all
            .filter(|one| one.name == what)
            .map(|one| one.count)
            .sum())
    })
    .await
}

async fn sync_groups(person: &mut Actor, town: &Town) -> Vec<GroupId> {
    inside(person, town, |reader| reader.sync_groups()).await
}

async fn hmac_root(person: &mut Actor, town: &Town) -> Vec<u8> {
    inside(person, town, |reader| {
        Ok(reader.account()?.unwrap().hmac_root_key.to_vec())
    })
    .await
}

fn device(actor: &Actor) -> InstallationId {
    actor.client().account().installation_id
}

async fn consent(person: &Actor, id: &GroupId) -> ConsentState {
    person.client().conversation(id).await.unwrap().consent
}

async fn decide(person: &Actor, id: &GroupId, state: ConsentState) {
    let client = person.client();
    client.set_conversation_consent(id, state).await.unwrap();
}

/// Everybody syncs until all has gone around.
pub(crate) async fn all_sync(people: &[&Actor]) {
    for _ in 0..3 {
        for person in people {
            person.sync().await;
        }
    }
}

/// Alix's laptop and phone, who know each other, and Bo.
async fn laptop_phone_and_bo(town: &Town) -> (Actor, Actor, Actor) {
    let laptop = town.device("Alix", "laptop").await;
    let phone = town.device("Alix", "phone").await;
    let bo = town.person("Bo").await;
    all_sync(&[&phone, &laptop]).await;
    (laptop, phone, bo)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_group_is_made_by_who_comes_and_by_who_was_there_if_that_one_makes_none() {
    const MINUTE: Duration = Duration::from_secs(60);
    let town = Town::new().await;
    let mut laptop = town.device("Alix", "laptop").await;
    laptop.sync().await;
    let mut phone = town.device("Alix", "phone").await;
    laptop.wait(MINUTE);
    laptop.sync().await;
    assert!(sync_groups(&mut laptop, &town).await.is_empty());
    phone.sync().await;
    laptop.sync().await;
    let of_phone = sync_groups(&mut phone, &town).await;
    assert_eq!(of_phone.len(), 1);
    assert_eq!(sync_groups(&mut laptop, &town).await, of_phone);

    let mut desk = town.device("Bo", "desk").await;
    desk.sync().await;
    let _silent = town.device("Bo", "silent").await;
    desk.wait(MINUTE);
    desk.sync().await;
    assert!(sync_groups(&mut desk, &town).await.is_empty());
    desk.wait(MINUTE);
    desk.sync().await;
    assert_eq!(sync_groups(&mut desk, &town).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_decides_on_one_device_counts_on_all() {
    let town = Town::new().await;
    let (laptop, phone, bo) = laptop_phone_and_bo(&town).await;
    let id = group_of(&bo, &[&laptop, &phone]).await;
    assert_eq!(consent(&phone, &id).await, Unknown);

    let mut told = phone.client().events();
    decide(&laptop, &id, Denied).await;
    let client = laptop.client();
    client
        .set_inbox_consent(&bo.inbox_id(), Denied)
        .await
        .unwrap();
    laptop.sync().await;
    phone.sync().await;
    assert_eq!(consent(&phone, &id).await, Denied);
    let of_bo = phone.client().inbox_consent(&bo.inbox_id()).await.unwrap();
    assert_eq!(of_bo.state, Denied);
    let mut consents = 0;
    while let Ok(event) = told.try_recv() {
        consents += usize::from(matches!(event, Event::Consent { .. }));
    }
    assert_eq!(consents, 2, "both decisions are told to shells");

    // What the person does says it too, and the other way round.
    phone
        .client()
        .set_inbox_consent(&bo.inbox_id(), Allowed)
        .await
        .unwrap();
    decide(&phone, &id, Allowed).await;
    let dm = phone.client().create_dm(&bo.address()).await.unwrap();
    all_sync(&[&phone, &laptop]).await;
    assert_eq!(consent(&laptop, &id).await, Allowed);
    assert_eq!(consent(&laptop, &dm.conversation.id).await, Allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_converge_however_they_cross_and_whatever_a_clock_says() {
    let town = Town::new().await;
    let (laptop, phone, bo) = laptop_phone_and_bo(&town).await;
    let tablet = town.device("Alix", "tablet").await;
    let all = [&laptop, &phone, &tablet];
    all_sync(&all).await;
    let id = group_of(&bo, &all).await;

    // Nobody syncs while they decide; then in different orders.
    for (first, second, third) in [(0, 1, 2), (2, 0, 1), (1, 2, 0)] {
        decide(all[first], &id, Allowed).await;
        decide(all[second], &id, Denied).await;
        decide(all[third], &id, Unknown).await;
        all_sync(&[all[third], all[first], all[second]]).await;
        let states = [
            consent(&laptop, &id).await,
            consent(&phone, &id).await,
            consent(&tablet, &id).await,
        ];
        assert_eq!(states, [states[0]; 3]);
        decide(all[third], &id, Denied).await;
        all_sync(&all).await;
    }

    // The phone's clock is three hours ahead. Ten minutes later the laptop decides otherwise, and
    // that counts everywhere, on the phone too.
    phone.wait(3 * HOUR);
    decide(&phone, &id, Allowed).await;
    all_sync(&all).await;
    assert_eq!(consent(&laptop, &id).await, Allowed);
    laptop.wait(Duration::from_secs(600));
    decide(&laptop, &id, Denied).await;
    all_sync(&all).await;
    for person in all {
        assert_eq!(consent(person, &id).await, Denied);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_is_told_to_the_others_and_comes_into_conversations_at_once() {
    let town = Town::new().await;
    let laptop = town.device("Alix", "laptop").await;
    let bo = town.person("Bo").await;
    let id = group_of(&bo, &[&laptop]).await;
    laptop.sync().await;
    assert!(laptop.client().new_devices().await.unwrap().is_empty());

    let mut told = laptop.client().events();
    let phone = town.device("Alix", "phone").await;
    phone.sync().await;
    assert!(phone.client().new_devices().await.unwrap().is_empty());
    assert!(phone.client().conversation(&id).await.is_err());
    laptop.sync().await;
    phone.sync().await;
    assert!(phone.client().conversation(&id).await.is_ok());
    let new = laptop.client().new_devices().await.unwrap();
    assert_eq!(new.len(), 1);
    assert_eq!(new[0].installation_id, device(&phone));
    let mut is_told = false;
    while let Ok(event) = told.try_recv() {
        is_told |= matches!(event, Event::History);
    }
    assert!(is_told);
    laptop
        .client()
        .new_device_seen(device(&phone))
        .await
        .unwrap();
    assert!(laptop.client().new_devices().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_device_notices_a_new_one_by_its_sync_group() {
    let town = Town::new().await;
    let laptop = town.device("Alix", "laptop").await;
    let bo = town.person("Bo").await;
    let id = group_of(&bo, &[&laptop]).await;
    let live = laptop.client().start();
    until("the laptop is online", || async {
        laptop.client().connection() == conclave_engine::Connection::Online
    })
    .await;
    let phone = town.device("Alix", "phone").await;
    phone.sync().await;
    until("the phone is in the group", || async {
        phone.sync().await;
        phone.client().conversation(&id).await.is_ok()
    })
    .await;
    assert_eq!(laptop.client().new_devices().await.unwrap().len(), 1);
    decide(&laptop, &id, Denied).await;
    until("the phone knows the decision", || async {
        phone.sync().await;
        consent(&phone, &id).await == Denied
    })
    .await;
    live.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_agree_on_the_root_that_hides_own_messages_from_push_servers() {
    let town = Town::new().await;
    let mut laptop = town.device("Alix", "laptop").await;
    let before = hmac_root(&mut laptop, &town).await;
    let mut phone = town.device("Alix", "phone").await;
    all_sync(&[&phone, &laptop]).await;
    let with_phone = hmac_root(&mut laptop, &town).await;
    assert_ne!(with_phone, before, "a new device: a new root");
    assert_eq!(hmac_root(&mut phone, &town).await, with_phone);

    // Both make one at once, and a third one comes.
    let mut tablet = town.device("Alix", "tablet").await;
    all_sync(&[&tablet, &phone, &laptop]).await;
    let of_three = hmac_root(&mut laptop, &town).await;
    assert_ne!(of_three, with_phone);
    for other in [&mut phone, &mut tablet] {
        assert_eq!(hmac_root(other, &town).await, of_three);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_hears_nothing_of_what_is_decided_afterwards() {
    let town = Town::new().await;
    let (mut laptop, mut phone, bo) = laptop_phone_and_bo(&town).await;
    let tablet = town.device("Alix", "tablet").await;
    all_sync(&[&tablet, &phone, &laptop]).await;
    let id = group_of(&bo, &[&laptop, &phone, &tablet]).await;
    let stolen = hmac_root(&mut phone, &town).await;
    let sync_group = sync_groups(&mut laptop, &town).await.remove(0);
    let thief = Hostile::of(phone, &town).await;

    let revoke = InboxChange::RevokeInstallations(vec![thief.id()]);
    laptop
        .change_inbox(revoke, &[&laptop.wallet()])
        .await
        .unwrap();
    decide(&laptop, &id, Denied).await;
    all_sync(&[&laptop, &tablet]).await;
    assert_eq!(consent(&tablet, &id).await, Denied);
    let root = hmac_root(&mut laptop, &town).await;
    assert_ne!(root, stolen);

    // With the keys it had it can't read the group any more: it is in an epoch that is over.
    let network = town.network();
    let after = network
        .query_group_messages(&sync_group, 0, 100)
        .await
        .unwrap();
    let epoch = thief.state(&sync_group).await.epoch;
    let told = after.items.iter().rfind(|item| !item.is_commit).unwrap();
    let framing = conclave_mls::framing::parse(&told.data).unwrap();
    assert!(framing.epoch > epoch);
    // And what it writes with them counts nothing.
    thief.writes(&sync_group, "Allow me").await;
    all_sync(&[&laptop, &tablet]).await;
    assert_eq!(consent(&laptop, &id).await, Denied);
    phone = thief.repent(&town).await;
    assert!(phone.client().sync_all(&[]).await.is_err());
    assert_eq!(consent(&phone, &id).await, Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_comes_into_a_sync_group_and_nobody_invites_into_theirs() {
    let town = Town::new().await;
    let (mut laptop, phone, _) = laptop_phone_and_bo(&town).await;
    let fritz = town.device("Fritz", "Fritz's laptop").await;
    let fritz_phone = town.device("Fritz", "Fritz's phone").await;
    all_sync(&[&fritz_phone, &fritz]).await;
    let (own, alix) = (fritz.inbox_id(), laptop.inbox_id());
    let newest = town.newest_update(&alix).await;
    let fritz = Hostile::of(fritz, &town).await;
    let theirs = fritz.sync_groups().await.remove(0);
    let offer = fritz.key_package(&device(&laptop)).await;
    let before = sync_groups(&mut laptop, &town).await;

    // Alix is invited into the group of Fritz's own devices.
    fritz
        .does(&theirs, |state| {
            let grown = Raw::default().membership(state, |membership| {
                membership.members.insert(alix.clone(), newest);
                membership.failed_installations = [device(&phone)].into();
            });
            grown.add(offer)
        })
        .await;
    laptop.sync().await;
    assert_eq!(sync_groups(&mut laptop, &town).await, before);
    assert_eq!(counted(&mut laptop, &town, "sync_group_foreign").await, 1);
    assert!(laptop.listed(&[Allowed, Unknown, Denied]).await.is_empty());

    // Fritz's other device leaves that group alone and makes another one.
    let mut fritz_phone = fritz_phone;
    all_sync(&[&fritz_phone]).await;
    assert!(!sync_groups(&mut fritz_phone, &town).await.contains(&theirs));
    assert_eq!(
        counted(&mut fritz_phone, &town, "sync_group_foreign").await,
        1
    );
    assert_eq!(fritz_phone.inbox_id(), own);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_finds_a_sync_group() {
    let town = Town::new().await;
    let (mut laptop, phone, bo) = laptop_phone_and_bo(&town).await;
    let id = sync_groups(&mut laptop, &town).await.remove(0);
    let client = laptop.client();
    let who = [bo.address()];
    let found = MessageQuery {
        conversation_id: id.clone(),
        ..MessageQuery::default()
    };
    let answers = [
        client.conversation(&id).await.map(drop),
        client.group_sync(&id).await.map(drop),
        client.send(&id, "Hello").await.map(drop),
        client.list_members(&id).await.map(drop),
        client.add_members(&id, &who).await.map(drop),
        client.remove_members(&id, &who).await.map(drop),
        client.group_debug(&id).await.map(drop),
        client.group_metadata(&id).await.map(drop),
        client.group_rules(&id).await.map(drop),
        client.leave(&id).await,
        client.delete_conversation(&id).await,
        client.mark_read(&id).await,
        client.find_messages(found).await.map(drop),
        client
            .message_page(&id, Lines::All, PageStart::Latest, 5)
            .await
            .map(drop),
        client.set_conversation_consent(&id, Denied).await,
        client.request_readd(&id).await,
        client.stream_messages(&id).await.map(drop),
        client.pins(&id).await.map(drop),
        client.read_times(&id).await.map(drop),
    ];
    for (place, answer) in answers.into_iter().enumerate() {
        assert_eq!(
            answer.unwrap_err().code(),
            "unknown_conversation",
            "{place}"
        );
    }
    assert!(laptop.listed(&[Allowed, Unknown, Denied]).await.is_empty());
    let search = Search {
        query: "protobuf".into(),
        limit: 10,
        ..Search::default()
    };
    assert!(client.search(search).await.unwrap().hits.is_empty());
    assert_eq!(client.total_unread().await.unwrap(), 0);
    let all = client.sync_all(&[]).await.unwrap();
    assert_eq!((all.synced, all.failed, all.new_conversations), (0, 0, 0));
    // And nothing of what was said in it is left in a message.
    let said = inside(&mut laptop, &town, move |reader| {
        reader.messages_inserted_after(0, 100)
    });
    assert!(said.await.is_empty());
    drop(phone);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_new_devices_at_once_agree_where_to_write() {
    let town = Town::new().await;
    let mut laptop = town.device("Alix", "laptop").await;
    let mut phone = town.device("Alix", "phone").await;
    let mut tablet = town.device("Alix", "tablet").await;
    // Each makes a group with the others in it before it hears of theirs.
    let (one, two, three) = tokio::join!(
        laptop.client().sync_all(&[]),
        phone.client().sync_all(&[]),
        tablet.client().sync_all(&[])
    );
    for synced in [one, two, three] {
        synced.unwrap();
    }
    all_sync(&[&laptop, &phone, &tablet]).await;
    let order = sync_groups(&mut laptop, &town).await;
    assert!(!order.is_empty());
    assert_eq!(sync_groups(&mut phone, &town).await, order);
    assert_eq!(sync_groups(&mut tablet, &town).await, order);
}
