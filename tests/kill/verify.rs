//! At the end: every record of every client against the database.

use crate::{
    ledger::{Fate, Known, Ledger, Nonce, Sent},
    postgres::Postgres,
    subscriber::{Kind, Seen},
    world::{Channel, World},
};
use anyhow::{Context, ensure};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement, Value};
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};
use tokio::time::interval;
use uuid::Uuid;

/// How long nothing may change before everything has come to rest.
const REST: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);
/// How much of a stream is told of around a violation.
const NEARBY: usize = 3;

/// The database, read directly.
pub(crate) struct Verifier<'a> {
    db: DatabaseConnection,
    world: &'a World,
    ledger: &'a Ledger,
    sent: HashMap<Uuid, Sent>,
    given_up: HashSet<Nonce>,
    fates: HashMap<Uuid, Fate>,
    /// Which message a nonce became, over all channels.
    nonces: HashMap<Nonce, Uuid>,
}

/// A row of `message`.
pub(crate) struct Message {
    pub(crate) id: Uuid,
    seq: i64,
    ordinal: i64,
    pub(crate) nonce: Option<Nonce>,
    pub(crate) content: Option<String>,
    pub(crate) is_deleted: bool,
    reactions: i64,
}

/// One channel as the database has it.
pub(crate) struct Truth {
    pub(crate) events: Vec<Seen>,
    /// In the order of their numbers.
    pub(crate) messages: Vec<Message>,
}

