//! What a batch of sends asks and adds, in as few statements as each database needs.
//!
//! PostgreSQL gets columns as arrays: one text however many rows, so it is prepared once. Its arrays
//! hold no NULL here; an empty text and the nil UUID stand for it, which no message has.

use super::{NonceKey, existing, insert_messages, insert_nonces, nonces};
use commons_entities::{
    ChannelId, MessageId, UserId,
    message::{message, message_nonce},
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What the database knows of a batch of sends.
#[derive(Debug, Default)]
pub struct Known {
    /// The nonces that were used before.
    pub nonces: HashMap<NonceKey, message_nonce::Model>,
    /// The messages to reply to that are there and not deleted, with their channels.
    pub targets: HashMap<MessageId, ChannelId>,
}

/// Looks up nonces and messages to reply to: one statement on PostgreSQL, two on SQLite; none when
/// nothing is asked for.
pub async fn known(
    db: &impl ConnectionTrait,
    keys: &[NonceKey],
    targets: &HashSet<MessageId>,
) -> Result<Known, DbErr> {
    if keys.is_empty() && targets.is_empty() {
        return Ok(Known::default());
    }
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(Known {
            nonces: nonces(db, keys).await?,
            targets: existing(db, targets).await?,
        });
    }
    let mut known = Known::default();
    let columns: [Value; 4] = [
        column(keys, |key| key.0.0),
        column(keys, |key| key.1.0),
        column(keys, |key| key.2.clone()),
        targets.iter().map(|id| id.0).collect::<Vec<Uuid>>().into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, KNOWN, columns);
    for row in db.query_all_raw(statement).await? {
        match row.try_get_by_index::<Option<UserId>>(0)? {
            Some(author) => {
                let row = nonce(&row, author)?;
                let key = (row.author_id, row.channel_id, row.nonce.clone());
                known.nonces.insert(key, row);
            }
            None => {
                let channel = row.try_get_by_index(1)?;
                known.targets.insert(row.try_get_by_index(4)?, channel);
            }
        }
    }
    Ok(known)
}

/// Nonces, then messages, whose row has no author. The cross product of three lists would be asked
/// one by one.
const KNOWN: &str = "
SELECT used.author_id, used.channel_id, used.nonce, used.body_hash, used.message_id, used.created_at
FROM UNNEST($1::uuid[], $2::uuid[], $3::text[]) AS asked (author_id, channel_id, nonce)
JOIN message_nonce AS used ON used.author_id = asked.author_id
    AND used.channel_id = asked.channel_id AND used.nonce = asked.nonce
UNION ALL
SELECT NULL, channel_id, NULL, NULL, id, NULL
FROM message WHERE id = ANY($4::uuid[]) AND deleted_at IS NULL";

fn nonce(row: &QueryResult, author_id: UserId) -> Result<message_nonce::Model, DbErr> {
    Ok(message_nonce::Model {
        author_id,
        channel_id: row.try_get_by_index(1)?,
        nonce: row.try_get_by_index(2)?,
        body_hash: row.try_get_by_index(3)?,
        message_id: row.try_get_by_index(4)?,
        created_at: row.try_get_by_index(5)?,
    })
}

/// Adds what was sent and its nonces: one statement on PostgreSQL. Each was proved by a seat before:
/// see `service::send`. What a send does not have yet, an edit or a pin, is not written.
pub async fn insert_sent(
    db: &impl ConnectionTrait,
    rows: &[message::Model],
    nonces: Vec<message_nonce::Model>,
) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        insert_messages(db, rows).await?;
        return insert_nonces(db, nonces).await;
    }
    let columns: [Value; 14] = [
        column(rows, |row| row.id.0),
        column(rows, |row| row.channel_id.0),
        column(rows, |row| row.author_id.0),
        column(rows, |row| row.seq),
        column(rows, |row| row.ordinal),
        column(rows, |row| row.content.clone().unwrap_or_default()),
        column(rows, |row| row.nonce.clone().unwrap_or_default()),
        column(rows, |row| row.reply_to_id.unwrap_or(MessageId(Uuid::nil())).0),
        column(rows, |row| row.created_at),
        column(&nonces, |row| row.author_id.0),
        column(&nonces, |row| row.channel_id.0),
        column(&nonces, |row| row.nonce.clone()),
        column(&nonces, |row| row.body_hash.clone()),
        column(&nonces, |row| row.message_id.0),
    ];
    let created = column(&nonces, |row| row.created_at);
    let values = columns.into_iter().chain([created]);
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, INSERT, values);
    db.execute_raw(statement).await.map(|_| ())
}

const INSERT: &str = "
WITH sent AS (
    INSERT INTO message (id, channel_id, author_id, kind, seq, ordinal, content, nonce, reply_to_id,
        created_at, rev)
    SELECT id, channel_id, author_id, 'DEFAULT', seq, ordinal, content, NULLIF(nonce, ''),
        NULLIF(reply_to_id, '00000000-0000-0000-0000-000000000000'), created_at, 1
    FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::text[],
            $7::text[], $8::uuid[], $9::timestamptz[])
        AS row (id, channel_id, author_id, seq, ordinal, content, nonce, reply_to_id, created_at)
)
INSERT INTO message_nonce (author_id, channel_id, nonce, body_hash, message_id, created_at)
SELECT * FROM UNNEST($10::uuid[], $11::uuid[], $12::text[], $13::bytea[], $14::uuid[],
    $15::timestamptz[])";

fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Value
where
    Vec<T>: Into<Value>,
{
    rows.iter().map(value).collect::<Vec<T>>().into()
}
