//! A small Slack export, made here.

use serde_json::{Value, json};
use std::io::Write;
use tempfile::NamedTempFile;
use zip::{ZipWriter, write::SimpleFileOptions};

const START: u64 = 1_433_558_319;
const PEOPLE: [(&str, &str, &str); 3] = [
    ("U1ADAADA", "ada", "Ada Alder"),
    ("U2BENBEN", "ben", "Ben"),
    ("U3CLEOCL", "cleo", "Cleo"),
];

/// How much of everything. The same sizes give the same export.
pub(super) struct Export {
    pub(super) channels: usize,
    pub(super) days: usize,
    /// Messages on each day of each channel.
    pub(super) messages: usize,
    /// Whether three records at the end of each day can't be read.
    pub(super) bad: bool,
}

impl Export {
    /// How many messages can be read.
    pub(super) fn total(&self) -> usize {
        self.channels * self.days * self.messages
    }

    pub(super) fn write(&self) -> NamedTempFile {
        let mut zip = ZipWriter::new(NamedTempFile::new().unwrap());
        let mut add = |name: String, content: Value| {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content.to_string().as_bytes()).unwrap();
        };
        let user = |(id, name, real): &(&str, &str, &str)| json!({ "id": id, "name": name, "profile": { "real_name": real } });
        add("users.json".to_owned(), PEOPLE.iter().map(user).collect());
        let members: Vec<&str> = PEOPLE.iter().map(|person| person.0).collect();
        let channel = |number: usize| {
            json!({ "id": format!("C{number}"), "name": format!("talks-{number}"), "created": START, "members": members,
                    "topic": { "value": format!("about {number}") }, "pins": [{ "id": ts(0, 2), "type": "C" }] })
        };
        add(
            "channels.json".to_owned(),
            (0..self.channels).map(channel).collect(),
        );
        for channel in 0..self.channels {
            for day in 0..self.days {
                // From 6 June 2015 on, the thirtieth day of which is in July.
                let name = format!("talks-{channel}/2015-06-{:02}.json", 6 + day);
                add(name, self.day(channel, day));
            }
        }
        zip.finish().unwrap()
    }

    fn day(&self, channel: usize, day: usize) -> Value {
        let mut records: Vec<Value> = (0..self.messages)
            .map(|turn| record(channel, day, turn))
            .collect();
        if self.bad {
            records.push(json!("no record"));
            records.push(json!({ "type": "message", "user": "U1ADAADA", "text": "when?" }));
            records.push(json!({ "type": "message", "text": "who?", "ts": ts(day, 900) }));
        }
        json!(records)
    }
}

fn ts(day: usize, turn: usize) -> String {
    format!("{}.000002", START + 86_400 * day as u64 + 60 * turn as u64)
}

fn record(channel: usize, day: usize, turn: usize) -> Value {
    let mut record = json!({
        "type": "message",
        "user": PEOPLE[turn % 3 * 2 % 3].0,
        "text": format!("*{channel}*/{day}/{turn} &amp; https://example.org"),
        "ts": ts(day, turn),
    });
    if turn == 0 {
        record["subtype"] = json!("channel_join");
    } else if turn.is_multiple_of(5) {
        record["thread_ts"] = json!(ts(day, 0));
        record["reactions"] = json!([{ "name": "+1", "users": ["U2BENBEN", "U3CLEOCL"], "count": 2 }]);
    } else if turn.is_multiple_of(3) {
        record["edited"] = json!({ "user": "U1ADAADA", "ts": ts(day, turn + 1) });
    }
    record
}
