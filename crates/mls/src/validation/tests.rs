//! Every rule, broken by a hostile member with raw OpenMLS commits, beside a neighbour that is
//! accepted.

mod attributes;
mod hostile;
mod leaves;
mod permissions;
mod random;
mod strays;
mod table;

use hostile::{Raw, force, rule, verdict};

use super::*;
use crate::testing::{Device, Ledger, circle, deliver, inbox};
