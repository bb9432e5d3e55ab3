//! Reactions: one of each emoji for each person and message.

use super::{
    Cx, MAX_EMOJIS,
    change::{Changed, change},
    text,
};
use crate::{Error, events, store};
use commons_access::{ChannelSeat, ChannelStanding, Permission};
use commons_content::Emoji;
use commons_entities::{
    MessageId, UserId,
    message::{message, reaction},
};

/// Puts an emoji on a message. Put again, it stays.
pub async fn add_reaction(cx: &Cx, id: MessageId, emoji: &str) -> Result<message::Model, Error> {
    let emoji = text("emoji", Emoji::parse(emoji))?;
    let user: UserId = cx.actor.user()?;
    let now = cx.platform.clock.now();
    change(cx, id, react, async |tx, seat, row, seq| {
        if seat.facts().archived_at.is_some() {
            return Err(Error::Archived);
        }
        match store::has_emoji(tx, row.id, emoji.as_str(), user).await? {
            Some(true) => return Ok(None),
            Some(false) => {}
            None if store::count_emojis(tx, row.id).await? >= MAX_EMOJIS => return Err(Error::TooManyEmojis),
            None => {}
        }
        let reaction = reaction::Model {
            message_id: row.id,
            emoji: emoji.as_str().to_owned(),
            user_id: user,
            seq,
            created_at: now,
        };
        store::insert_reactions(tx, vec![reaction]).await?;
        Ok(Some(Changed::with(
            row,
            events::REACTION_ADDED,
            events::emoji(emoji.as_str()),
        )))
    })
    .await
}

/// Takes the actor's emoji off a message.
pub async fn remove_reaction(cx: &Cx, id: MessageId, emoji: &str) -> Result<message::Model, Error> {
    let emoji = text("emoji", Emoji::parse(emoji))?;
    let user: UserId = cx.actor.user()?;
    let view = |standing: ChannelStanding, _: &message::Model| Ok(standing.require(Permission::ViewChannel)?);
    change(cx, id, view, async |tx, seat, row, _| {
        if !store::delete_reaction(tx, seat, row.id, emoji.as_str(), user).await? {
            return Ok(None);
        }
        Ok(Some(Changed::with(
            row,
            events::REACTION_REMOVED,
            events::emoji(emoji.as_str()),
        )))
    })
    .await
}

/// Takes every reaction off a message; for whoever manages messages.
pub async fn clear_reactions(cx: &Cx, id: MessageId) -> Result<message::Model, Error> {
    let manage =
        |standing: ChannelStanding, _: &message::Model| Ok(standing.require(Permission::ManageMessages)?);
    change(cx, id, manage, async |tx, seat, row, _| {
        if store::delete_all(tx, seat, row.id).await? == 0 {
            return Ok(None);
        }
        Ok(Some(Changed::new(row, events::REACTIONS_CLEARED)))
    })
    .await
}

fn react(standing: ChannelStanding, _: &message::Model) -> Result<ChannelSeat, Error> {
    Ok(standing.require(Permission::AddReactions)?)
}
