//! Rows and guards by the scripts: calls of many rows in one round trip, and servers that lost theirs.

use super::{
    super::{Cache, CacheError, Fill, Lease, Put, Slot, Writer},
    scripts::{Script, Scripts},
};
use crate::{
    clock::Clock,
    redis::{CallError, GROUPS, Line, Redis, group, tags},
};
use ::redis::{Cmd, ErrorKind, RedisResult, ServerErrorKind, Value};
use bytes::Bytes;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Mutex;

/// How many rows with tombstones one guard holds.
const BOUND: usize = 8192;
/// What stands before a stored value.
const HEAD: usize = 30;

/// The rows' keys and guards, and the line to them.
pub(super) struct Rows {
    line: Line,
    namespace: String,
    guards: Vec<String>,
    /// What follows the names of a group in a Redis Cluster.
    tags: Option<[String; GROUPS]>,
    scripts: Scripts,
    /// Instead of the server's, for tests.
    clock: Option<Arc<dyn Clock>>,
    /// How often this process loaded the scripts.
    loads: AtomicU64,
    loading: Mutex<()>,
}

/// What one script is about.
struct Call<'a> {
    script: &'a Script,
    keys: Vec<String>,
    /// The second argument: a lease, a writer or a generation.
    token: u128,
    more: Vec<Vec<u8>>,
}

impl Rows {
    pub(super) fn new(redis: &Redis, clock: Arc<dyn Clock>) -> Self {
        let namespace = redis.namespace().to_owned();
        // A row's guard is in its slot, by a tag at the end of both names.
        let tag = |tag: &String| format!(":{{{tag}}}");
        let tags = redis.is_cluster().then(|| tags().each_ref().map(tag));
        let guards = (0..GROUPS)
            .map(|group| format!("{namespace}:guard:{group:02}{}", at(&tags, group)))
            .collect();
        Self {
            line: redis.line("cache"),
            scripts: Scripts::new(&namespace),
            guards,
            tags,
            namespace,
            clock: clock.by_hand().then_some(clock),
            loads: AtomicU64::new(0),
            loading: Mutex::default(),
        }
    }

    /// See [`RedisCache::declare_new`](super::RedisCache::declare_new).
    pub(super) async fn declare_new(&self) -> Result<(), CacheError> {
        let calls = self.line.guarded(async {
            self.load(self.loads.load(Ordering::Acquire)).await?;
            self.turn("new").await
        });
        Ok(calls.await?)
    }

    /// The row's key in Redis, and its guard.
    fn place(&self, key: &str) -> Vec<String> {
        let rest = key.strip_prefix("comm:").unwrap_or(key);
        let name = format!("{}:{rest}", self.namespace);
        let group = group(&name);
        let guard = self.guards[group].clone();
        vec![name + at(&self.tags, group), guard]
    }

    fn call<'a>(&self, script: &'a Script, key: &str, token: u128, more: Vec<Vec<u8>>) -> Call<'a> {
        Call {
            script,
            keys: self.place(key),
            token,
            more,
        }
    }

    /// Makes calls in one round trip, with a second one when a server does not know the scripts.
    async fn make(&self, calls: Vec<Call<'_>>) -> Result<Vec<Value>, CacheError> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self.line.guarded(async {
            let commands: Vec<Cmd> = calls.iter().map(|call| self.command(call)).collect();
            let loads = self.loads.load(Ordering::Acquire);
            let mut answers = self.line.send(&commands).await?;
            let unknown: Vec<usize> = (0..answers.len())
                .filter(|at| is_unknown(&answers[*at]))
                .collect();
            if !unknown.is_empty() {
                self.load(loads).await?;
                let again: Vec<Cmd> = unknown.iter().map(|at| commands[*at].clone()).collect();
                for (at, answer) in unknown.into_iter().zip(self.line.send(&again).await?) {
                    answers[at] = answer;
                }
            }
            answers.into_iter().collect::<RedisResult<Vec<Value>>>()
        });
        Ok(answers.await?)
    }

    fn command(&self, call: &Call<'_>) -> Cmd {
        let mut command = ::redis::cmd("EVALSHA");
        command
            .arg(&call.script.hash)
            .arg(call.keys.len())
            .arg(&call.keys);
        match &self.clock {
            Some(clock) => command.arg(clock.now().timestamp_millis()),
            None => command.arg(""),
        };
        command.arg(&call.token.to_be_bytes()).arg(&call.more);
        command
    }

    /// Turns every guard and loads the scripts, `get` last, unless that was done since `loads`.
    async fn load(&self, loads: u64) -> RedisResult<()> {
        let _alone = self.loading.lock().await;
        if self.loads.load(Ordering::Acquire) != loads {
            return Ok(());
        }
        let scripts = &self.scripts;
        let others = [
            &scripts.fill,
            &scripts.tombstone,
            &scripts.settle,
            &scripts.remove,
            &scripts.turn,
        ];
        self.all(&others.map(loading)).await?;
        self.turn("lost").await?;
        self.all(&[loading(&scripts.get)]).await?;
        self.loads.fetch_add(1, Ordering::AcqRel);
        tracing::info!("the cache in Redis begins anew");
        Ok(())
    }

    async fn turn(&self, why: &str) -> RedisResult<()> {
        let turns = self.guards.iter().map(|guard| {
            self.command(&Call {
                script: &self.scripts.turn,
                keys: vec![guard.clone()],
                token: rand::random(),
                more: vec![why.into()],
            })
        });
        self.all(&turns.collect::<Vec<_>>()).await
    }

    async fn all(&self, commands: &[Cmd]) -> RedisResult<()> {
        let answers = self.line.send(commands).await?;
        answers.into_iter().try_for_each(|answer| answer.map(|_| ()))
    }
}

