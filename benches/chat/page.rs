//! The newest 50 messages with their authors: through the gateway, authorized, and the same two
//! statements on SQLite alone.
//!
//! The second is the limit: no HTTP, no permission, no GraphQL. `instance { name }` beside them is the
//! floor of any request through the gateway.

use crate::{
    client::{Client, body},
    load::{Done, closed_loop},
    process::{self, Server},
    sql::statement,
    table,
    world::{BODY, World, folder, send},
};
use anyhow::{Context, ensure};
use bytes::Bytes;
use commons_platform::{config::Config, db::Db, task};
use sea_orm::{ConnectionTrait, QueryResult};
use serde_json::json;
use std::{collections::HashSet, time::Duration};
use uuid::Uuid;

const CONNECTIONS: [usize; 3] = [1, 8, 32];
const AUTHORS: usize = 20;
const EACH_SENDS: usize = 20;
const WARM_UP: Duration = Duration::from_millis(500);
const ROUND: Duration = Duration::from_secs(3);

pub(crate) const PAGE: &str = "query($channel: ID!) { channel(id: $channel) { messages(last: 50) {
  nodes { id content createdAt author { id username displayName } }
} } }";
pub(crate) const FLOOR: &str = "{ instance { name } }";

/// One kind of request under one load.
struct Measured {
    done: Done,
    /// CPU time of the process that answers.
    cpu: Duration,
}

impl Measured {
    fn cpu_each(&self) -> Duration {
        self.cpu / u32::try_from(self.done.times.len()).unwrap_or(u32::MAX).max(1)
    }
}

/// Measures and prints.
pub(crate) async fn run() -> anyhow::Result<()> {
    let data = folder()?;
    let server = Server::start(data.path()).await?;
    let world = World::found(&server.base, AUTHORS).await?;
    let channel = world.channel("history").await?;
    seed(&world, &channel).await?;
    let reader = &world.people[0];
    let page = body(PAGE, json!({ "channel": channel }));
    check(reader, &channel).await?;
    let (mut pages, mut floors) = (Vec::new(), Vec::new());
    for connections in CONNECTIONS {
        let clients = (0..connections)
            .map(|_| Client::new(&server.base, reader.authorization.clone()))
            .collect::<anyhow::Result<Vec<_>>>()?;
        floors.push(ask(&server, &clients, body(FLOOR, json!({}))).await?);
        pages.push(ask(&server, &clients, page.clone()).await?);
    }
    server.stop().await?;

    let config = Config::from_toml(&format!("data_dir = {:?}", data.path()))?;
    let db = Db::connect(&config.database).await?;
    let newest = newest_channel(&db).await?;
    let mut alone = Vec::new();
    for connections in CONNECTIONS {
        alone.push(on_sqlite(&db, newest, connections).await?);
    }
    db.close().await?;
    print(&pages, &floors, &alone);
    Ok(())
}

