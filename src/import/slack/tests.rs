//! Small exports made here: their layout, whole and broken.

use super::{
    archive::Limits,
    export::{ExportError, LeftOut},
    record::{FileLink, Reaction},
    *,
};
use serde_json::{Value, json};
use std::io::Write;
use tempfile::NamedTempFile;
use zip::{ZipWriter, write::SimpleFileOptions};

mod message;

/// Writes a zip with these files.
fn zipped(files: &[(&str, Vec<u8>)]) -> NamedTempFile {
    let mut zip = ZipWriter::new(NamedTempFile::new().unwrap());
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap()
}

fn bytes(value: Value) -> Vec<u8> {
    serde_json::to_vec(&value).unwrap()
}

fn users() -> Value {
    json!([
        { "id": "U1ADAADA", "name": "ada", "real_name": "Ada Alder", "deleted": false, "is_bot": false,
          "profile": { "display_name": "", "real_name": "Ada &amp; Alder", "image_72": "https://a.example/72.png",
                       "image_512": "https://a.example/512.png" } },
        { "id": "U2BENBEN", "name": "ben", "deleted": true, "profile": { "display_name": "Ben" } },
        { "id": "U3BOTBOT", "name": "", "is_bot": true },
    ])
}

fn channels() -> Value {
    json!([
        { "id": "C1", "name": "talks", "created": "1433558319", "creator": "U1ADAADA", "is_archived": false,
          "members": ["U1ADAADA"], "pins": [{ "id": "1433558319.000002", "type": "C" }, { "id": "F012", "type": "F" }],
          "topic": { "value": "videos &amp; podcasts", "creator": "", "last_set": "0" },
          "purpose": { "value": "" } },
        { "id": "C2", "name": "old", "created": 1433558320, "is_archived": true, "members": [] },
    ])
}

