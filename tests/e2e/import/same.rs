//! The same export gives the same rows, whatever the database.

use super::{export::Export, import};
use crate::harness::{House, Process};
use commons_platform::clock::{Clock, SystemClock};
use commons_testing::dump;
use std::path::Path;

/// Imports into a fresh house: what is in its database then.
async fn imported(mut house: House, file: &Path) -> Vec<String> {
    let since = SystemClock::default().now();
    house.register("alice").await;
    house.terminate().await;
    let ended = Process::run(import(house.command(), file, "alice")).await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
    dump::imported(house.database().await, since).await
}

async fn is_the_same(file: &Path) {
    // One after the other: each gives its seat back.
    let here = imported(House::start().await, file).await;
    let there = imported(House::embedded().await, file).await;
    assert!(here.len() > 1000, "{}", here.len());
    for (here, there) in here.iter().zip(&there) {
        assert_eq!(here, there);
    }
    assert_eq!(here.len(), there.len());
}

#[tokio::test]
async fn an_import_gives_the_same_rows_as_on_sqlite() {
    let export = Export {
        channels: 3,
        days: 4,
        messages: 30,
        bad: false,
    };
    is_the_same(export.write().path()).await;
}

#[tokio::test]
async fn so_does_an_export_of_a_real_workspace() {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/slack-export.zip");
    let real = std::env::var_os("SLACK_EXPORT").map_or(real, Into::into);
    // It is real people's talk and no part of this repository.
    if real.is_file() {
        is_the_same(&real).await;
    }
}
