//! A numbered subscription of one client, from its start to its end: shared where that is possible, an
//! upstream of its own otherwise.
//!
//! Whoever shares is checked here: that they may view the stream and read its history, before they join
//! and for as long as they follow. An upstream of one's own runs as the client itself, and the service
//! behind it checks.

use super::{
    Edge,
    client::Line,
    group::Shared,
    meter,
    shape::Numbered,
    upstream::{Caller, Item, Upstream},
};
use crate::{caller, reply::Reply};
use commons_access::{Access, AccessWatch, Permission};
use commons_entities::ChannelId;
use commons_platform::{
    ApiError, Origin,
    auth::{Actor, Tokens},
    graphql::Call,
    telemetry::TracePoint,
};
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

/// How long a client with an upstream of its own may take until there is room again.
const SLOW: Duration = Duration::from_secs(30);
/// How long an upstream uses one audience token: less than the hour that it is good for.
const RENEWED: Duration = Duration::from_secs(50 * 60);

/// Follows until the client leaves, its place is lost or the stream is over.
pub(super) async fn follow(edge: Arc<Edge>, line: Line, numbered: Numbered, call: Call) {
    let _counted = meter::subscription();
    let (numbered, request_id) = (Arc::new(numbered), call.origin.request_id.clone());
    match admission(&edge, &numbered, &call).await {
        Ok(Some(admitted)) => together(&edge, &line, numbered, admitted, &request_id).await,
        Ok(None) => alone(&edge, &line, numbered, call).await,
        Err(error) => line.cut(error, &request_id),
    }
}

/// Who may share an upstream.
struct Admitted {
    key: Arc<str>,
    watch: AccessWatch,
    access: Arc<dyn Access>,
    tokens: Arc<Tokens>,
    channel: ChannelId,
}

/// Whether the client may follow together with others; none when it must on its own.
///
/// # Errors
/// As the service itself refuses who may not view the stream.
async fn admission(edge: &Edge, numbered: &Numbered, call: &Call) -> Result<Option<Admitted>, ApiError> {
    let (Some(shared), Some(access), Some(tokens)) = (&numbered.shared, &edge.access, &edge.tokens) else {
        return Ok(None);
    };
    let actor = tokens.actor(call.authorization.as_deref())?;
    // What is no id of a channel, and who is nobody, is for the service to refuse.
    let (Ok(channel), Actor::User { .. }) = (shared.stream.parse::<ChannelId>(), &actor) else {
        return Ok(None);
    };
    let standing = access.channel(&actor, channel).await?;
    if standing.require(Permission::ReadHistory).is_err() {
        return Ok(None);
    }
    Ok(Some(Admitted {
        key: shared.key.clone(),
        watch: access.guard_channel(&actor, channel).await?,
        access: access.clone(),
        tokens: tokens.clone(),
        channel,
    }))
}

async fn together(edge: &Edge, line: &Line, numbered: Arc<Numbered>, admitted: Admitted, request_id: &str) {
    let Admitted {
        key,
        mut watch,
        access,
        tokens,
        channel,
    } = admitted;
    let after = numbered.after;
    let shared = Shared {
        key,
        numbered,
        engines: edge.engines.clone(),
        access,
        clock: edge.clock.clone(),
        caller: Arc::new(move || audience(tokens.clone(), channel)),
    };
    let following = async {
        match edge.groups.join(shared, line, after).await {
            Ok(seat) => {
                // The group writes from now on, until this task is ended.
                let _seat = seat;
                std::future::pending().await
            }
            Err(reply) => reply,
        }
    };
    tokio::select! {
        ended = watch.ended() => line.cut(ended.into(), request_id),
        reply = following => line.refuse(&reply),
    }
}

/// The caller of a shared upstream: nobody, who may view this channel alone.
fn audience(tokens: Arc<Tokens>, channel: ChannelId) -> Caller {
    Box::new(move || {
        let audience = tokens.for_audience(channel.0)?;
        let call = Call {
            authorization: Some(audience.authorization),
            origin: Origin {
                address: Ipv4Addr::LOCALHOST.into(),
                request_id: caller::request_id(),
                device: None,
                trace: TracePoint::default(),
            },
        };
        Ok((call, Some(Instant::now() + RENEWED)))
    })
}

async fn alone(edge: &Edge, line: &Line, numbered: Arc<Numbered>, call: Call) {
    let request_id = call.origin.request_id.clone();
    let caller: Caller = Box::new(move || Ok((call.clone(), None)));
    let after = numbered.after;
    let mut upstream = Upstream::new(
        edge.engines.clone(),
        numbered.clone(),
        caller,
        after,
        request_id.clone(),
    );
    let _counted = meter::upstream();
    let mut upto = after.unwrap_or_default();
    loop {
        let answers = match upstream.next().await {
            Item::Head(head) => {
                upto = after.unwrap_or(head);
                vec![(upto, numbered.head_answer(head, edge.clock.now()))]
            }
            Item::Events(events) => events.into_iter().map(|seen| (seen.seq, seen.json)).collect(),
            Item::Reset(seen) => vec![(seen.seq, seen.json)],
            Item::Aside(seen) => vec![(upto, seen.json)],
            Item::Refused(reply) => return line.refuse(&reply),
        };
        for (seq, answer) in answers {
            match timeout(SLOW, line.answer(&answer)).await {
                Ok(Ok(())) => meter::delivered(1),
                Ok(Err(_gone)) => return,
                Err(_) => {
                    meter::lagged();
                    return line.lag(upto, &request_id);
                }
            }
            upto = seq;
        }
    }
}

/// An operation that is not numbered: its answers as they come.
pub(super) async fn answer(edge: Arc<Edge>, line: Line, operation: crate::operation::Operation, call: Call) {
    use super::engines::Event;
    let id = call.origin.request_id.clone();
    let mut events = match edge.engines.start(operation, call) {
        Ok(events) => events,
        Err(error) => return line.refuse(&Reply::refusal(error, &id)),
    };
    loop {
        match events.recv().await {
            Some(Event::Next(reply)) => {
                if line.answer(&reply.json).await.is_err() {
                    return;
                }
            }
            Some(Event::Error(reply)) => return line.refuse(&reply),
            Some(Event::End) => return line.complete(),
            None => return line.refuse(&Reply::broken(&id)),
        }
    }
}
