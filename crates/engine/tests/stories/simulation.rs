//! Three devices of one person, many groups, and history that is asked for, allowed, refused, and
//! interrupted at every step on both sides: it ends complete or refused, and never half taken in.
//!
//! `CONCLAVE_SEEDS` says how many runs (`500`) or which (`100..200`); each is named by its seed when it
//! fails.

use std::{collections::BTreeMap, ops::Range};

use conclave_engine::{
    Event, GroupId, HistoryGrant, HistoryPhase, HistoryWish, TransferState, TransferStep,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use crate::{
    actor::{Actor, Town, group},
    device_sync::all_sync,
    history::{overview, spooled},
};

/// Runs of an ordinary test.
const SEEDS: u64 = 2;
/// Groups of the person.
const GROUPS: usize = 50;
/// Interruptions after which a transfer has to have ended.
const PATIENCE: usize = 200;

fn seeds() -> Range<u64> {
    let Ok(asked) = std::env::var("CONCLAVE_SEEDS") else {
        return 0..SEEDS;
    };
    let (first, end) = asked.split_once("..").unwrap_or(("0", &asked));
    first.parse().unwrap()..end.parse().unwrap()
}

/// Carries history on until so many steps have ended, and lets it fall there; whether it came to an
/// end before. What is told of steps comes after their transactions, so this stops between two.
async fn carry_for(person: &Actor, steps: usize) -> bool {
    let mut events = person.client().events();
    let ended = async {
        for _ in 0..steps {
            while !matches!(events.recv().await, Ok(Event::History)) {}
        }
    };
    tokio::select! {
        biased;
        () = ended => false,
        carried = person.client().carry_history() => {
            carried.unwrap();
            true
        }
    }
}

/// What is said in each group.
async fn said(person: &Actor, groups: &[GroupId]) -> BTreeMap<GroupId, Vec<String>> {
    let mut all = BTreeMap::new();
    for id in groups {
        let texts = match person.client().conversation(id).await {
            Ok(_) => person.texts(id).await,
            Err(_) => Vec::new(),
        };
        all.insert(id.clone(), texts);
    }
    all
}

async fn phase(person: &Actor, pin: &str) -> Option<HistoryPhase> {
    let all = overview(person).await.transfers.into_iter();
    all.into_iter()
        .find(|one| one.pin == pin)
        .map(|one| one.phase)
}

/// The person's devices with what the first of them has.
struct Home {
    town: Town,
    laptop: Actor,
    groups: Vec<GroupId>,
    texts: BTreeMap<GroupId, Vec<String>>,
}

impl Home {
    async fn new() -> Self {
        let town = Town::new().await;
        let laptop = town.device("Alix", "laptop").await;
        let mut groups = Vec::new();
        for number in 0..GROUPS {
            let new = group(&[], &format!("Notes {number}"));
            let made = laptop.client().create_group(&new).await.unwrap();
            let id = made.0.conversation.id;
            for line in 0..=number % 4 {
                let text = format!("{number}, line {line}");
                laptop.client().send(&id, &text).await.unwrap();
            }
            groups.push(id);
        }
        laptop.sync().await;
        let texts = said(&laptop, &groups).await;
        Self {
            town,
            laptop,
            groups,
            texts,
        }
    }
}

async fn run(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let Home {
        town,
        mut laptop,
        groups,
        texts,
    } = Home::new().await;
    let mut tablet = town.device("Alix", "tablet").await;
    let mut phone = town.device("Alix", "phone").await;
    all_sync(&[&tablet, &phone, &laptop]).await;
    let wish = HistoryWish {
        consent: random.random(),
        ..HistoryWish::default()
    };
    let asked = phone.client().request_history(wish).await.unwrap();
    let pin = asked.transfers[0].pin.clone();
    all_sync(&[&phone, &laptop, &tablet]).await;

    // The tablet has no past: it may say no, or nothing. The laptop says yes or no.
    if random.random_bool(0.3) {
        tablet.client().refuse_history(&pin).await.unwrap();
    }
    let is_allowed = random.random_bool(0.8);
    if is_allowed {
        let grant = HistoryGrant::default();
        laptop.client().allow_history(&pin, grant).await.unwrap();
    } else {
        laptop.client().refuse_history(&pin).await.unwrap();
    }
    for round in 0.. {
        assert!(round < PATIENCE, "seed {seed}: it never ends");
        for person in [&mut laptop, &mut tablet, &mut phone] {
            if random.random_bool(0.5) {
                person.sync().await;
            }
            let steps = random.random_range(1..4);
            if !carry_for(person, steps).await && random.random_bool(0.7) {
                person.restart(&town).await;
            }
            // Now and then the person stops it, and goes on later.
            if random.random_bool(0.1) && person.client().pause_history(&pin).await.is_ok() {
                person.restart(&town).await;
                person.client().take_history(&pin, false).await.unwrap();
            }
        }
        let now = phase(&phone, &pin).await.unwrap();
        if now != HistoryPhase::Ended(TransferState::Done) {
            // Looked through to its end first: nothing is there before, and what is taken in is
            // taken in again.
            let is_importing = now == HistoryPhase::Step(TransferStep::Importing)
                || now == HistoryPhase::Ended(TransferState::Paused);
            let here = said(&phone, &groups).await;
            let is_empty = here.values().all(Vec::is_empty);
            assert!(is_empty || is_importing, "seed {seed}: {now:?}");
        }
        match now {
            HistoryPhase::Ended(TransferState::Done) => {
                assert!(is_allowed, "seed {seed}");
                let here = said(&phone, &groups).await;
                assert_eq!(here, texts, "seed {seed}");
                break;
            }
            HistoryPhase::Ended(TransferState::Refused) if !is_allowed => break,
            HistoryPhase::Ended(TransferState::Failed) => {
                let all = overview(&phone).await;
                panic!("seed {seed}: {:?}", all.transfers);
            }
            _ => {}
        }
    }
    // Both sides know, and nothing is left.
    all_sync(&[&phone, &laptop]).await;
    for person in [&laptop, &phone, &tablet] {
        person.client().carry_history().await.unwrap();
        assert_eq!(spooled(person), 0, "seed {seed}");
    }
    let expected = match is_allowed {
        true => TransferState::Done,
        false => TransferState::Refused,
    };
    let on_laptop = phase(&laptop, &pin).await;
    assert_eq!(
        on_laptop,
        Some(HistoryPhase::Ended(expected)),
        "seed {seed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn history_that_is_interrupted_anywhere_ends_complete_or_refused() {
    for seed in seeds() {
        run(seed).await;
    }
}
