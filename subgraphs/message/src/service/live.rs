//! A channel's stream as its viewer follows it.

use super::Cx;
use crate::Error;
use commons_entities::ChannelId;
use commons_platform::ApiError;
use commons_streams::Delivery;
use futures_util::{Stream, StreamExt};
use std::sync::Arc;

/// What a follower is given.
#[derive(Debug)]
pub struct Live {
    /// What happened.
    pub delivery: Delivery,
    /// Messages up to this number are not for them: those from before they came, when they may not read
    /// history.
    pub hidden_upto: i64,
}

/// Follows a channel: its head, then what happened after `after`, then what happens; until the viewer
/// may no longer view it, which ends the stream with an error within a second.
///
/// An audience follows its own channel, as one who may read history.
///
/// Who may not read history starts at the head; a position of theirs is answered with a reset, and of what
/// was said before they see neither the text nor what becomes of it.
pub async fn follow(
    cx: Arc<Cx>,
    channel: ChannelId,
    after: Option<i64>,
) -> Result<impl Stream<Item = Result<Live, ApiError>> + Send + 'static, Error> {
    let standing = cx.access.view_channel(&cx.actor, channel).await?;
    let may_read = standing.reader().is_ok();
    let watch = cx.access.guard_channel(&cx.actor, channel).await?;
    let after = after.map(|after| if may_read { after } else { i64::MAX });
    let subscription = cx.streams.follow(channel.0, after).await?;
    let deliveries = watch.guard(subscription.into_stream());
    let mut hidden_upto = if may_read { i64::MIN } else { i64::MAX };
    Ok(deliveries.map(move |item| {
        let delivery = item?.map_err(ApiError::from)?;
        if let (false, Delivery::Head(head) | Delivery::Reset { head }) = (may_read, &delivery) {
            hidden_upto = *head;
        }
        Ok(Live {
            delivery,
            hidden_upto,
        })
    }))
}
