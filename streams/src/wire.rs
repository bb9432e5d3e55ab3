//! Announcements as bytes: a version, who announces, then the events of one stream in MessagePack.
//!
//! What cannot be read is not an error but a wake-up: the database has the truth. So a later version
//! may change everything after the first byte while both versions run.

use crate::Event;
use bytes::Bytes;
use chrono::DateTime;
use serde_json::Value;
use std::{borrow::Cow, sync::Arc};
use uuid::Uuid;

const VERSION: u8 = 1;
const HEADER: usize = 17;

/// seq, kind, ref, revision, data, actor, milliseconds since 1970.
type Written<'e> = (i64, &'e str, Uuid, i64, Option<&'e Value>, Option<Uuid>, i64);
type Read = (i64, String, Uuid, i64, Option<Value>, Option<Uuid>, i64);

/// What an announcement says.
#[derive(Debug, PartialEq)]
pub(crate) enum Announced {
    /// These events exist.
    Events(Vec<Arc<Event>>),
    /// It is this process's own; its follower heard it before the bus did.
    Own,
    /// Something happened.
    Unclear,
}

/// The subject of a stream's announcements.
pub(crate) fn subject(stream: Uuid) -> String {
    format!("stream.{stream}")
}

/// Events of one stream as bytes.
pub(crate) fn encode(origin: Uuid, events: &[Arc<Event>]) -> Bytes {
    let written: Vec<Written<'_>> = events
        .iter()
        .map(|event| {
            let at = event.at.timestamp_millis();
            (
                event.seq,
                &*event.kind,
                event.subject,
                event.rev,
                event.data.as_ref(),
                event.actor,
                at,
            )
        })
        .collect();
    let mut bytes = Vec::with_capacity(HEADER + 96 * events.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(origin.as_bytes());
    rmp_serde::encode::write(&mut bytes, &written).expect("numbers, texts and JSON fit MessagePack");
    bytes.into()
}

/// The announcement behind bytes that came on a stream's subject.
pub(crate) fn decode(origin: Uuid, stream: Uuid, bytes: &[u8]) -> Announced {
    let Some((header, body)) = bytes.split_at_checked(HEADER) else {
        return Announced::Unclear;
    };
    if header[0] != VERSION {
        return Announced::Unclear;
    }
    if header[1..] == *origin.as_bytes() {
        return Announced::Own;
    }
    let Ok(read) = rmp_serde::from_slice::<Vec<Read>>(body) else {
        return Announced::Unclear;
    };
    let events = read
        .into_iter()
        .map(|(seq, kind, subject, rev, data, actor, at)| {
            let at = DateTime::from_timestamp_millis(at)?;
            let kind = Cow::Owned(kind);
            Some(Arc::new(Event {
                stream,
                seq,
                kind,
                subject,
                rev,
                data,
                actor,
                at,
            }))
        });
    events
        .collect::<Option<Vec<_>>>()
        .map_or(Announced::Unclear, Announced::Events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_arrives_as_it_was_sent() {
        let stream = Uuid::from_u128(7);
        let event = Event {
            stream,
            seq: 42,
            kind: "reaction_added".into(),
            subject: Uuid::from_u128(8),
            rev: 3,
            data: Some(serde_json::json!({ "emoji": "👍", "count": 2, "of": [1.5, null, true] })),
            actor: Some(Uuid::from_u128(9)),
            at: DateTime::from_timestamp_millis(1_700_000_000_123).unwrap(),
        };
        let bare = Event {
            seq: 43,
            data: None,
            actor: None,
            ..event.clone()
        };
        let events = vec![Arc::new(event), Arc::new(bare)];
        let (here, there) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let bytes = encode(here, &events);
        assert_eq!(decode(there, stream, &bytes), Announced::Events(events));
        assert_eq!(decode(here, stream, &bytes), Announced::Own);
        assert!(bytes.len() < 250, "{}", bytes.len());
    }

    #[test]
    fn anything_else_is_a_wake_up() {
        let (here, stream) = (Uuid::from_u128(1), Uuid::from_u128(7));
        let whole = encode(Uuid::from_u128(2), &[]);
        for bytes in [
            &b""[..],
            b"{}",
            &[9; 40],
            &[VERSION; 16],
            &[VERSION; 40],
            &whole[..HEADER],
        ] {
            assert_eq!(decode(here, stream, bytes), Announced::Unclear, "{bytes:?}");
        }
    }
}
