//! Settings that cannot be used stop the start with one line.

use crate::harness::{Process, commons};
use std::{fs, process::Command};
use tempfile::TempDir;

/// Exit code and stderr of a start that fails.
async fn fails(command: Command) -> (Option<i32>, String) {
    let ended = Process::run(command).await;
    (ended.status.code(), ended.said)
}

#[track_caller]
fn is_one_line(said: &str, word: &str) {
    assert!(said.to_lowercase().contains(word), "{said}");
    assert!(
        said.starts_with("commons: ") && said.ends_with('\n') && said.lines().count() == 1,
        "{said}"
    );
}

#[tokio::test]
async fn unknown_and_impossible_settings() {
    for (name, value, word) in [
        ("COMMONS_COLOUR", "red", "colour"),
        ("COMMONS_GATEWAY__COLOUR", "red", "colour"),
        ("COMMONS_GATEWAY__LISTEN", "nowhere", "listen"),
        ("COMMONS_GATEWAY__INTROSPECTION", "perhaps", "introspection"),
        ("COMMONS_DATABASE__READERS", "0", "database.readers"),
        ("COMMONS_DATABASE__READERS", "many", "readers"),
        ("COMMONS_LIMITS__SENDS_PER_TEN_SECONDS", "0", "limits"),
        ("COMMONS_LIMITS__SIGN_INS_PER_MINUTE", "-1", "sign_ins_per_minute"),
        ("COMMONS_SECRET", "short", "auth.secret"),
        ("COMMONS_ENV", "production", "auth.secret"),
        ("COMMONS_ENV", "holiday", "environment"),
        ("COMMONS_CONFIG", "missing.toml", "missing.toml"),
        ("DATABASE_URL", "mysql://nobody@nowhere/x", "database.url"),
        ("REDIS_URL", "http://nowhere", "redis.url"),
    ] {
        let folder = TempDir::new().unwrap();
        let mut command = commons(folder.path());
        command.env(name, value);
        let (code, said) = fails(command).await;
        assert_eq!(code, Some(1), "{name}={value}: {said}");
        is_one_line(&said, word);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            0,
            "{name}: nothing is made"
        );
    }
}

#[tokio::test]
async fn a_file_of_unusable_settings() {
    for (toml, word) in [
        ("colour = 1", "colour"),
        (
            "[limits]\nsends_per_ten_seconds = \"many\"",
            "sends_per_ten_seconds",
        ),
        ("[gateway", "commons.toml"),
    ] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("commons.toml"), toml).unwrap();
        let (code, said) = fails(commons(folder.path())).await;
        assert_eq!(code, Some(1), "{toml}: {said}");
        is_one_line(&said, word);
    }
}

#[tokio::test]
async fn an_address_that_is_taken() {
    let folder = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = commons(folder.path());
    command.env("COMMONS_GATEWAY__LISTEN", taken.local_addr().unwrap().to_string());
    command.env("COMMONS_LOG__FILTER", "error");
    let (code, said) = fails(command).await;
    assert_eq!(code, Some(1), "{said}");
    is_one_line(&said, "listen");
}
