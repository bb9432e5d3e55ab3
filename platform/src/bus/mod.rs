//! The bus between the parts and processes of one installation: a wake-up, never the truth.
//!
//! A message may be lost, and is lost without harm: whoever listens reads the database when it hears
//! [`Heard::Missed`], and nobody waits for a message alone. So publishing never blocks, never fails
//! and keeps nothing for those who listen later. What is said on a subject is the matter of the
//! module that names it.

mod hub;
mod listener;
mod memory;
mod redis;

pub use hub::Hub;
pub use listener::{Heard, Listener};
pub use memory::MemoryBus;
pub use redis::RedisBus;

use bytes::Bytes;

/// How many messages a listener may be behind before it misses them.
pub const QUEUE: usize = 1024;

/// Why nobody can listen.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus cannot be reached; try again later.
    #[error("the bus is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Carries messages from whoever publishes to whoever listens on the same subject right now.
#[async_trait::async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Tells a subject's listeners, in the order of one publisher's calls. Payloads are small: up to
    /// some KiB. What cannot be sent is lost; its listeners hear [`Heard::Missed`].
    async fn publish(&self, subject: &str, payload: Bytes);

    /// Listens to a subject: all that is published after this returns is heard, or missed aloud.
    /// Dropping the listener ends it.
    ///
    /// # Errors
    /// When the bus cannot be reached.
    async fn subscribe(&self, subject: &str) -> Result<Listener, BusError>;

    /// Whether messages arrive now, as far as is known. Who relies on the bus to hear of changes
    /// stops relying on it while this is false.
    fn connected(&self) -> bool;
}
