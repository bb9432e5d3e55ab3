//! What processes tell each other about written rows, so that no near cache serves the old ones.
//!
//! A message names keys and their new revisions. Whoever may have missed one voids its near cache.

use super::{Cached, cached::Inner};
use crate::bus::{Bus, Heard};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

/// How many rows one message names.
const ROWS: usize = 500;
const RETRY: Duration = Duration::from_secs(1);

/// Rows that a process has written.
#[derive(Serialize, Deserialize)]
struct Written {
    /// The loader that tells; it does not listen to itself.
    by: u64,
    /// Keys as text, with the revision that replaces all below it.
    rows: Vec<(String, i64)>,
}

fn subject<E: Cached>() -> String {
    format!("cache.{}.{}", E::SERVICE, E::KIND)
}

/// Tells the other processes of rows written by this one.
pub(super) async fn announce<'a, E: Cached>(inner: &Inner<E>, rows: impl Iterator<Item = (&'a E::Key, i64)>) {
    let rows: Vec<(String, i64)> = rows.map(|(key, rev)| (key.to_string(), rev)).collect();
    for rows in rows.chunks(ROWS) {
        let written = Written {
            by: inner.number,
            rows: rows.to_vec(),
        };
        let payload = rmp_serde::to_vec(&written).expect("numbers and texts can be encoded");
        inner.bus.publish(&subject::<E>(), Bytes::from(payload)).await;
    }
}

/// Listens until the loader is gone.
pub(super) async fn listen<E: Cached>(loader: Weak<Inner<E>>, bus: Arc<dyn Bus>) {
    loop {
        match bus.subscribe(&subject::<E>()).await {
            Ok(mut listener) => {
                let Some(inner) = loader.upgrade() else { return };
                // Loads that began before may hold what was written unheard.
                inner.near.reset();
                inner.hearing.store(true, Ordering::Release);
                drop(inner);
                while let Some(heard) = listener.recv().await {
                    let Some(inner) = loader.upgrade() else { return };
                    inner.hear(heard);
                }
                let Some(inner) = loader.upgrade() else { return };
                inner.hearing.store(false, Ordering::Release);
            }
            Err(error) => {
                tracing::warn!(%error, kind = E::KIND, "the near cache is not used while the bus is away")
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

impl<E: Cached> Inner<E> {
    fn hear(&self, heard: Heard) {
        let written = match heard {
            Heard::Message(payload) => rmp_serde::from_slice::<Written>(&payload).ok(),
            Heard::Missed => None,
        };
        match written {
            Some(written) if written.by == self.number => {}
            Some(written) => {
                for (key, rev) in written.rows {
                    match key.parse() {
                        Ok(key) => self.near.heard(&key, rev),
                        Err(_) => self.near.reset(),
                    }
                }
            }
            // Missed, or said by another version of this program: it could have been about any row.
            None => self.near.reset(),
        }
    }
}
