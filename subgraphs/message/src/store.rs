//! Every query of the message domain. Functions take a connection, so that use cases own transactions.

mod erase;
mod imports;
mod messages;
mod nonces;
mod page;
mod reactions;
mod sends;

pub use erase::{
    channel_with_author, delete_messages, erase_reactions, erase_some_of_channel, next_channel_of_author,
    of_author, of_author_after, reactions_of,
};
pub use imports::{imported, remember_imports};
pub use messages::{
    by_ids, count_pins, existing, find, insert_messages, last_by_authors, pinned, update, update_imported,
};
pub use nonces::{Key as NonceKey, forget_nonces, insert_nonces, nonces};
pub use page::{around, lasts, page};
pub use reactions::{
    Reacting, ReactingPage, count_emojis, delete_all, delete_reaction, has_emoji, insert_reactions, reacting,
    viewer_reactions,
};
pub use sends::{Known, insert_sent, known};
