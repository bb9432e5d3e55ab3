//! Following channels live.

use super::{
    cx,
    event::{MessageEvent, check_after},
    types::UserRef,
};
use crate::service;
use async_graphql::{Context, ID, Result, SimpleObject, Subscription as GraphQlSubscription, TypeDirective};
use chrono::{DateTime, Utc};
use commons_platform::graphql::parse_id;
use futures_util::{Stream, StreamExt};
use std::pin::pin;

/// What can be followed.
pub struct Subscription;

/// Somebody types.
#[derive(SimpleObject)]
pub struct TypingEvent {
    /// Who.
    #[graphql(tag = "live")]
    user: Option<UserRef>,
    /// Since when.
    #[graphql(tag = "live")]
    at: DateTime<Utc>,
    /// Until when it counts, unless there is a newer one.
    #[graphql(tag = "live")]
    until: DateTime<Utc>,
}

/// Federation's own.
// The library has `tag` for the fields of all types but this one.
#[TypeDirective(location = "FieldDefinition")]
fn tag(#[graphql(desc = "What the field is.")] name: String) {}

#[GraphQlSubscription(name = "Subscription")]
impl Subscription {
    /// What happens in a channel: first a StreamHead, then every event once and in order. With
    /// `after`, those behind that number come first; a number that is too old or unknown gives a
    /// StreamReset. The stream ends with an error within a second once the viewer may no longer view
    /// the channel.
    #[graphql(directive = tag::apply("live".to_owned()))]
    async fn message_events<'c>(
        &self,
        context: &Context<'c>,
        #[graphql(desc = "The channel.")] channel_id: ID,
        #[graphql(desc = "The number of the last event known; absent starts now.")] after: Option<i64>,
    ) -> Result<impl Stream<Item = Result<MessageEvent>> + use<'c>> {
        let cx = cx(context).clone();
        let after = after.map(|after| check_after("after", after)).transpose()?;
        let live = service::follow(cx.clone(), parse_id("channelId", &channel_id)?, after).await?;
        Ok(async_stream::stream! {
            let mut live = pin!(live);
            while let Some(delivery) = live.next().await {
                let event = match delivery {
                    Ok(live) => MessageEvent::live(&cx, live).await,
                    Err(error) => Err(error),
                };
                match event.transpose() {
                    None => {}
                    Some(Ok(event)) => yield Ok(event),
                    // After an event that could not be shown nothing may follow as if it had been.
                    Some(Err(error)) => {
                        yield Err(error.into());
                        return;
                    }
                }
            }
        })
    }

    /// Who types in a channel: those who do now, then each as it begins. Nothing of it is kept.
    async fn typing<'c>(
        &self,
        context: &Context<'c>,
        #[graphql(desc = "The channel.")] channel_id: ID,
    ) -> Result<impl Stream<Item = Result<TypingEvent>> + use<'c>> {
        let typing = service::typing(cx(context).clone(), parse_id("channelId", &channel_id)?).await?;
        Ok(typing.map(|typing| {
            let typing = typing?;
            let until = typing.at + service::TYPING_LASTS;
            Ok(TypingEvent {
                user: Some(typing.user.into()),
                at: typing.at,
                until,
            })
        }))
    }
}
