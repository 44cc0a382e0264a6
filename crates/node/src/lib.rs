//! Layer `node` of Conclave.
