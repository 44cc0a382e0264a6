//! The shapes that cross to a shell: the web UI, the command line and scripts.
//!
//! Ids are lower-case hex without `0x`, addresses lower-case with `0x`, times strings of decimal
//! nanoseconds since the Unix epoch whose names end in `_ns` (`shared/cli.md` is the contract for
//! account, conversation, message, member and permissions; fields beyond it are additions).

mod account;
mod conversation;
mod event;
mod member;
mod message;
mod permissions;
mod request;

pub use account::*;
pub use conversation::*;
pub use event::*;
pub use member::*;
pub use message::*;
pub use permissions::*;
pub use request::*;
