//! The bus of one process: for the embedded default, where nothing outside has to be started.

use super::{Bus, BusError, Hub, Listener, QUEUE};
use bytes::Bytes;

/// A [`Bus`] within this process; always connected.
#[derive(Debug)]
pub struct MemoryBus(Hub);

impl MemoryBus {
    /// A bus nobody listens to yet.
    pub fn new() -> Self {
        Self(Hub::new(QUEUE))
    }
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait::async_trait]
impl Bus for MemoryBus {
    async fn publish(&self, subject: &str, payload: Bytes) {
        self.0.tell(subject, &payload);
    }

    async fn subscribe(&self, subject: &str) -> Result<Listener, BusError> {
        Ok(self.0.listen(subject))
    }

    fn connected(&self) -> bool {
        true
    }
}
