//! Layer `network` of Conclave.
