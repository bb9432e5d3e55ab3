//! Publishes what is queued, many messages in one round trip, and makes losses known.

use super::wire::Wire;
use crate::redis::Line;
use ::redis::Cmd;
use metrics::counter;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// How many messages go out together.
const TOGETHER: usize = 512;
/// How often a loss is tried to be made known.
const AGAIN: Duration = Duration::from_millis(500);

/// Something for one of the subjects in Redis.
pub(super) struct Said {
    pub(super) at: usize,
    pub(super) payload: Vec<u8>,
}

/// So many messages were not published; their subjects are marked.
pub(super) fn count_dropped(messages: u64) {
    counter!("commons_bus_dropped_total").increment(messages);
}

/// Publishes until the queue's other end is gone. What could not be said is dropped and its subject
/// marked in `lost`, until that could be said.
pub(super) async fn publish(
    line: Line,
    command: &'static str,
    subjects: Arc<[String]>,
    mut queue: mpsc::Receiver<Said>,
    lost: Arc<AtomicU64>,
) {
    let mut batch = Vec::with_capacity(TOGETHER);
    loop {
        if lost.load(Ordering::Acquire) == 0 {
            if queue.recv_many(&mut batch, TOGETHER).await == 0 {
                return;
            }
        } else {
            let received = tokio::time::timeout(AGAIN, queue.recv_many(&mut batch, TOGETHER)).await;
            if received == Ok(0) {
                return;
            }
        }
        let silent = lost.swap(0, Ordering::AcqRel);
        let losses = (0..subjects.len())
            .filter(|at| silent & (1 << at) != 0)
            .map(|at| Said {
                at,
                payload: Wire::Lost.encode(),
            });
        let messages = batch.len() as u64;
        let said = losses.chain(batch.drain(..));
        let (mut places, mut groups) = (0, BTreeMap::<usize, Vec<Cmd>>::new());
        for Said { at, payload } in said {
            places |= 1_u64 << at;
            let mut publish = Cmd::new();
            publish.arg(command).arg(&subjects[at]).arg(payload);
            groups.entry(at).or_default().push(publish);
        }
        let sent = line.guarded(line.send_in_order(groups.into_values().collect()));
        if sent.await.is_err() {
            count_dropped(messages);
            lost.fetch_or(places, Ordering::AcqRel);
        }
    }
}
