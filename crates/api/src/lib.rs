//! Layer `api` of Conclave.
