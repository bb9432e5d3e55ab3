//! Sends without HTTP, in this process: as the service makes them, and one transaction a message by
//! hand on the very connection that the service writes with.

use crate::{
    client::Client,
    load::{Done, closed_loop},
    sql::statement,
    world::BODY,
};
use anyhow::Context;
use commons::Services;
use commons_message::service::{self, SendInput};
use commons_platform::{Cx, Platform, auth::Actor, cx::Origin, telemetry::TracePoint};
use sea_orm::{ConnectionTrait, Value};
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};
use uuid::Uuid;

/// The two ways to send that share this process and its database.
pub(super) struct InProcess<'s> {
    services: &'s Services,
    actors: Vec<Actor>,
    /// To the channel of grouped sends.
    template: SendInput,
    /// The channel of single transactions.
    channel: Uuid,
}

impl<'s> InProcess<'s> {
    /// Sends as these people into two channels.
    pub(super) fn new(
        services: &'s Services,
        people: &[Client],
        grouped: &str,
        single: &str,
    ) -> anyhow::Result<Self> {
        let tokens = &services.platform.tokens;
        let actors = people
            .iter()
            .map(|person| tokens.actor(person.authorization.as_deref()));
        Ok(Self {
            services,
            actors: actors.collect::<Result<_, _>>()?,
            template: input(grouped)?,
            channel: stream(single)?,
        })
    }

    /// As the service does it.
    pub(super) async fn grouped(&self, senders: usize, time: Duration) -> anyhow::Result<Done> {
        let (service, actors, input) = (
            self.services.message.clone(),
            self.actors.clone(),
            self.template.clone(),
        );
        closed_loop(senders, time, move |sender| {
            let origin = Origin {
                address: IpAddr::V4(Ipv4Addr::LOCALHOST),
                request_id: "benchmark".into(),
                device: None,
                trace: TracePoint::default(),
            };
            let cx = Cx::new(service.clone(), actors[sender], origin);
            let input = input.clone();
            async move { Ok(service::send(&cx, input).await.map(|_| ())?) }
        })
        .await
    }

    /// One transaction a message, on the service's own connection.
    pub(super) async fn single(&self, senders: usize, time: Duration) -> anyhow::Result<Done> {
        let (platform, channel) = (self.services.platform.clone(), self.channel);
        let authors = self
            .actors
            .iter()
            .map(Actor::user::<Uuid>)
            .collect::<Result<Vec<_>, _>>()?;
        closed_loop(senders, time, move |sender| {
            let (platform, author) = (platform.clone(), authors[sender]);
            async move { single(&platform, channel, author).await }
        })
        .await
    }
}

/// Number, message and event of one send, committed.
async fn single(platform: &Platform, channel: Uuid, author: Uuid) -> anyhow::Result<()> {
    let (id, at) = (platform.clock.new_id(), platform.clock.now());
    let tx = platform.db.begin().await?;
    let numbers = "UPDATE stream SET head_seq = head_seq + 1, ordinal = ordinal + 1 WHERE id = ? \
        RETURNING head_seq, ordinal";
    let row = tx
        .query_one_raw(statement(numbers, [channel.into()]))
        .await?
        .context("no such stream")?;
    let (seq, ordinal): (i64, i64) = (row.try_get_by(0)?, row.try_get_by(1)?);
    let message = "INSERT INTO message (id, channel_id, author_id, kind, seq, ordinal, content, created_at, rev) \
        VALUES (?, ?, ?, 'DEFAULT', ?, ?, ?, ?, 1)";
    let values: [Value; 7] = [
        id.into(),
        channel.into(),
        author.into(),
        seq.into(),
        ordinal.into(),
        BODY.into(),
        at.into(),
    ];
    tx.execute_raw(statement(message, values)).await?;
    let event = "INSERT INTO stream_event (stream_id, seq, kind, ref, ref_rev, actor, at) \
        VALUES (?, ?, 'MESSAGE_CREATED', ?, 1, ?, ?)";
    let values: [Value; 5] = [channel.into(), seq.into(), id.into(), author.into(), at.into()];
    tx.execute_raw(statement(event, values)).await?;
    tx.commit().await?;
    Ok(())
}

/// A message to a channel.
fn input(channel: &str) -> anyhow::Result<SendInput> {
    let channel = channel.parse()?;
    Ok(SendInput {
        channel,
        content: BODY.to_owned(),
        nonce: None,
        reply_to: None,
    })
}

/// The stream of a channel, which is also its row's id.
pub(crate) fn stream(channel: &str) -> anyhow::Result<Uuid> {
    Ok(input(channel)?.channel.0)
}
