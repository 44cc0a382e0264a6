//! Layer `mls` of Conclave.
