//! An import that is killed and run again.

use super::{browse::browse, closed, count, export::Export, import, run};
use crate::harness::{House, Process};
use std::{fs, path::Path, time::Duration};
use tokio::time::interval;

/// Growth in bytes that only some committed days can have caused.
const ENOUGH: u64 = 800_000;

/// Bytes of the database, with what is not yet in its main file.
fn size(house: &House) -> u64 {
    let of = |name: &str| fs::metadata(house.data().join(name)).map_or(0, |file| file.len());
    of("commons.db") + of("commons.db-wal")
}

/// Kills a run once it has written some days.
async fn interrupt(house: &House, file: &Path) {
    let before = size(house);
    let mut process = Process::start(import(house.command(), file, "alice"));
    let mut tick = interval(Duration::from_millis(1));
    while size(house) < before + ENOUGH {
        assert_eq!(process.has_ended(), None, "too fast: {}", process.log());
        tick.tick().await;
    }
    process.kill9().await;
}

#[tokio::test]
async fn an_interrupted_run_continues() {
    let export = Export {
        channels: 3,
        days: 20,
        messages: 60,
        bad: false,
    };
    let file = export.write();
    let (mut house, alice) = closed().await;
    let whole = run(&house, file.path()).await;
    assert_eq!(whole.status.code(), Some(0), "{}", whole.said);
    house.open().await;
    let wanted = browse(&alice).await;
    drop(house);

    let (mut house, alice) = closed().await;
    for _ in 0..2 {
        interrupt(&house, file.path()).await;
    }
    let last = run(&house, file.path()).await;
    assert_eq!(last.status.code(), Some(0), "{}", last.said);
    let (added, known) = (count(&last, "messages,"), count(&last, "messages were here"));
    assert_eq!(added + known, export.total());
    assert!(
        added > 0 && known > 0,
        "it was not interrupted in the middle: {}",
        last.said
    );
    house.open().await;
    assert_eq!(browse(&alice).await, wanted);
}
