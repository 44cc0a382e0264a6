//! Everything that our sender builds is accepted by everybody, whatever happened before: random
//! plans of random members over changing identity logs, and members that lie about failed devices.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::commit::{BuiltCommit, MembershipCommit, change_membership};
use crate::membership::{self, MembershipPlan};
use crate::policy::{PolicyViolation, Preset, Role};
use crate::testing::now_s;

const PEOPLE: [&str; 4] = ["alix", "bo", "caro", "davon"];
/// Devices of a person that exist at all.
const DEVICES: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    /// A person's devices become these, a mask.
    Devices { person: usize, mask: u8 },
    /// A member adds and removes people and follows all identity logs; only some devices have a
    /// key package.
    Membership {
        actor: usize,
        adds: u8,
        removes: u8,
        reachable: u16,
    },
    /// A member lists devices as failed.
    Lie { actor: usize, listed: u16 },
}

fn step() -> impl Strategy<Value = Step> {
    let person = 0..PEOPLE.len();
    prop_oneof![
        2 => (person, 1..8_u8).prop_map(|(person, mask)| Step::Devices { person, mask }),
        4 => (any::<usize>(), 0..16_u8, 0..16_u8, any::<u16>()).prop_map(
            |(actor, adds, removes, reachable)| Step::Membership { actor, adds, removes, reachable }
        ),
        1 => (any::<usize>(), any::<u16>())
            .prop_map(|(actor, listed)| Step::Lie { actor, listed }),
    ]
}

struct World {
    devices: Vec<Device>,
    ledger: Ledger,
    newest: [u64; PEOPLE.len()],
}

impl World {
    /// Alix's first device is alone in its group.
    fn new() -> Self {
        let devices = PEOPLE
            .iter()
            .flat_map(|name| (1..=DEVICES).map(|n| Device::new(name, n.try_into().unwrap())));
        let mut world = Self {
            devices: devices.collect(),
            ledger: Ledger::default(),
            newest: [0; PEOPLE.len()],
        };
        for person in 0..PEOPLE.len() {
            world.set_devices(person, 1);
        }
        let kind = crate::group::NewGroupKind::Group(Preset::AllMembers.into());
        world.devices[0].create(kind);
        world
    }

    fn set_devices(&mut self, person: usize, mask: u8) {
        // Alix's first device stays, so that there is always a super admin.
        let mask = if person == 0 { mask | 1 } else { mask };
        self.newest[person] += 1;
        let own: Vec<&Device> = (0..DEVICES)
            .filter(|number| mask & (1 << number) != 0)
            .map(|number| &self.devices[person * DEVICES + number])
            .collect();
        self.ledger.set(PEOPLE[person], self.newest[person], &own);
    }

