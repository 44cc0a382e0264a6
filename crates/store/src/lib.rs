//! Layer `store` of Conclave.
