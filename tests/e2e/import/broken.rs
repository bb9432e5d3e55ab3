//! What cannot be imported, and when nothing can be.

use super::{closed, export::Export, import, run};
use crate::harness::{Process, commons};
use serde_json::json;
use std::{fs, path::Path};
use tempfile::TempDir;

/// All files of a folder and what is in them.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_before_anything_is_written() {
    let (mut house, alice) = closed().await;
    let whole = fs::read(
        Export {
            channels: 1,
            days: 2,
            messages: 20,
            bad: false,
        }
        .write()
        .path(),
    )
    .unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0xff;
    let broken = TempDir::new().unwrap();
    let before = contents(house.data());
    for (name, bytes) in [
        ("cut.zip", &whole[..whole.len() - 30]),
        ("half.zip", &whole[..whole.len() / 2]),
        ("damaged.zip", &damaged),
        ("empty.zip", b""),
        ("text.zip", b"no zip at all"),
    ] {
        let file = broken.path().join(name);
        fs::write(&file, bytes).unwrap();
        let ended = run(&house, &file).await;
        assert_eq!(ended.status.code(), Some(1), "{name}: {}", ended.said);
        assert!(
            ended.said.starts_with("commons: cannot import ") && ended.said.contains(name),
            "{}",
            ended.said
        );
        assert_eq!(contents(house.data()), before, "{name}");
        let fresh = TempDir::new().unwrap();
        let ended = Process::run(import(commons(fresh.path()), &file, "alice")).await;
        assert_eq!(
            (ended.status.code(), contents(fresh.path())),
            (Some(1), Vec::new())
        );
    }
    let good = broken.path().join("good.zip");
    fs::write(&good, &whole).unwrap();
    let ended = Process::run(import(house.command(), &good, "nobody")).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.said);
    assert!(ended.said.contains("nobody"), "{}", ended.said);

    // A server holds the file; over a database server they work side by side.
    house.open().await;
    let ended = run(&house, &good).await;
    let guilds = async || {
        let mut data = alice.data("{ guilds { nodes { name } } }", json!({})).await;
        data["guilds"]["nodes"].take()
    };
    if house.is_embedded() {
        assert_eq!(ended.status.code(), Some(1));
        assert!(
            ended.said.contains("another process uses this database"),
            "{}",
            ended.said
        );
        assert_eq!(guilds().await, json!([]));
    } else {
        assert_eq!(ended.status.code(), Some(0), "{}", ended.said);
        assert_eq!(guilds().await, json!([{ "name": "Harbour" }]));
    }
    house.lives().await;
}
