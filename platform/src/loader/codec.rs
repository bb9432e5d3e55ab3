//! What a row looks like in the shared cache: schema byte, presence byte, revision, MessagePack.
//!
//! Fields are written by name. A value that does not decode is a miss.

use super::{ANY, Cached, Row};
use bytes::{BufMut, Bytes, BytesMut};
use std::sync::Arc;

const ABSENT: u8 = 0;
const PRESENT: u8 = 1;
const HEADER: usize = 10;

/// Encodes a row; none when it cannot be, and then it is not cached.
pub(super) fn encode<E: Cached>(row: &Row<E>) -> Option<Bytes> {
    let mut value = BytesMut::with_capacity(256);
    value.put_u8(E::SCHEMA);
    value.put_u8(if row.is_some() { PRESENT } else { ABSENT });
    value.put_i64(row.as_ref().map_or(ANY, |row| row.rev()));
    if let Some(row) = row {
        let mut writer = value.writer();
        if let Err(error) = rmp_serde::encode::write_named(&mut writer, row.as_ref()) {
            tracing::error!(%error, kind = E::KIND, "a row cannot be encoded for the cache");
            return None;
        }
        value = writer.into_inner();
    }
    Some(value.freeze())
}

/// Decodes a value that is new enough; anything else is none.
pub(super) fn decode<E: Cached>(value: &[u8], least: i64) -> Option<Row<E>> {
    let (header, body) = value.split_at_checked(HEADER)?;
    let rev = i64::from_be_bytes(header[2..].try_into().ok()?);
    if header[0] != E::SCHEMA || rev < least {
        return None;
    }
    match header[1] {
        ABSENT => Some(None),
        PRESENT => rmp_serde::from_slice(body).ok().map(|row| Some(Arc::new(row))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loader::suffices;
    use sea_orm::{DatabaseConnection, DbErr};
    use serde::{Deserialize, Serialize};
    use std::time::Duration;

    macro_rules! page {
        ($name:ident, $schema:literal, $($field:ident: $type:ty),*) => {
            #[derive(Debug, PartialEq, Serialize, Deserialize)]
            struct $name { rev: i64, $($field: $type),* }
            impl Cached for $name {
                type Key = u32;
                const SERVICE: &'static str = "test";
                const KIND: &'static str = "page";
                const SCHEMA: u8 = $schema;
                const TTL: Duration = Duration::from_secs(60);
                fn key(&self) -> u32 { 1 }
                fn rev(&self) -> i64 { self.rev }
                async fn fetch(_: &DatabaseConnection, _: &[u32]) -> Result<Vec<Self>, DbErr> { Ok(vec![]) }
            }
        };
    }
    page!(Page, 1, title: String, note: Option<String>);
    page!(Renamed, 1, headline: String);
    page!(Raised, 2, title: String, note: Option<String>);

    fn row(rev: i64) -> Row<Page> {
        Some(Arc::new(Page {
            rev,
            title: "é".into(),
            note: None,
        }))
    }

    #[test]
    fn what_is_encoded_decodes() {
        for row in [row(7), row(0), None] {
            let value = encode(&row).unwrap();
            assert_eq!(decode::<Page>(&value, ANY), Some(row));
        }
    }

    #[test]
    fn too_old_other_schema_other_fields_and_garbage_are_misses() {
        let value = encode(&row(7)).unwrap();
        for least in [6, 7, 8] {
            assert_eq!(decode::<Page>(&value, least).is_some(), suffices(&row(7), least));
        }
        let absent = encode::<Page>(&None).unwrap();
        assert_eq!(
            decode::<Page>(&absent, 1),
            None,
            "an event told that the row is there"
        );
        assert_eq!(decode::<Raised>(&value, ANY), None);
        assert_eq!(decode::<Renamed>(&value, ANY), None);
        for length in 0..value.len() {
            assert_eq!(decode::<Page>(&value[..length], ANY), None, "cut to {length}");
        }
        assert_eq!(decode::<Page>(&[1, 9, 0, 0, 0, 0, 0, 0, 0, 0], ANY), None);
    }
}