impl<'a> Verifier<'a> {
    pub(crate) async fn new(
        postgres: &Postgres,
        world: &'a World,
        ledger: &'a Ledger,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            db: postgres.connect().await?,
            world,
            ledger,
            sent: HashMap::new(),
            given_up: HashSet::new(),
            fates: HashMap::new(),
            nonces: HashMap::new(),
        })
    }

    /// The heads of all channels once they have stopped moving: an attempt that nobody waits for any
    /// more may still be under way.
    pub(crate) async fn heads_at_rest(&self) -> anyhow::Result<Vec<i64>> {
        let deadline = Instant::now() + PATIENCE;
        let mut tick = interval(REST);
        let mut before = Vec::new();
        loop {
            tick.tick().await;
            let mut heads = Vec::new();
            for channel in &self.world.channels {
                heads.push(self.head(channel).await?);
            }
            if heads == before {
                return Ok(heads);
            }
            ensure!(
                Instant::now() < deadline,
                "the streams do not come to rest: {heads:?}"
            );
            before = heads;
        }
    }

    async fn head(&self, channel: &Channel) -> anyhow::Result<i64> {
        let rows = self
            .rows("SELECT head_seq FROM stream WHERE id = $1", channel.uuid)
            .await?;
        let row = rows.first().context("a channel without a stream")?;
        Ok(row.try_get_by_index(0)?)
    }

    async fn rows(&self, sql: &str, value: impl Into<Value>) -> anyhow::Result<Vec<QueryResult>> {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [value.into()]);
        Ok(self.db.query_all_raw(statement).await?)
    }

    /// Takes over what clients have written down; they must have ended.
    pub(crate) fn take_records(&mut self) {
        for sent in self.ledger.all_sent() {
            if let Some(other) = self.sent.insert(sent.message, sent) {
                self.ledger.violated(format!(
                    "{} and {} became one message: {sent:?}",
                    other.nonce, sent.nonce
                ));
            }
        }
        self.given_up = self.ledger.all_given_up().into_iter().collect();
        let fates = self.ledger.fates();
        self.fates = fates.into_iter().map(|fate| (fate.message, fate)).collect();
    }

    /// Reads a channel and compares all that was said of it with all that is there.
    pub(crate) async fn channel(&mut self, number: usize) -> anyhow::Result<Truth> {
        let channel = &self.world.channels[number];
        let head = self.head(channel).await?;
        let events = self.events(channel, head).await?;
        let messages = self.messages(channel).await?;
        let created: HashMap<Uuid, usize> = events
            .iter()
            .enumerate()
            .filter(|(_, event)| event.kind == Kind::Created)
            .map(|(at, event)| (event.message, at))
            .collect();
        let count = events.iter().filter(|event| event.kind == Kind::Created).count();
        if count != messages.len() || count != created.len() {
            self.wrong(
                channel,
                format!(
                    "{} messages, {count} events of {} messages",
                    messages.len(),
                    created.len()
                ),
            );
        }
        for (at, message) in messages.iter().enumerate() {
            let event = created.get(&message.id).map(|at| *at as i64 + 1);
            if event != Some(message.seq) {
                self.wrong(
                    channel,
                    format!(
                        "message {} has seq {}, its event {event:?}",
                        message.id, message.seq
                    ),
                );
            }
            let before = at.checked_sub(1).map_or(0, |before| messages[before].ordinal);
            if message.ordinal != before + 1 {
                self.wrong(
                    channel,
                    format!(
                        "message {} has ordinal {} after {before}",
                        message.id, message.ordinal
                    ),
                );
            }
            self.message(number, message);
        }
        let found: HashSet<Uuid> = messages.iter().map(|message| message.id).collect();
        for sent in self.sent.values().filter(|sent| sent.channel == number) {
            if !found.contains(&sent.message) {
                self.ledger
                    .counts
                    .missing
                    .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let nearby = near(&events, sent.seq);
                self.wrong(
                    channel,
                    format!("acknowledged and not there: {sent:?}; there is {nearby}"),
                );
            }
        }
        Ok(Truth { events, messages })
    }

    /// The events of a stream, which are dense.
    async fn events(&self, channel: &Channel, head: i64) -> anyhow::Result<Vec<Seen>> {
        let sql = "SELECT seq, kind, ref FROM stream_event WHERE stream_id = $1 ORDER BY seq";
        let mut events = Vec::new();
        for row in self.rows(sql, channel.uuid).await? {
            let (seq, kind): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let kind = Kind::parse(&kind).with_context(|| format!("an event {kind}"))?;
            events.push(Seen {
                kind,
                message: row.try_get_by_index(2)?,
            });
            if seq != events.len() as i64 {
                self.wrong(channel, format!("event {seq} is the {}th", events.len()));
            }
        }
        if head != events.len() as i64 {
            self.wrong(
                channel,
                format!("the head is {head}, there are {} events", events.len()),
            );
        }
        Ok(events)
    }

    async fn messages(&self, channel: &Channel) -> anyhow::Result<Vec<Message>> {
        let sql = "SELECT id, seq, ordinal, nonce, content, deleted_at IS NOT NULL,
                (SELECT COUNT(*) FROM reaction WHERE message_id = message.id)
            FROM message WHERE channel_id = $1 ORDER BY seq";
        let mut messages = Vec::new();
        for row in self.rows(sql, channel.uuid).await? {
            let nonce: Option<String> = row.try_get_by_index(3)?;
            messages.push(Message {
                id: row.try_get_by_index(0)?,
                seq: row.try_get_by_index(1)?,
                ordinal: row.try_get_by_index(2)?,
                nonce: nonce.as_deref().and_then(Nonce::parse),
                content: row.try_get_by_index(4)?,
                is_deleted: row.try_get_by_index(5)?,
                reactions: row.try_get_by_index(6)?,
            });
        }
        Ok(messages)
    }

    /// One message against what its sender knows of it.
    fn message(&mut self, number: usize, message: &Message) {
        let channel = &self.world.channels[number];
        let id = message.id;
        let Some(nonce) = message.nonce else {
            return self.wrong(channel, format!("message {id} has no nonce of ours"));
        };
        if let Some(other) = self.nonces.insert(nonce, id) {
            self.ledger
                .counts
                .double
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.wrong(channel, format!("{nonce} is there twice: {other} and {id}"));
        }
        match self.sent.get(&id) {
            Some(sent) if (sent.nonce, sent.channel, sent.seq) != (nonce, number, message.seq) => {
                self.wrong(
                    channel,
                    format!(
                        "{sent:?} was acknowledged, {nonce} with seq {} is there",
                        message.seq
                    ),
                );
            }
            None if !self.given_up.contains(&nonce) => {
                self.wrong(
                    channel,
                    format!("{nonce} is there as {id}, and its sender knows nothing of it"),
                );
            }
            _ => {}
        }
        if message.is_deleted != message.content.is_none() {
            self.wrong(
                channel,
                format!(
                    "{id} deleted: {}, body: {:?}",
                    message.is_deleted, message.content
                ),
            );
        }
        if message.is_deleted && message.reactions > 0 {
            self.wrong(
                channel,
                format!("{id} is deleted and has {} reactions", message.reactions),
            );
        }
        let untouched = Known::Surely(Some(nonce.text()));
        let (content, reaction) = match self.fates.get(&id) {
            Some(fate) => (&fate.content, &fate.reaction),
            None => (&untouched, &Known::Surely(false)),
        };
        if let Known::Surely(content) = content
            && *content != message.content
        {
            self.wrong(
                channel,
                format!("{id} should say {content:?} and says {:?}", message.content),
            );
        }
        if let Known::Surely(is_there) = reaction
            && i64::from(*is_there) != message.reactions
        {
            self.wrong(
                channel,
                format!(
                    "{id} should have {is_there} and has {} reactions",
                    message.reactions
                ),
            );
        }
    }

    /// What somebody was told of a channel from its start, against what is there.
    pub(crate) fn told(&self, who: &str, number: usize, told: &[Seen], truth: &Truth) {
        let channel = &self.world.channels[number];
        let differs = told
            .iter()
            .zip(&truth.events)
            .position(|(told, there)| told != there);
        if let Some(at) = differs {
            self.ledger
                .counts
                .disordered
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let seq = at as i64 + 1;
            self.wrong(
                channel,
                format!(
                    "{who} was told {} and there is {}",
                    near(told, seq),
                    near(&truth.events, seq)
                ),
            );
        } else if told.len() != truth.events.len() {
            let missing = truth.events.len().abs_diff(told.len()) as u64;
            self.ledger
                .counts
                .missing
                .fetch_add(missing, std::sync::atomic::Ordering::Relaxed);
            self.wrong(
                channel,
                format!("{who} was told {} of {} events", told.len(), truth.events.len()),
            );
        }
    }

    /// A body is nowhere but in its message.
    pub(crate) async fn no_other_bodies(&self) -> anyhow::Result<()> {
        let sql = "SELECT table_name::text, column_name::text FROM information_schema.columns
            WHERE table_schema = 'public' AND data_type = ANY($1)";
        let types: Vec<String> = ["text", "character varying", "json", "jsonb"]
            .map(str::to_owned)
            .into();
        for row in self.rows(sql, types).await? {
            let (table, column): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            if (table.as_str(), column.as_str()) == ("message", "content") {
                continue;
            }
            let sql = format!("SELECT COUNT(*) FROM \"{table}\" WHERE \"{column}\"::text LIKE $1");
            let rows = self.rows(&sql, "%the text of %").await?;
            let bodies: i64 = rows.first().context("a count")?.try_get_by_index(0)?;
            if bodies > 0 {
                self.ledger
                    .violated(format!("{bodies} bodies in {table}.{column}"));
            }
        }
        Ok(())
    }

    fn wrong(&self, channel: &Channel, what: String) {
        self.ledger
            .violated(format!("stream {} ({}): {what}", channel.uuid, channel.id));
    }
}

/// The events around a number.
fn near(events: &[Seen], seq: i64) -> String {
    let at = usize::try_from(seq - 1).unwrap_or_default();
    let from = at.saturating_sub(NEARBY);
    let until = (at + NEARBY + 1).min(events.len());
    let events = events.get(from..until).unwrap_or_default().iter().enumerate();
    let events =
        events.map(|(place, event)| format!("{} {:?} {}", from + place + 1, event.kind, event.message));
    format!("[{}]", events.collect::<Vec<_>>().join(", "))
}
