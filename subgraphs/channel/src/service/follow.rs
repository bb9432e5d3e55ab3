//! A guild live, as one member hears it.

use super::{Cx, seen::Seen};
use crate::{Error, events::GuildEvent};
use commons_entities::{GuildId, UserId};
use commons_streams::{Delivery, Event};
use futures_util::{Stream, StreamExt};
use std::sync::Arc;

/// What a member is told.
#[derive(Debug, Clone)]
pub enum Told {
    /// Where the stream stands; always first.
    Head(i64),
    /// What came before is not known any more.
    Reset(i64),
    /// The next event.
    Event(GuildEvent, Arc<Event>),
    /// This member sees other channels than before, or may do other things; the number is that of the
    /// last event.
    AccessChanged(i64),
}

/// Follows a guild after an event, or from now on, for as long as the actor is in it and the session
/// lives; then one error, and the end.
///
/// Who resumes is told at once that access may have changed: what happened meanwhile is on no stream.
pub async fn follow(
    cx: &Cx,
    guild: GuildId,
    after: Option<i64>,
) -> Result<impl Stream<Item = Result<Told, Error>> + Send + use<>, Error> {
    if after.is_some_and(|after| after < 0) {
        return Err(Error::AfterNegative);
    }
    let watch = cx.access.guard_guild(&cx.actor, guild).await?;
    let user: UserId = cx.actor.user()?;
    let mut seen = Seen::begin(cx.service().clone(), guild, user).await?;
    let mut events = cx.streams.follow(guild.0, after).await?;
    let told = async_stream::stream! {
        let mut last = after.unwrap_or_default();
        loop {
            let next = tokio::select! {
                biased;
                delivery = events.next() => match delivery {
                    Ok(Delivery::Head(head)) => {
                        last = after.unwrap_or(head);
                        Ok(Told::Head(head))
                    }
                    Ok(Delivery::Reset { head }) => {
                        last = head;
                        Ok(Told::Reset(head))
                    }
                    Ok(Delivery::Event(event)) => {
                        last = event.seq;
                        Ok(Told::Event(GuildEvent::read(&event), event))
                    }
                    Err(error) => Err(Error::from(error)),
                },
                differs = seen.differs() => differs.map(|()| Told::AccessChanged(last)),
            };
            let ended = next.is_err();
            let resumed = after.is_some() && matches!(next, Ok(Told::Head(_)));
            yield next;
            if ended {
                return;
            }
            if resumed {
                yield Ok(Told::AccessChanged(last));
            }
        }
    };
    Ok(watch.guard(told).map(|told| told?))
}
