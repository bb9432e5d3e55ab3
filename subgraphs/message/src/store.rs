//! Every query of the message domain. Functions take a connection, so that use cases own transactions.

mod imports;
mod messages;
mod nonces;
mod reactions;

pub use imports::{imported, imported_message, remember_imports};
pub use messages::{
    around, by_ids, count_pins, existing, find, insert_messages, last_by_authors, lasts, page, pinned,
    update, update_imported,
};
pub use nonces::{Key as NonceKey, forget_nonces, insert_nonces, nonces};
pub use reactions::{
    Reacting, ReactingPage, count_emojis, delete_all, delete_reaction, has_emoji, insert_reactions, reacting,
    viewer_reactions,
};
