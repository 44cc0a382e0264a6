//! Layer `identity` of Conclave.
