//! A numbered stream's answers: what the edge asked for is read and taken out, everything else stays as
//! the router wrote it. And the one answer that the edge writes itself.

use super::plan::{KIND, SEQ};
use super::schema::{HEAD, RESET, VIEWER};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt, marker::PhantomData, sync::Arc};

/// One event of a numbered stream.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Its number; of a head or a reset, that of the newest event.
    pub(crate) seq: i64,
    /// The name of its type.
    pub(crate) kind: String,
    /// What clients get: GraphQL JSON.
    pub(crate) json: Bytes,
    /// Something of it could not be told: it has errors beside its data.
    pub(crate) partial: bool,
}

impl Seen {
    /// Whether it says where the stream stands.
    pub(crate) fn is_head(&self) -> bool {
        self.kind.ends_with(HEAD)
    }

    /// Whether it says that the stream starts anew.
    pub(crate) fn is_reset(&self) -> bool {
        self.kind.ends_with(RESET)
    }

    /// Whether it is for one viewer alone: it has the number of the last event and none of its own.
    pub(crate) fn is_aside(&self) -> bool {
        self.kind.starts_with(VIEWER)
    }

    /// Whether it takes back or replaces what an earlier event showed.
    pub(crate) fn rewrites(&self) -> bool {
        self.kind.ends_with("Deleted") || self.kind.ends_with("Updated")
    }

    #[cfg(test)]
    pub(crate) fn event(seq: i64, json: Bytes) -> Self {
        let kind = "Happened".to_owned();
        Self {
            seq,
            kind,
            json,
            partial: false,
        }
    }
}

/// What a client can select of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadField {
    Typename,
    Seq,
    At,
}

/// Reads an answer; none when it has no data, no root, or a root without a number.
pub(super) fn read(root: &str, answer: &[u8]) -> Option<Seen> {
    let Answer {
        data,
        errors,
        extensions,
    } = serde_json::from_slice(answer).ok()?;
    let Entries(roots) = data?;
    let [(key, Some(Entries(fields)))] = &roots[..] else {
        return None;
    };
    if key != root {
        return None;
    }
    let partial = errors.is_some();
    let (mut seq, mut kind) = (None, None);
    let mut json = Vec::with_capacity(answer.len());
    open(&mut json, root);
    let mut first = true;
    for (key, value) in fields {
        match key.as_ref() {
            SEQ => seq = serde_json::from_str(value.get()).ok(),
            KIND => kind = serde_json::from_str(value.get()).ok(),
            key => {
                name(&mut json, &mut first, key);
                json.extend_from_slice(value.get().as_bytes());
            }
        }
    }
    json.extend_from_slice(b"}}");
    for (key, value) in [("errors", errors), ("extensions", extensions)] {
        if let Some(value) = value {
            name(&mut json, &mut false, key);
            json.extend_from_slice(value.get().as_bytes());
        }
    }
    json.push(b'}');
    Some(Seen {
        seq: seq?,
        kind: kind?,
        json: json.into(),
        partial,
    })
}

/// The answer that tells a client where its stream stands.
pub(super) fn head(
    root: &str,
    of: &str,
    fields: &[(Arc<str>, HeadField)],
    seq: i64,
    at: DateTime<Utc>,
) -> Bytes {
    let mut json = Vec::with_capacity(128);
    open(&mut json, root);
    let mut first = true;
    for (key, what) in fields {
        name(&mut json, &mut first, key);
        match what {
            HeadField::Typename => write(&mut json, of),
            HeadField::Seq => json.extend_from_slice(seq.to_string().as_bytes()),
            HeadField::At => write(&mut json, &at.to_rfc3339()),
        }
    }
    json.extend_from_slice(b"}}}");
    json.into()
}

fn open(json: &mut Vec<u8>, root: &str) {
    json.extend_from_slice(b"{\"data\":");
    json.push(b'{');
    name(json, &mut true, root);
    json.push(b'{');
}

fn name(json: &mut Vec<u8>, first: &mut bool, name: &str) {
    if !std::mem::take(first) {
        json.push(b',');
    }
    write(json, name);
    json.push(b':');
}

fn write(json: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(json, text).expect("a text is JSON");
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<Entries<'a, Option<Entries<'a, &'a RawValue>>>>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
    #[serde(borrow)]
    extensions: Option<&'a RawValue>,
}

/// An object's entries as they stand.
struct Entries<'a, V>(Vec<(Cow<'a, str>, V)>);

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a, V: Deserialize<'de>> Deserialize<'de> for Entries<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<'a, V>(PhantomData<Entries<'a, V>>);

        impl<'de: 'a, 'a, V: Deserialize<'de>> Visitor<'de> for Reader<'a, V> {
            type Value = Entries<'a, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries: Vec<(Cow<'a, str>, V)> = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    if entries.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom("a name stands twice"));
                    }
                    entries.push((name, value));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Reader(PhantomData))
    }
}

#[cfg(test)]
mod tests;
