//! A numbered subscription of one client, from its start to its end: shared where that is possible, an
//! upstream of its own otherwise.
//!
//! Whoever shares is checked here: that they may view the stream and read its history, before they join
//! and for as long as they follow. An upstream of one's own runs as the client itself, and the service
//! behind it checks.

use super::{Edge, alone, client::Line, group::Shared, meter, shape::Numbered, upstream::Caller};
use crate::caller;
use commons_access::{Access, AccessWatch, Permission};
use commons_entities::ChannelId;
use commons_platform::{
    ApiError, Origin,
    auth::{Actor, Tokens},
    graphql::Call,
    telemetry::TracePoint,
};
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How long an upstream uses one audience token at most: less than the hour that it is good for.
const RENEWED: Duration = Duration::from_secs(50 * 60);

/// Follows until the client leaves, its place is lost or the stream is over.
pub(super) async fn follow(edge: Arc<Edge>, line: Line, numbered: Numbered, call: Call) {
    let _counted = meter::subscription();
    let (numbered, request_id) = (Arc::new(numbered), call.origin.request_id.clone());
    match admission(&edge, &numbered, &call).await {
        Ok(Some(admitted)) => together(&edge, &line, numbered, admitted, call).await,
        Ok(None) => alone::follow(&edge, &line, numbered, call).await,
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

async fn together(edge: &Edge, line: &Line, numbered: Arc<Numbered>, admitted: Admitted, call: Call) {
    let Admitted {
        key,
        mut watch,
        access,
        tokens,
        channel,
    } = admitted;
    let shared = Shared {
        key,
        numbered: numbered.clone(),
        engines: edge.engines.clone(),
        access,
        clock: edge.clock.clone(),
        caller: Arc::new(move || audience(tokens.clone(), channel)),
    };
    let Some(seat) = edge.groups.seat(shared) else {
        return alone::follow(edge, line, numbered, call).await;
    };
    let following = async {
        match seat.join(line, numbered.after).await {
            Ok(seat) => {
                // The group writes from now on, until this task is ended.
                let _seat = seat;
                std::future::pending().await
            }
            Err(reply) => reply,
        }
    };
    tokio::select! {
        ended = watch.ended() => line.cut(ended.into(), &call.origin.request_id),
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
        Ok((
            call,
            Some(Instant::now() + RENEWED.mul_f64(rand::random_range(0.8..1.0))),
        ))
    })
}
