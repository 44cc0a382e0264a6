//! Who sends and fetches in a group at the same time, and what of it may not be missed.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use conclave_engine::{
    Client, Connection, Delivery, GroupId, MetadataChange, Network, NewConversation, RemoteFiles,
};

use crate::{
    actor::{Actor, Town, group_of, until},
    held_network::HeldNetwork,
    hostile_members::counted,
};

/// A group of Alix and Bo in which both have written, so that no key is to be renewed.
async fn group(alix: &Actor, bo: &Actor) -> GroupId {
    let new = NewConversation {
        who: vec![bo.address()],
        ..NewConversation::default()
    };
    let (made, _) = alix.client().create_group(&new).await.unwrap();
    let id = made.conversation.id;
    bo.sync().await;
    for person in [alix, bo, alix] {
        person.say(&id, "Hello").await;
    }
    id
}

/// A person's client on a network that a story can hold.
async fn held(town: &Town, person: &Actor) -> (Client, Arc<HeldNetwork>) {
    let network = HeldNetwork::new(town.network());
    let engine = person.engine.as_ref().unwrap();
    let client = engine
        .client(
            Arc::clone(&network) as Arc<dyn Network>,
            RemoteFiles::new(None),
        )
        .await
        .unwrap();
    (client, network)
}

async fn arrives(what: &str, arrived: impl Fn() -> usize, count: usize) {
    until(what, || std::future::ready(arrived() >= count)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_misses_nothing_that_came_after_another_had_fetched() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group(&alix, &bo).await;
    let (client, network) = held(&town, &alix).await;

    network.queries.close();
    let sync = |client: &Client| {
        let (client, id) = (client.clone(), id.clone());
        tokio::spawn(async move { client.group_sync(&id).await })
    };
    let first = sync(&client);
    arrives("the first has its answer", || network.queries.arrived(), 1).await;
    bo.say(&id, "From Bo, after that").await;
    client.send(&id, "From Alix, after that").await.unwrap();
    let second = sync(&client);
    network.queries.reopen();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    let texts = alix.texts(&id).await;
    for text in ["From Bo, after that", "From Alix, after that"] {
        assert!(texts.iter().any(|found| found == text), "{text}: {texts:?}");
    }
    let written = alix.messages(&id).await;
    assert!(written.iter().all(|m| m.delivery == Delivery::Published));
    bo.sync().await;
    assert_eq!(alix.texts(&id).await, bo.texts(&id).await);
}

/// Starts the background work and waits until it has nothing to do.
async fn live(client: &Client, network: &HeldNetwork, id: &GroupId) -> conclave_engine::Live {
    let live = client.start();
    online(client).await;
    // What is checked every few seconds before a send is checked with this one.
    let before = network.sends.arrived();
    let sent = client.send(id, "First").await.unwrap();
    published(client, &sent.id).await;
    assert!(network.sends.arrived() > before);
    live
}

async fn online(client: &Client) {
    until("the node is reached", || {
        std::future::ready(client.connection() == Connection::Online)
    })
    .await;
}

async fn published(client: &Client, message_id: &[u8]) {
    until("it is out", || async {
        client.message(message_id).await.unwrap().delivery == Delivery::Published
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_published_as_soon_as_the_stream_shows_it() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group(&alix, &bo).await;
    let (client, network) = held(&town, &alix).await;
    let running = live(&client, &network, &id).await;

    // On a busy machine a stream may be late, and then the message is asked for.
    until("a message is published that nobody asked for", || async {
        let before = network.queries.arrived();
        let sent = client.send(&id, "Hello?").await.unwrap();
        published(&client, &sent.id).await;
        network.queries.arrived() == before
    })
    .await;
    bo.say(&id, "And one of Bo").await;
    client.group_sync(&id).await.unwrap();
    running.stop().await;
    bo.sync().await;
    let texts = alix.texts(&id).await;
    assert!(texts.ends_with(&["Hello?".to_owned(), "And one of Bo".to_owned()]));
    assert_eq!(texts, bo.texts(&id).await);
    drop(client);
    let unknown = counted(alix, "message_own").await;
    assert_eq!(unknown, 0, "they are known when their turn comes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_others_could_not_read_is_sent_again_when_that_is_known() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group(&alix, &bo).await;
    let (client, network) = held(&town, &alix).await;
    let running = live(&client, &network, &id).await;

    network.is_hiding_commits.store(true, Ordering::SeqCst);
    let tries = AtomicUsize::new(0);
    let text = || format!("Who is there? {}", tries.load(Ordering::SeqCst));
    // As above: a message that is asked for is sent again at once.
    until("a message is out that Bo can't read", || async {
        tries.fetch_add(1, Ordering::SeqCst);
        bo.sync().await;
        for number in 0..5 {
            bo.rename(&id, &format!("Name {number}")).await;
        }
        let sent = client.send(&id, &text()).await.unwrap();
        published(&client, &sent.id).await;
        bo.sync().await;
        !bo.texts(&id).await.contains(&text())
    })
    .await;

    client.group_sync(&id).await.unwrap();
    running.stop().await;
    bo.sync().await;
    let texts = alix.texts(&id).await;
    assert_eq!(texts, bo.texts(&id).await);
    let count = texts.iter().filter(|other| **other == text()).count();
    assert_eq!(count, 1, "{texts:?}");
    let messages = alix.messages(&id).await;
    assert!(messages.iter().all(|m| m.delivery == Delivery::Published));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_about_to_leave_goes_out_once_after_a_restart() {
    let town = Town::new().await;
    let (mut alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group(&alix, &bo).await;
    let (client, network) = held(&town, &alix).await;
    let running = live(&client, &network, &id).await;

    network.sends.close();
    let before = network.sends.arrived();
    client.send(&id, "On its way").await.unwrap();
    arrives("it is being sent", || network.sends.arrived(), before + 1).await;
    running.stop().await;
    drop(client);
    alix.restart(&town).await;
    alix.sync().await;
    bo.sync().await;
    let texts = bo.texts(&id).await;
    let count = texts.iter().filter(|text| *text == "On its way").count();
    assert_eq!(count, 1, "{texts:?}");
    assert_eq!(texts, alix.texts(&id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_was_removed_meanwhile_reads_nothing_written_after() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let caro = town.person("Caro").await;
    let id = group(&alix, &bo).await;
    alix.client()
        .add_members(&id, &[caro.address()])
        .await
        .unwrap();
    caro.sync().await;
    let (client, network) = held(&town, &alix).await;
    let running = live(&client, &network, &id).await;
    let inbox_id = caro.inbox_id();
    client.remove_members(&id, &[inbox_id]).await.unwrap();
    let sent = client.send(&id, "Without Caro").await.unwrap();
    published(&client, &sent.id).await;
    running.stop().await;
    for person in [&bo, &caro] {
        person.sync().await;
    }
    assert!(bo.texts(&id).await.contains(&"Without Caro".to_owned()));
    assert!(!caro.texts(&id).await.contains(&"Without Caro".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_written_while_one_is_on_its_way_keep_their_order() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group(&alix, &bo).await;
    let (client, network) = held(&town, &alix).await;
    let running = live(&client, &network, &id).await;

    network.sends.close();
    let before = network.sends.arrived();
    let texts: Vec<String> = (0..20).map(|number| format!("message {number}")).collect();
    for text in &texts {
        client.send(&id, text).await.unwrap();
    }
    arrives("the first is sent", || network.sends.arrived(), before + 1).await;
    network.sends.reopen();
    client.group_sync(&id).await.unwrap();
    running.stop().await;
    bo.sync().await;
    let heard = bo.texts(&id).await;
    assert!(heard.ends_with(&texts), "{heard:?}");
    assert_eq!(heard, alix.texts(&id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_answer_is_lost_is_not_called_undone() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let id = group(&alix, &bo).await;
    let (client, network) = held(&town, &alix).await;
    let rename = |name: &str| {
        let change = MetadataChange {
            name: Some(name.to_owned()),
            ..MetadataChange::default()
        };
        let (client, id) = (client.clone(), id.clone());
        async move { client.update_metadata(&id, change).await }
    };

    network.is_deaf.store(true, Ordering::SeqCst);
    let error = rename("Choir").await.unwrap_err();
    assert_eq!(
        (error.code(), error.is_retryable()),
        ("unconfirmed", true),
        "{error}"
    );
    network.is_deaf.store(false, Ordering::SeqCst);
    bo.sync().await;
    let seen = bo.client().conversation(&id).await.unwrap();
    assert_eq!(seen.conversation.name, "Choir", "it did arrive");

    client.group_sync(&id).await.unwrap();
    let own = client.conversation(&id).await.unwrap();
    assert_eq!(own.conversation.name, "Choir");
    // Nothing is left over that would be made a second time.
    let epoch = client.group_debug(&id).await.unwrap().epoch;
    client.group_sync(&id).await.unwrap();
    assert_eq!(client.group_debug(&id).await.unwrap().epoch, epoch);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_write_while_the_group_changes_all_come_to_the_same_conversation() {
    let town = Town::new().await;
    let (alix, bo) = (town.person("Alix").await, town.person("Bo").await);
    let caro = town.person("Caro").await;
    let id = group_of(&alix, &[&bo, &caro]).await;
    let everyone = [&alix, &bo, &caro];
    let running = everyone.map(|person| person.client().start());
    for person in everyone {
        online(person.client()).await;
    }

    let (id, count) = (&id, 60);
    let writes = |person: &'static str, client: &Client| {
        let client = client.clone();
        async move {
            for number in 0..count {
                let text = format!("{person} {number}");
                let sent = client.send(id, &text).await.unwrap();
                // Some before the one before is out, as people do.
                if number % 3 == 0 {
                    published(&client, &sent.id).await;
                }
            }
        }
    };
    let renames = async {
        for number in 0..20 {
            caro.rename(id, &format!("Name {number}")).await;
        }
    };
    tokio::join!(
        writes("Alix", alix.client()),
        writes("Bo", bo.client()),
        renames
    );
    for live in running {
        live.stop().await;
    }
    for person in everyone {
        person.sync().await;
    }
    // What was sent again meanwhile is in now.
    for person in everyone {
        person.sync().await;
        let messages = person.messages(id).await;
        assert!(messages.iter().all(|m| m.delivery == Delivery::Published));
    }
    let texts = caro.texts(id).await;
    for person in [&alix, &bo] {
        assert_eq!(person.texts(id).await, texts);
    }
    for who in ["Alix", "Bo"] {
        let theirs: Vec<_> = texts.iter().filter(|text| text.starts_with(who)).collect();
        let expected: Vec<_> = (0..count).map(|number| format!("{who} {number}")).collect();
        assert_eq!(theirs, expected.iter().collect::<Vec<_>>());
    }
}
