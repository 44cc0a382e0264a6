//! Spans of time in the protocol's unit.

/// One millisecond.
pub(crate) const MILLISECOND: i64 = 1_000_000;
/// One second.
pub(crate) const SECOND: i64 = 1_000 * MILLISECOND;
/// One minute.
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// One day.
pub(crate) const DAY: i64 = 24 * 60 * MINUTE;