    /// Devices that are in the group, by their place.
    fn inside(&self) -> Vec<usize> {
        let is_in = |at: &usize| {
            let group = self.devices[*at].group.as_ref();
            group.is_some_and(MlsGroup::is_active)
        };
        (0..self.devices.len()).filter(is_in).collect()
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Devices { person, mask } => self.set_devices(person, mask),
            Step::Lie { actor, listed } => {
                let inside = self.inside();
                let actor = inside[actor % inside.len()];
                let listed = (0..self.devices.len()).filter(|at| listed & (1 << at) != 0);
                let listed: Vec<_> = listed.map(|at| self.devices[at].id()).collect();
                let raw = Raw::new().membership(&self.devices[actor], |membership| {
                    membership.failed_installations = listed.into_iter().collect();
                });
                let commit = raw.built(&mut self.devices[actor]);
                // A stray or revoked device may not even lie.
                let own = self.devices[actor].take_own(&commit, &self.ledger);
                match own {
                    Ok(_) => self.deliver(actor, &commit),
                    Err(error) => assert_eq!(error, Rejection::Author.into()),
                }
            }
            Step::Membership {
                actor,
                adds,
                removes,
                reachable,
            } => {
                let inside = self.inside();
                let actor = inside[actor % inside.len()];
                self.change(actor, adds, removes, reachable);
            }
        }
    }

    fn plan(&self, actor: usize, adds: u8, removes: u8) -> MembershipPlan {
        let state = self.devices[actor].state();
        let chosen = |mask: u8, person: usize| mask & (1 << person) != 0;
        let updates: BTreeMap<String, u64> = (0..PEOPLE.len())
            .map(|person| (person, inbox(PEOPLE[person])))
            .filter(|(person, id)| {
                state.membership.members.contains_key(id) || chosen(adds, *person)
            })
            .map(|(person, id)| (id, self.newest[person]))
            .collect();
        let removals = (0..PEOPLE.len())
            .filter(|person| chosen(removes, *person))
            .map(|person| inbox(PEOPLE[person]))
            .collect();
        membership::plan(
            self.devices[actor].group(),
            &self.ledger,
            &updates,
            &removals,
        )
        .unwrap()
    }

    fn change(&mut self, actor: usize, adds: u8, removes: u8, reachable: u16) {
        let before = self.devices[actor].state();
        let own = self.devices[actor].inbox();
        let plan = self.plan(actor, adds, removes);
        if plan.is_noop() {
            return;
        }
        let packages = (0..self.devices.len())
            .filter(|at| reachable & (1 << at) != 0)
            .filter(|at| plan.additions.contains_key(&self.devices[*at].id()))
            .collect::<Vec<_>>();
        let packages = packages
            .into_iter()
            .map(|at| self.devices[at].key_package())
            .collect();
        let built = self.devices[actor].with_group(|provider, signer, group| {
            change_membership(provider, signer, group, &plan, packages, now_s())
        });
        let MembershipCommit { commit, .. } = match built {
            Ok(built) => built,
            Err(error) => return assert_eq!(error, crate::MlsError::NoUsableInstallation),
        };
        let role = before.role(&own);
        match self.devices[actor].take_own(&commit, &self.ledger) {
            Ok(_) => {}
            // What a sender asks its policies before it plans.
            Err(CommitError::Rejected(Rejection::Policy(violation))) => {
                let removed = |id: &&String| !plan.members.contains_key(*id);
                let mut out = before.membership.members.keys().filter(removed);
                let takes_super_admin = out.any(|id| before.role(id) == Role::SuperAdmin);
                return match violation {
                    PolicyViolation::RemoveMember => assert_eq!(role, Role::Member),
                    PolicyViolation::RemoveSuperAdmin => assert!(takes_super_admin),
                    other => panic!("{other:?}"),
                };
            }
            // A device that is not one of its inbox's any more, or never was in the list.
            Err(CommitError::Rejected(Rejection::Author)) => {
                let newest = plan.members.get(&own);
                let belongs = newest.and_then(|id| self.ledger.installations_at(&own, *id));
                let id = self.devices[actor].id();
                return assert!(!belongs.is_some_and(|all| all.contains(&id)));
            }
            Err(other) => panic!("{other:?}"),
        }
        self.deliver(actor, &commit);
        let state = self.devices[actor].state();
        if role == Role::SuperAdmin {
            assert_eq!(state.stray_leaves().count(), 0);
        }
        let Some(welcome) = &commit.welcome else {
            return;
        };
        for at in 0..self.devices.len() {
            let device = &mut self.devices[at];
            if !state.has_leaf(&device.id()) || before.has_leaf(&device.id()) {
                continue;
            }
            let staged = crate::welcome::stage(&device.provider, welcome).unwrap();
            let joined = staged.validate(&self.ledger, &device.inbox());
            // A leaf that only a super admin can take out keeps joiners away.
            if role == Role::SuperAdmin {
                assert_eq!(joined, Ok(()));
            }
            device.group = Some(crate::welcome::join(&device.provider, staged).unwrap());
        }
        self.assert_agree();
    }

    fn deliver(&mut self, author: usize, commit: &BuiltCommit) {
        for at in self.inside() {
            if at != author {
                self.devices[at]
                    .take(&commit.message, &self.ledger)
                    .unwrap();
            }
        }
        self.assert_agree();
    }

    fn assert_agree(&self) {
        let first = self.devices[0].state().epoch_authenticator;
        for at in self.inside() {
            assert_eq!(self.devices[at].state().epoch_authenticator, first);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_we_build_is_accepted(steps in prop::collection::vec(step(), 4..16)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
    }
}
