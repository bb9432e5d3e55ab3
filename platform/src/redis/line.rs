//! One line to Redis: commands and their answers behind a breaker, or a subscription.

use super::{
    CONNECTING, Place, Redis,
    breaker::{Breaker, Probe},
    cluster,
};
use crate::task::Guard;
use ::redis::{
    Client, Cmd, ErrorKind, ProtocolVersion, PushInfo, PushKind, RedisError, RedisResult, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
};
use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::{StreamExt, future};
use std::{error::Error, sync::Arc, time::Duration};
use tokio::sync::{Mutex, mpsc};

pub(crate) use super::breaker::CallError;

/// How many commands are sent together.
const TOGETHER: usize = 1000;
/// How often a subscription is asked whether it lives, and how long it may take to say so.
const PULSE: Duration = Duration::from_millis(500);
/// How many messages of a cluster may wait to be told; more is a loss.
const UNTOLD: usize = 65_536;

/// Sends commands.
#[derive(Clone)]
pub(crate) struct Line {
    link: Link,
    breaker: Arc<Breaker>,
}

#[derive(Clone)]
enum Link {
    One(Arc<Single>),
    Cluster(Arc<Nodes>),
}

/// The connection to one server, made when it is first used, and again when it is lost.
struct Single {
    client: Client,
    patience: Duration,
    manager: ArcSwap<ConnectionManager>,
}

/// The connection to a cluster, made when it is first used.
struct Nodes {
    client: ClusterClient,
    connection: Mutex<Option<ClusterConnection>>,
}

impl Redis {
    /// A line of its own for one purpose, connected when it is first used. Needs a tokio runtime.
    pub(crate) fn line(&self, purpose: &'static str) -> Line {
        let link = match &self.place {
            Place::One(client) => Link::One(Arc::new(Single {
                client: (**client).clone(),
                patience: self.patience,
                manager: ArcSwap::from_pointee(manager(client, self.patience)),
            })),
            Place::Cluster(client, _) => Link::Cluster(Arc::new(Nodes {
                client: (**client).clone(),
                connection: Mutex::default(),
            })),
        };
        let probed = link.clone();
        let probe: Probe = Box::new(move || {
            let link = probed.clone();
            Box::pin(async move { link.lives().await })
        });
        Line {
            link,
            breaker: Breaker::new(purpose, self.patience, probe),
        }
    }

    /// Subscribes to subjects: sharded ones where this is a cluster.
    pub(crate) async fn listen(&self, subjects: &[String]) -> RedisResult<Ears> {
        match &self.place {
            Place::One(client) => one(client, subjects, self.patience).await,
            Place::Cluster(_, url) => many(url, subjects, self.patience).await,
        }
    }
}

fn manager(client: &Client, patience: Duration) -> ConnectionManager {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(CONNECTING))
        .set_response_timeout(Some(patience));
    ConnectionManager::new_lazy_with_config(client.clone(), config)
        .expect("only a subscription without a receiver is refused")
}

impl Line {
    /// Makes calls within the breaker: together they have its patience.
    pub(crate) async fn guarded<T, E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        calls: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CallError> {
        self.breaker.call(calls).await
    }

    /// Sends commands in one round trip and gives their answers in order; one that failed on its own is
    /// among them. For use within [`Line::guarded`].
    pub(crate) async fn send(&self, commands: &[Cmd]) -> RedisResult<Vec<RedisResult<Value>>> {
        match &self.link {
            Link::One(single) => {
                let manager = single.manager.load_full();
                let mut answers = Vec::with_capacity(commands.len());
                for commands in commands.chunks(TOGETHER) {
                    let mut pipeline = ::redis::Pipeline::with_capacity(commands.len());
                    for command in commands {
                        pipeline.add_command(command.clone());
                    }
                    pipeline.ignore_errors();
                    let together: Vec<RedisResult<Value>> =
                        pipeline.query_async(&mut (*manager).clone()).await?;
                    answers.extend(together);
                }
                Ok(answers)
            }
            // The connection has one pipe for each node, so that sending each is as good as together.
            Link::Cluster(nodes) => {
                let connection = nodes.connection().await?;
                let each = commands.iter().map(|command| {
                    let mut connection = connection.clone();
                    async move { connection.req_packed_command(command).await.and_then(sound) }
                });
                Ok(future::join_all(each).await)
            }
        }
    }

    /// Sends groups of commands, each about one name, in one round trip; those of a group are carried out
    /// in their order. For use within [`Line::guarded`].
    pub(crate) async fn send_in_order(&self, groups: Vec<Vec<Cmd>>) -> RedisResult<()> {
        let Link::Cluster(nodes) = &self.link else {
            let commands: Vec<Cmd> = groups.into_iter().flatten().collect();
            return self
                .send(&commands)
                .await?
                .into_iter()
                .try_for_each(|answer| answer.map(|_| ()));
        };
        let connection = nodes.connection().await?;
        let each = groups.into_iter().map(|group| {
            let mut connection = connection.clone();
            async move {
                let mut pipeline = ::redis::Pipeline::with_capacity(group.len());
                for command in group {
                    pipeline.add_command(command);
                }
                pipeline.exec_async(&mut connection).await
            }
        });
        future::try_join_all(each).await.map(|_| ())
    }
}

