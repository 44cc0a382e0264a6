//! Tests about the shape of the source tree.
