//! Layer `cli` of Conclave.