fn at(tags: &Option<[String; GROUPS]>, group: usize) -> &str {
    tags.as_ref().map_or("", |tags| &tags[group])
}

fn loading(script: &Script) -> Cmd {
    let mut command = ::redis::cmd("SCRIPT");
    command.arg("LOAD").arg(&script.code);
    command
}

fn is_unknown(answer: &RedisResult<Value>) -> bool {
    answer
        .as_ref()
        .is_err_and(|error| error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
}

fn millis(time: Duration) -> Vec<u8> {
    time.as_millis().max(1).to_string().into_bytes()
}

impl From<CallError> for CacheError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::TimedOut => Self::TimedOut,
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

#[async_trait::async_trait]
impl Cache for Rows {
    async fn get_many(&self, keys: &[String]) -> Result<Vec<Slot>, CacheError> {
        let leases: Vec<Lease> = keys.iter().map(|_| Lease::random()).collect();
        let calls = keys
            .iter()
            .zip(&leases)
            .map(|(key, lease)| self.call(&self.scripts.get, key, lease.0, Vec::new()));
        let answers = self.make(calls.collect()).await?;
        let slots = answers
            .into_iter()
            .zip(leases)
            .map(|(answer, lease)| match answer {
                Value::BulkString(stored) if stored.len() >= HEAD => {
                    Ok(Slot::Hit(Bytes::from(stored).slice(HEAD..)))
                }
                Value::Int(1) => Ok(Slot::Miss(lease)),
                Value::Int(0) => Ok(Slot::Busy),
                _ => Err(CacheError::Unavailable("an answer nobody expects".into())),
            });
        slots.collect()
    }

    async fn fill(&self, items: Vec<Fill>) -> Result<(), CacheError> {
        let calls = items.into_iter().map(|fill| {
            let more = vec![millis(fill.ttl), fill.value.into()];
            self.call(&self.scripts.fill, &fill.key, fill.lease.0, more)
        });
        self.make(calls.collect()).await.map(|_| ())
    }

    async fn tombstone(&self, writer: Writer, keys: &[String], ttl: Duration) -> Result<(), CacheError> {
        let calls = keys.iter().map(|key| {
            let more = vec![millis(ttl), BOUND.to_string().into_bytes()];
            self.call(&self.scripts.tombstone, key, writer.0, more)
        });
        let answers = self.make(calls.collect()).await?;
        if answers.iter().all(|answer| *answer == Value::Int(1)) {
            Ok(())
        } else {
            Err(CacheError::Full)
        }
    }

    async fn put(&self, writer: Writer, items: Vec<Put>) -> Result<(), CacheError> {
        let calls = items.into_iter().map(|put| {
            let more = vec![millis(put.ttl), put.value.into()];
            self.call(&self.scripts.settle, &put.key, writer.0, more)
        });
        self.make(calls.collect()).await.map(|_| ())
    }

    async fn release(&self, writer: Writer, keys: &[String]) -> Result<(), CacheError> {
        let calls = keys
            .iter()
            .map(|key| self.call(&self.scripts.settle, key, writer.0, Vec::new()));
        self.make(calls.collect()).await.map(|_| ())
    }

    async fn remove(&self, keys: &[String]) -> Result<(), CacheError> {
        let calls = keys
            .iter()
            .map(|key| self.call(&self.scripts.remove, key, 0, Vec::new()));
        self.make(calls.collect()).await.map(|_| ())
    }

    async fn wipe(&self) -> Result<(), CacheError> {
        let calls = self.guards.iter().map(|guard| Call {
            script: &self.scripts.turn,
            keys: vec![guard.clone()],
            token: rand::random(),
            more: vec!["wipe".into()],
        });
        self.make(calls.collect()).await.map(|_| ())
    }
}