/// Fills the channel with several pages, everybody writing.
pub(crate) async fn seed(world: &World, channel: &str) -> anyhow::Result<()> {
    let writing: Vec<_> = world
        .people
        .iter()
        .map(|person| {
            let (person, message) = (person.clone(), send(channel, BODY));
            task::spawn(async move {
                for _ in 0..EACH_SENDS {
                    person.answer(message.clone()).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for author in writing {
        author.await.context("an author died")??;
    }
    Ok(())
}

/// What is measured is a full page with every author.
pub(crate) async fn check(reader: &Client, channel: &str) -> anyhow::Result<()> {
    let data = reader.data(PAGE, json!({ "channel": channel })).await?;
    let nodes = data
        .pointer("/channel/messages/nodes")
        .and_then(|nodes| nodes.as_array())
        .context("no page")?;
    let named = nodes.iter().filter(|node| {
        node.pointer("/author/displayName")
            .is_some_and(|name| name.is_string())
    });
    ensure!(
        nodes.len() == 50 && named.count() == 50,
        "not a full page: {data}"
    );
    Ok(())
}

async fn ask(server: &Server, clients: &[Client], request: Bytes) -> anyhow::Result<Measured> {
    let (count, clients) = (clients.len(), clients.to_vec());
    let work = move |worker: usize| {
        let (client, request) = (clients[worker].clone(), request.clone());
        async move { client.answer(request).await.map(|_| ()) }
    };
    closed_loop(count, WARM_UP, work.clone()).await?;
    let before = server.cpu()?;
    let done = closed_loop(count, ROUND, work).await?;
    Ok(Measured {
        done,
        cpu: server.cpu()? - before,
    })
}

/// The two statements of a page, every column read, on as many readers as the server has.
async fn on_sqlite(db: &Db, channel: Uuid, workers: usize) -> anyhow::Result<Measured> {
    let db = db.clone();
    let work = move |_| {
        let db = db.clone();
        async move {
            let authors = read_messages(&db, channel).await?;
            ensure!(
                read_users(&db, &authors).await? == authors.len(),
                "an author is missing"
            );
            Ok(())
        }
    };
    closed_loop(workers, WARM_UP, work.clone()).await?;
    let before = process::cpu("self")?;
    let done = closed_loop(workers, ROUND, work).await?;
    Ok(Measured {
        done,
        cpu: process::cpu("self")? - before,
    })
}

async fn read_messages(db: &Db, channel: Uuid) -> anyhow::Result<HashSet<Uuid>> {
    let sql = "SELECT id, channel_id, author_id, kind, seq, ordinal, content, nonce, reply_to_id, created_at, \
        edited_at, pinned_at, deleted_at, rev FROM message \
        WHERE channel_id = ? AND deleted_at IS NULL ORDER BY seq DESC LIMIT 51";
    let rows = db.read().query_all_raw(statement(sql, [channel.into()])).await?;
    rows.iter()
        .map(|row| {
            uuids(row, &["id", "channel_id"])?;
            texts(row, &["kind", "content", "nonce"])?;
            times(row, &["created_at", "edited_at", "pinned_at", "deleted_at"])?;
            let _numbers: [i64; 3] = [
                row.try_get("", "seq")?,
                row.try_get("", "ordinal")?,
                row.try_get("", "rev")?,
            ];
            let _reply: Option<Uuid> = row.try_get("", "reply_to_id")?;
            Ok(row.try_get("", "author_id")?)
        })
        .collect()
}

async fn read_users(db: &Db, ids: &HashSet<Uuid>) -> anyhow::Result<usize> {
    let marks = vec!["?"; ids.len()].join(", ");
    let sql = format!(
        "SELECT id, kind, username, display_name, bio, avatar_url, created_at, deleted_at, rev FROM user \
        WHERE id IN ({marks})"
    );
    let rows = db
        .read()
        .query_all_raw(statement(&sql, ids.iter().map(|id| (*id).into())))
        .await?;
    for row in &rows {
        uuids(row, &["id"])?;
        texts(row, &["kind", "username", "display_name", "bio", "avatar_url"])?;
        times(row, &["created_at", "deleted_at"])?;
        let _rev: i64 = row.try_get("", "rev")?;
    }
    Ok(rows.len())
}

fn uuids(row: &QueryResult, columns: &[&str]) -> anyhow::Result<()> {
    columns
        .iter()
        .try_for_each(|column| Ok(row.try_get::<Uuid>("", column).map(|_| ())?))
}

fn texts(row: &QueryResult, columns: &[&str]) -> anyhow::Result<()> {
    columns
        .iter()
        .try_for_each(|column| Ok(row.try_get::<Option<String>>("", column).map(|_| ())?))
}

fn times(row: &QueryResult, columns: &[&str]) -> anyhow::Result<()> {
    let time = |column: &&str| row.try_get::<Option<chrono::DateTime<chrono::Utc>>>("", column);
    columns
        .iter()
        .try_for_each(|column| Ok(time(column).map(|_| ())?))
}

/// The channel with the messages; the other is `general`.
async fn newest_channel(db: &Db) -> anyhow::Result<Uuid> {
    let sql = "SELECT channel_id FROM message GROUP BY channel_id ORDER BY count(*) DESC LIMIT 1";
    let row = db
        .read()
        .query_one_raw(statement(sql, []))
        .await?
        .context("no messages")?;
    Ok(row.try_get_by(0)?)
}

fn print(pages: &[Measured], floors: &[Measured], alone: &[Measured]) {
    let mut rows = Vec::new();
    for (i, connections) in CONNECTIONS.iter().enumerate() {
        let (page, floor, alone) = (&pages[i], &floors[i], &alone[i]);
        rows.push(vec![
            connections.to_string(),
            table::rate(page.done.rate()),
            format!(
                "{} / {}",
                table::millis(page.done.quantile(0.5)),
                table::millis(page.done.quantile(0.99))
            ),
            table::millis(page.cpu_each()),
            table::rate(alone.done.rate()),
            table::millis(alone.cpu_each()),
            format!("{:.0} %", page.done.rate() / alone.done.rate() * 100.0),
            format!(
                "{}, {}",
                table::rate(floor.done.rate()),
                table::millis(floor.cpu_each())
            ),
        ]);
    }
    let columns = [
        "connections",
        "pages",
        "p50 / p99",
        "server CPU",
        "SQLite alone",
        "its CPU",
        "ratio",
        "`instance { name }`, its CPU",
    ];
    table::print("The newest 50 messages with authors", &columns, &rows);
}
