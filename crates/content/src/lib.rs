//! Layer `content` of Conclave.