#[test]
fn an_export_lists_its_people_channels_and_days() {
    let file = zipped(&[
        ("channels.json", bytes(channels())),
        ("users.json", bytes(users())),
        (
            "groups.json",
            bytes(json!([{ "id": "G1", "name": "staff", "created": 1, "members": ["U1ADAADA"] }])),
        ),
        (
            "dms.json",
            bytes(json!([{ "id": "D1", "created": 1, "members": [] }])),
        ),
        (
            "mpims.json",
            bytes(json!([{ "id": "G2", "name": "mpdm-ada--ben-1" }])),
        ),
        ("integration_logs.json", bytes(json!([]))),
        ("talks/2015-06-07.json", bytes(json!([]))),
        ("talks/2015-06-06.json", bytes(json!([]))),
        ("talks/canvas.json", bytes(json!({}))),
        ("C2/2015-06-06.json", bytes(json!([]))),
        ("staff/2015-06-06.json", bytes(json!([]))),
        ("D1/2015-06-06.json", bytes(json!([]))),
        ("mpdm-ada--ben-1/2015-06-06.json", bytes(json!([]))),
        ("lost/2015-06-06.json", bytes(json!([]))),
        ("../talks/2015-06-05.json", bytes(json!([]))),
        ("/talks/2015-06-04.json", bytes(json!([]))),
    ]);
    let export = Export::open(file.path()).unwrap();

    let [ada, ben, bot] = export.users() else {
        panic!("three users")
    };
    assert_eq!(
        (ada.username.as_str(), ada.display_name.as_str()),
        ("ada", "Ada & Alder")
    );
    assert_eq!(ada.avatar.as_deref(), Some("https://a.example/512.png"));
    assert_eq!(
        (ben.display_name.as_str(), ben.deleted, ben.bot),
        ("Ben", true, false)
    );
    assert_eq!(
        (bot.username.as_str(), bot.display_name.as_str(), bot.bot),
        ("U3BOTBOT", "U3BOTBOT", true)
    );

    let [talks, old, staff] = export.channels() else {
        panic!("three channels")
    };
    assert_eq!(
        (talks.topic.as_str(), talks.private, talks.archived),
        ("videos &amp; podcasts", false, false)
    );
    assert_eq!(
        talks.created_at.unwrap().to_rfc3339(),
        "2015-06-06T02:38:39+00:00"
    );
    assert_eq!(talks.pins, ["1433558319.000002"]);
    assert_eq!(
        (talks.creator.as_deref(), talks.member_ids.len()),
        (Some("U1ADAADA"), 1)
    );
    assert!(old.archived && old.created_at > talks.created_at);
    assert!(staff.private);

    let names = |channel| {
        export
            .days(channel)
            .iter()
            .map(|day| day.name.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(talks), ["talks/2015-06-06.json", "talks/2015-06-07.json"]);
    assert_eq!(names(old), ["C2/2015-06-06.json"]);
    let left_out = LeftOut {
        direct: 1,
        group_direct: 1,
        folders: vec!["lost".into()],
    };
    assert_eq!(export.left_out(), &left_out);
}

#[test]
fn an_export_packed_again_in_a_folder_is_read() {
    let file = zipped(&[
        ("My export/users.json", bytes(users())),
        ("My export/channels.json", bytes(channels())),
        ("My export/talks/2015-06-06.json", bytes(json!([]))),
        ("__MACOSX/My export/._users.json", vec![0]),
    ]);
    let export = Export::open(file.path()).unwrap();
    assert_eq!(
        export.days(&export.channels()[0])[0].name,
        "My export/talks/2015-06-06.json"
    );
    assert_eq!(export.left_out(), &LeftOut::default());
}

#[test]
fn a_broken_archive_is_refused_when_it_is_opened() {
    let open = |file: &NamedTempFile| Export::open(file.path()).err().expect("it is broken");
    assert!(matches!(
        Export::open("/nowhere/at/all.zip".as_ref()),
        Err(ExportError::Open(_))
    ));

    let mut text = NamedTempFile::new().unwrap();
    text.write_all(b"no zip").unwrap();
    assert!(matches!(open(&text), ExportError::NotAZip(_)));

    let whole = [
        ("users.json", bytes(users())),
        ("channels.json", bytes(channels())),
        (
            "talks/2015-06-06.json",
            bytes(json!([{ "type": "message", "ts": "1433558319.000002", "text": "hello" }])),
        ),
    ];
    let cut = zipped(&whole);
    cut.as_file()
        .set_len(cut.as_file().metadata().unwrap().len() - 30)
        .unwrap();
    assert!(matches!(open(&cut), ExportError::NotAZip(_)));

    assert!(matches!(open(&zipped(&whole[1..])), ExportError::Missing { name } if name == "users.json"));
    assert!(matches!(open(&zipped(&whole[..1])), ExportError::Missing { name } if name == "channels.json"));
    let odd = [("users.json", b"{}".to_vec()), ("channels.json", b"[]".to_vec())];
    assert!(matches!(open(&zipped(&odd)), ExportError::Malformed { name, .. } if name == "users.json"));
}

#[test]
fn one_flipped_bit_in_any_file_is_found() {
    let day = b"[{\"a message that is kept as it is\":1}]";
    let mut zip = ZipWriter::new(NamedTempFile::new().unwrap());
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [
        ("users.json", b"[]".as_slice()),
        ("channels.json", b"[]"),
        ("talks/2015-06-06.json", day),
    ] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    let file = zip.finish().unwrap();
    assert!(Export::open(file.path()).is_ok());
    let packed = std::fs::read(file.path()).unwrap();
    let find = |needle: &[u8]| {
        packed
            .windows(needle.len())
            .position(|window| window == needle)
            .unwrap()
    };
    let name = b"talks/2015-06-06.json";
    let index = packed
        .windows(name.len())
        .rposition(|window| window == name)
        .unwrap();
    for at in [find(day) + 5, find(name) + 7, index + 7] {
        let mut damaged = packed.clone();
        damaged[at] ^= 1;
        std::fs::write(file.path(), damaged).unwrap();
        let error = Export::open(file.path()).err().expect("a bit differs");
        assert!(
            matches!(error, ExportError::Damaged { name, .. } if name.starts_with("talks/")),
            "{at}"
        );
    }
}

#[test]
fn a_bomb_is_refused() {
    let files = [
        ("users.json", b"[]".to_vec()),
        ("channels.json", b"[]".to_vec()),
        ("talks/2015-06-06.json", vec![b' '; 1_000_000]),
        ("talks/2015-06-07.json", vec![b' '; 1_000_000]),
    ];
    let file = zipped(&files);
    let open = |limits| Export::open_within(file.path(), limits).err();
    let roomy = Limits {
        entries: 4,
        entry_bytes: 1_000_000,
        total_bytes: 2_000_004,
    };
    assert!(open(roomy).is_none());
    let error = open(Limits { entries: 3, ..roomy }).unwrap();
    assert!(matches!(error, ExportError::TooManyEntries { found: 4, max: 3 }));
    let error = open(Limits {
        entry_bytes: 999_999,
        ..roomy
    })
    .unwrap();
    assert!(matches!(error, ExportError::TooLarge { name, .. } if name == "talks/2015-06-06.json"));
    let error = open(Limits {
        total_bytes: 2_000_003,
        ..roomy
    })
    .unwrap();
    assert!(matches!(error, ExportError::TooLarge { name, .. } if name == "talks/2015-06-07.json"));
}
