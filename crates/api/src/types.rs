//! The shapes that cross to a shell: the web UI, the command line and scripts.
//!
//! Ids are lower-case hex without `0x`, addresses lower-case with `0x`, times strings of decimal
//! nanoseconds since the Unix epoch whose names end in `_ns` (`shared/cli.md` is the contract for
//! account, conversation, message, member and permissions; fields beyond it are additions).

mod account;
mod archive;
mod attachment;
mod consent;
mod content;
mod conversation;
mod event;
mod history;
mod inbox;
mod local_data;
mod media;
mod member;
mod message;
mod permissions;
mod request;
mod search;
mod settings;

pub use account::*;
pub use archive::*;
pub use attachment::*;
pub use consent::*;
pub use content::*;
pub use conversation::*;
pub use event::*;
pub use history::*;
pub use inbox::*;
pub use local_data::*;
pub use media::*;
pub use member::*;
pub use message::*;
pub use permissions::*;
pub use request::*;
pub use search::*;
pub use settings::*;
