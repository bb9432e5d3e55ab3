//! `pgbench`, PostgreSQL's own load generator: what the database does when nothing is around it.

use anyhow::{Context, ensure};
use std::{fs, path::Path, process::Stdio, time::Duration};
use tokio::process::Command;
use uuid::Uuid;

/// The statements of one send, each message in a transaction of its own: number, message, event. Ids
/// ascend as the product's do.
pub(crate) fn ungrouped(channel: Uuid, author: Uuid, body: &str) -> String {
    format!(
        "BEGIN;
UPDATE stream SET head_seq = head_seq + 1, ordinal = ordinal + 1 WHERE id = '{channel}' RETURNING head_seq, ordinal \\gset
INSERT INTO message (id, channel_id, author_id, kind, seq, ordinal, content, created_at, rev) VALUES (lpad(to_hex(nextval('bench_id')), 32, '0')::uuid, '{channel}', '{author}', 'DEFAULT', :head_seq, :ordinal, '{body}', now(), 1);
INSERT INTO stream_event (stream_id, seq, kind, ref, ref_rev, actor, at) VALUES ('{channel}', :head_seq, 'MESSAGE_CREATED', lpad(to_hex(currval('bench_id')), 32, '0')::uuid, 1, '{author}', now());
COMMIT;
"
    )
}

/// One message inserted into one of these channels, and nothing else.
pub(crate) fn single(channels: &[Uuid], author: Uuid, body: &str) -> String {
    let ids: Vec<String> = channels.iter().map(|id| format!("'{id}'")).collect();
    let (ids, count) = (ids.join(","), channels.len());
    format!(
        "\\set n random(1, {count})
INSERT INTO message (id, channel_id, author_id, kind, seq, ordinal, content, created_at, rev) VALUES (lpad(to_hex(nextval('bench_id')), 32, '0')::uuid, (ARRAY[{ids}]::uuid[])[:n], '{author}', 'DEFAULT', currval('bench_id'), currval('bench_id'), '{body}', now(), 1);
"
    )
}

/// The newest 50 messages of a channel and one more, and their authors: what a page asks with cold caches.
pub(crate) fn page(channel: Uuid, authors: &[Uuid]) -> String {
    let ids: Vec<String> = authors.iter().map(|id| format!("'{id}'")).collect();
    let ids = ids.join(",");
    format!(
        "SELECT id, channel_id, author_id, kind, seq, ordinal, content, nonce, reply_to_id, created_at, edited_at, pinned_at, deleted_at, rev FROM message WHERE channel_id = '{channel}' AND deleted_at IS NULL ORDER BY seq DESC LIMIT 51;
SELECT id, kind, username, display_name, bio, avatar_url, created_at, deleted_at, rev FROM \"user\" WHERE id = ANY(ARRAY[{ids}]::uuid[]);
"
    )
}

/// Runs a script with so many clients; transactions in a second.
///
/// # Errors
/// When it is not installed, or a transaction fails.
pub(crate) async fn run(
    folder: &Path,
    database: &str,
    script: &str,
    clients: usize,
    time: Duration,
) -> anyhow::Result<f64> {
    let file = folder.join("script.sql");
    fs::write(&file, script)?;
    let threads = clients.min(2);
    let done = Command::new("pgbench")
        .args(["--no-vacuum", "--protocol=prepared"])
        .arg(format!("--client={clients}"))
        .arg(format!("--jobs={threads}"))
        .arg(format!("--time={}", time.as_secs()))
        .arg("--file")
        .arg(&file)
        .arg(database)
        .stdin(Stdio::null())
        .output()
        .await
        .context("pgbench does not start; install PostgreSQL's programs")?;
    let said = String::from_utf8_lossy(&done.stdout);
    let failed = !done.status.success() || !said.contains("number of failed transactions: 0 ");
    ensure!(
        !failed,
        "pgbench: {said}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = rate.and_then(|rest| rest.split(' ').next()).context("no tps")?;
    Ok(rate.parse()?)
}
