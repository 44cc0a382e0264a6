//! Large groups: hundreds of people, or dozens with many devices each. Ten of them have full
//! accounts; see [`crate::crowd`] for the others. Times are printed, for whoever changes batches.

use std::{collections::BTreeSet, time::Instant};

use conclave_engine::{Event, MAX_PEOPLE, NewConversation, RefusedReason};

use crate::{
    actor::{Actor, Town},
    crowd::{Crowd, all_say, all_sync},
};

/// People who write at the same time.
const TALKERS: usize = 10;
/// Installations that one commit of ours adds or removes.
const BATCH: usize = 100;

/// Devices of the crowd that are awake, unless `CONCLAVE_CROWD` says how many. In a build without
/// optimisation each spends a second or two on a tree of 400 leaves; the accounts come on top.
const AWAKE: usize = 20;

fn awake() -> usize {
    let asked = std::env::var("CONCLAVE_CROWD").ok();
    asked.map_or(AWAKE, |asked| asked.parse().unwrap())
}

/// Tells how long a part took.
struct Watch(Instant);

impl Watch {
    fn lap(&mut self, what: &str) {
        println!("{what}: {:.1} s", self.0.elapsed().as_secs_f64());
        self.0 = Instant::now();
    }
}

/// Everybody who is in shows the same epoch authenticator; the others know that they are out.
async fn agree(talkers: &[Actor], crowd: &Crowd, id: &Vec<u8>, members: &BTreeSet<String>) {
    let mut authenticators = BTreeSet::new();
    for talker in talkers {
        let entry = talker.client().conversation(id).await.unwrap();
        assert_eq!(
            entry.conversation.is_active,
            members.contains(&talker.inbox_id())
        );
        if entry.conversation.is_active {
            authenticators.insert(talker.authenticator(id).await);
        }
    }
    let (inside, outside) = crowd.members();
    assert!(inside.iter().all(|guest| members.contains(&guest.inbox_id)));
    assert!(
        !outside
            .iter()
            .any(|guest| members.contains(&guest.inbox_id))
    );
    for guest in inside {
        let state = guest.state();
        assert!(state.membership.members.keys().eq(members));
        assert!(state.membership.failed_installations.is_empty());
        authenticators.insert(state.epoch_authenticator);
    }
    assert_eq!(authenticators.len(), 1, "all of them in one epoch");
}

async fn live_of_a_group(people: usize, devices: usize) {
    let mut watch = Watch(Instant::now());
    let town = Town::new().await;
    let mut talkers = Vec::new();
    for number in 0..TALKERS {
        talkers.push(town.person(&format!("Talker {number}")).await);
    }
    let (mut crowd, strangers) =
        Crowd::gather(&town, &talkers, people - TALKERS, devices, awake()).await;
    watch.lap("registered");

    let alix = talkers[0].client().clone();
    let mut who: Vec<String> = talkers[1..].iter().map(Actor::inbox_id).collect();
    who.extend(strangers.iter().cloned());
    let mut events = alix.events();
    let new = NewConversation {
        who: who.clone(),
        operation_id: Some("create".into()),
        ..NewConversation::default()
    };
    let (made, failed) = alix.create_group(&new).await.unwrap();
    assert!(failed.is_empty());
    let id = made.conversation.id;
    let mut done = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let Event::Progress { done: so_far, .. } = event {
            done.push(so_far);
        }
    }
    let per_batch = BATCH / devices;
    let batches = who.len().div_ceil(per_batch);
    let steps = (0..=batches).map(|batch| (batch * per_batch).min(who.len()));
    assert_eq!(done, steps.collect::<Vec<_>>());
    watch.lap("created");

    let mut members: BTreeSet<String> = who.iter().cloned().collect();
    members.insert(talkers[0].inbox_id());
    assert_eq!(members.len(), people);
    crowd.sync().await;
    watch.lap("crowd joined");
    all_sync(&talkers).await;
    watch.lap("accounts joined");
    agree(&talkers, &crowd, &id, &members).await;
    let facts = alix.group_debug(&id).await.unwrap();
    assert_eq!(facts.leaf_count, people * devices);

    all_say(&talkers, &id).await;
    talkers[1].rename(&id, "All of us").await;
    all_sync(&talkers).await;
    crowd.sync().await;
    watch.lap("ten wrote and one renamed");
    agree(&talkers, &crowd, &id, &members).await;
    for guest in &crowd.guests {
        let texts: BTreeSet<_> = guest.texts.iter().collect();
        assert_eq!((texts.len(), guest.texts.len()), (TALKERS, TALKERS));
        assert_eq!(guest.state().attribute("group_name"), Some("All of us"));
    }
    for talker in &talkers {
        assert_eq!(talker.texts(&id).await.len(), TALKERS);
    }

    // Half of them and a few more are to go; it is stopped after the second batch.
    let (out, more) = (2 * per_batch, 3);
    let victims = &strangers[..out + more];
    let mut events = alix.events();
    let outcome = {
        let operation_id = Some("remove".to_owned());
        let mut removing = std::pin::pin!(alix.remove_members_in(&id, victims, operation_id));
        loop {
            tokio::select! {
                outcome = &mut removing => break outcome.unwrap(),
                event = events.recv() => if let Event::Progress { done, .. } = event.unwrap()
                    && done > 0
                {
                    alix.cancel_operation("remove");
                },
            }
        }
    };
    assert_eq!(outcome.changed, victims[..out]);
    let left: Vec<_> = outcome
        .failed
        .iter()
        .map(|one| (one.who.as_str(), one.reason))
        .collect();
    let cancelled = victims[out..]
        .iter()
        .map(|one| (one.as_str(), RefusedReason::Cancelled));
    assert_eq!(left, cancelled.collect::<Vec<_>>());
    members.retain(|inbox_id| !outcome.changed.contains(inbox_id));
    all_sync(&talkers).await;
    crowd.sync().await;
    watch.lap("half removed");
    agree(&talkers, &crowd, &id, &members).await;

    let again = &strangers[..out / 4];
    let added = talkers[2].client().add_members(&id, again).await.unwrap();
    assert_eq!(added.changed.len(), again.len());
    members.extend(again.iter().cloned());
    all_sync(&talkers).await;
    crowd.sync().await;
    watch.lap("some added again");
    agree(&talkers, &crowd, &id, &members).await;
    let leaf_count = alix.group_debug(&id).await.unwrap().leaf_count;
    assert_eq!(leaf_count, members.len() * devices);
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_people_with_one_device() {
    live_of_a_group(MAX_PEOPLE, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_people_with_eight_devices() {
    live_of_a_group(50, 8).await;
}
