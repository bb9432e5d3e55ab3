//! An import that is killed and run again.

use super::{browse::browse, closed, count, export::Export, import, run};
use crate::harness::{House, Process};
use std::{path::Path, time::Duration};
use tokio::time::interval;

/// As many messages as only some committed days can have brought.
const ENOUGH: i64 = 600;

/// Kills a run once it has written some days.
async fn interrupt(house: &House, file: &Path) {
    let before = house.messages().await;
    let mut process = Process::start(import(house.command(), file, "alice"));
    let mut tick = interval(Duration::from_millis(1));
    while house.messages().await < before + ENOUGH {
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