fn sound(value: Value) -> RedisResult<Value> {
    value.extract_error()
}

impl Link {
    async fn lives(&self) -> bool {
        let ping = ::redis::cmd("PING");
        match self {
            // A new connection each time: the old one may lead to a machine that is gone, and would not
            // notice for minutes.
            Self::One(single) => {
                let mut manager = manager(&single.client, single.patience);
                let lives = ping.exec_async(&mut manager).await.is_ok();
                if lives {
                    single.manager.store(Arc::new(manager));
                }
                lives
            }
            Self::Cluster(nodes) => {
                nodes.connection.lock().await.take();
                match nodes.connection().await {
                    Ok(mut connection) => ping.exec_async(&mut connection).await.is_ok(),
                    Err(_) => false,
                }
            }
        }
    }
}

impl Nodes {
    async fn connection(&self) -> RedisResult<ClusterConnection> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = &*kept {
            return Ok(connection.clone());
        }
        let connection = self.client.get_async_connection().await?;
        *kept = Some(connection.clone());
        Ok(connection)
    }
}

/// A subscription that lives.
pub(crate) struct Ears {
    heard: mpsc::Receiver<Bytes>,
    /// Fills the queue; ends when the subscription is lost.
    _subscription: Guard,
}

/// What [`Ears`] hear.
pub(crate) enum Sound {
    /// A message.
    Message(Bytes),
    /// Nothing any more: the subscription is lost.
    Lost,
}

impl Ears {
    /// The next message. Safe to cancel.
    pub(crate) async fn hear(&mut self) -> Sound {
        self.heard.recv().await.map_or(Sound::Lost, Sound::Message)
    }
}

async fn one(client: &Client, subjects: &[String], patience: Duration) -> RedisResult<Ears> {
    let subscribing = async {
        let (mut sink, stream) = client.get_async_pubsub().await?.split();
        sink.subscribe(subjects).await?;
        Ok::<_, RedisError>((sink, stream))
    };
    let (mut sink, mut stream) = in_time(CONNECTING + patience, subscribing).await?;
    let (tell, heard) = mpsc::channel(UNTOLD);
    let hearing = async move {
        while let Some(message) = stream.next().await {
            if tell
                .try_send(Bytes::copy_from_slice(message.get_payload_bytes()))
                .is_err()
            {
                return;
            }
        }
    };
    let living = async move {
        loop {
            tokio::time::sleep(PULSE).await;
            if in_time(PULSE, sink.ping::<Value>()).await.is_err() {
                return;
            }
        }
    };
    Ok(Ears {
        heard,
        _subscription: Guard::background("redis subscription", async {
            tokio::select! { () = hearing => {}, () = living => {} }
        }),
    })
}

async fn many(url: &str, subjects: &[String], patience: Duration) -> RedisResult<Ears> {
    let (push, mut pushed) = mpsc::channel::<PushInfo>(UNTOLD);
    let client = cluster(url, patience)
        .use_protocol(ProtocolVersion::RESP3)
        .push_sender(move |info| push.try_send(info))
        .build()?;
    let subscribing = async {
        let connection = client.get_async_connection().await?;
        let each = subjects.iter().map(|subject| {
            let mut connection = connection.clone();
            async move { connection.ssubscribe(subject).await }
        });
        future::try_join_all(each).await?;
        Ok::<_, RedisError>(connection)
    };
    let mut connection = in_time(CONNECTING + 4 * patience, subscribing).await?;
    let (tell, heard) = mpsc::channel(UNTOLD);
    let hearing = async move {
        while let Some(push) = pushed.recv().await {
            let goes_on = match (push.kind, push.data.into_iter().nth(1)) {
                (PushKind::SMessage, Some(Value::BulkString(payload))) => {
                    tell.try_send(Bytes::from(payload)).is_ok()
                }
                // The connection subscribes again by itself, but what was said meanwhile is lost.
                (PushKind::Disconnection | PushKind::SUnsubscribe, _) => false,
                _ => true,
            };
            if !goes_on {
                return;
            }
        }
    };
    let living = async move {
        loop {
            tokio::time::sleep(PULSE).await;
            let ping = ::redis::cmd("PING");
            if in_time(PULSE, ping.exec_async(&mut connection)).await.is_err() {
                return;
            }
        }
    };
    Ok(Ears {
        heard,
        _subscription: Guard::background("redis subscription", async {
            tokio::select! { () = hearing => {}, () = living => {} }
        }),
    })
}

async fn in_time<T>(patience: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    tokio::time::timeout(patience, work)
        .await
        .unwrap_or_else(|_| Err((ErrorKind::Io, "no answer in time").into()))
}
