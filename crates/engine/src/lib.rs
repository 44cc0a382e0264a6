//! Layer `engine` of Conclave.
