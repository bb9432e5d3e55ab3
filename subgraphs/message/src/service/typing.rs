//! Who is typing: told over the bus, remembered for seconds, never stored.
//!
//! A new listener gets those whom this process heard lately, then each as it comes. Whom only another
//! process heard reaches it with the next keystroke, three seconds later at most.

use super::Cx;
use crate::Error;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use commons_access::Permission;
use commons_entities::{ChannelId, UserId};
use commons_platform::{ApiError, bus::Heard};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How long one call counts as typing.
pub const LASTS: TimeDelta = TimeDelta::seconds(8);
/// Further calls within this time are not told again.
const QUIET: TimeDelta = TimeDelta::seconds(3);
const REMEMBERED: u64 = 100_000;

/// Somebody types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// Who.
    pub user: UserId,
    /// Since when; it counts for [`LASTS`].
    pub at: DateTime<Utc>,
}

/// Those whom this process heard lately.
#[derive(Debug)]
pub(super) struct Typists {
    told: moka::sync::Cache<(ChannelId, UserId), DateTime<Utc>>,
    lately: moka::sync::Cache<ChannelId, Arc<Vec<Typing>>>,
}

impl Typists {
    pub(super) fn new() -> Self {
        let lasts = LASTS.to_std().expect("eight seconds are not negative");
        Self {
            told: moka::sync::Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(lasts)
                .build(),
            lately: moka::sync::Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(lasts)
                .build(),
        }
    }

    fn heard(&self, channel: ChannelId, typing: Typing) {
        self.lately.entry(channel).and_upsert_with(|known| {
            let mut all = known.map_or_else(Vec::new, |known| known.into_value().to_vec());
            all.retain(|other| other.user != typing.user && typing.at - other.at < LASTS);
            all.push(typing);
            Arc::new(all)
        });
    }

    fn now(&self, channel: ChannelId, now: DateTime<Utc>) -> Vec<Typing> {
        let lately = self.lately.get(&channel).unwrap_or_default();
        lately
            .iter()
            .filter(|typing| now - typing.at < LASTS)
            .copied()
            .collect()
    }
}

/// Tells those who look at a channel that the actor types.
pub async fn start_typing(cx: &Cx, channel: ChannelId) -> Result<(), Error> {
    let standing = cx.access.channel(&cx.actor, channel).await?;
    let seat = standing.require(Permission::SendMessages)?;
    let typing = Typing {
        user: seat.user(),
        at: cx.platform.clock.now(),
    };
    let key = (channel, typing.user);
    if cx
        .typists
        .told
        .get(&key)
        .is_some_and(|told| typing.at - told < QUIET)
    {
        return Ok(());
    }
    cx.typists.told.insert(key, typing.at);
    cx.typists.heard(channel, typing);
    let payload = serde_json::to_vec(&typing).map_err(ApiError::internal)?;
    cx.platform
        .bus
        .publish(&subject(channel), Bytes::from(payload))
        .await;
    Ok(())
}

/// Those who type in a channel now, then each as it begins; ends as [`super::follow`] does. For users
/// alone: an audience follows what is numbered.
pub async fn typing(
    cx: Arc<Cx>,
    channel: ChannelId,
) -> Result<impl Stream<Item = Result<Typing, ApiError>> + Send + 'static, Error> {
    cx.actor.user::<UserId>()?;
    let watch = cx.access.guard_channel(&cx.actor, channel).await?;
    let mut listener = cx
        .platform
        .bus
        .subscribe(&subject(channel))
        .await
        .map_err(ApiError::unavailable)?;
    let known = cx.typists.now(channel, cx.platform.clock.now());
    let heard = async_stream::stream! {
        for typing in known {
            yield typing;
        }
        while let Some(heard) = listener.recv().await {
            // What was missed is over in seconds anyway.
            let Heard::Message(payload) = heard else { continue };
            match serde_json::from_slice(&payload) {
                Ok(typing) => {
                    cx.typists.heard(channel, typing);
                    yield typing;
                }
                Err(error) => tracing::warn!(%error, "an unreadable typing notice"),
            }
        }
    };
    Ok(watch.guard(heard))
}

fn subject(channel: ChannelId) -> String {
    format!("typing.{}", channel.0.simple())
}
