//! Reading guilds, channels, roles and members. What the actor may not see is none.

use super::{Cx, gathered};
use crate::{
    Error,
    loaders::{ChannelRow, GuildRow, MemberKey, MemberRow, RoleRow},
    store,
};
use commons_access::{ChannelStanding, GuildStanding};
use commons_entities::{ChannelId, GuildId, RoleId, UserId, channel::permission_overwrite};
use commons_platform::page::{Page, PageArgs};
use futures_util::future::try_join_all;
use std::{collections::HashMap, sync::Arc};

/// A guild and what the actor may do in it: it exists only for a member.
#[derive(Debug, Clone)]
pub struct Guild {
    /// The guild.
    pub row: Arc<GuildRow>,
    /// The actor's standing.
    pub standing: GuildStanding,
}

/// A channel and what the actor may do in it: it exists only for who may view it.
#[derive(Debug, Clone)]
pub struct Channel {
    /// The channel.
    pub row: Arc<ChannelRow>,
    /// The actor's standing.
    pub standing: ChannelStanding,
}

/// A member, in a guild that the actor is in too.
#[derive(Debug, Clone)]
pub struct Member {
    /// The member.
    pub row: Arc<MemberRow>,
}

/// A guild; none unless the actor is in it.
pub async fn guild(cx: &Cx, id: GuildId) -> Result<Option<Guild>, Error> {
    let Some(user) = cx.actor.user_if_any() else {
        return Ok(None);
    };
    let Some(standing) = gathered(cx.load.guild_standings.get((id, user)).await)? else {
        return Ok(None);
    };
    Ok(cx.load.guilds.get(&id).await?.map(|row| Guild { row, standing }))
}

/// The actor's guilds, in the order of their founding.
pub async fn guilds(cx: &Cx, args: &PageArgs) -> Result<Page<Guild>, Error> {
    let user: UserId = cx.actor.user()?;
    let ids = store::page_guilds_of(cx.platform.db.read(), user, args).await?;
    let page = Page::from_rows(args, ids);
    let rows = cx.load.guilds.get_many(&page.items).await?;
    let standings = cx.access.guilds(&cx.actor, &page.items).await?;
    // A guild that was left between the two reads falls out of the page.
    let items = page
        .items
        .into_iter()
        .zip(standings)
        .filter_map(|(id, standing)| {
            Some(Guild {
                row: rows.get(&id)?.clone(),
                standing: standing?,
            })
        });
    Ok(Page {
        items: items.collect(),
        has_previous: page.has_previous,
        has_next: page.has_next,
    })
}

/// A channel; none unless the actor may view it.
pub async fn channel(cx: &Cx, id: ChannelId) -> Result<Option<Channel>, Error> {
    let Some(standing) = gathered(cx.load.channel_standings.get(id).await)? else {
        return Ok(None);
    };
    Ok(cx
        .load
        .channels
        .get(&id)
        .await?
        .map(|row| Channel { row, standing }))
}

/// As [`channel`], of an id that may be absent.
pub async fn channel_if_visible(cx: &Cx, id: Option<ChannelId>) -> Result<Option<Channel>, Error> {
    match id {
        Some(id) => channel(cx, id).await,
        None => Ok(None),
    }
}

/// The channels of a guild that the actor may view, by position.
pub async fn channels_of(cx: &Cx, guild: GuildId) -> Result<Vec<Channel>, Error> {
    let Some(ids) = gathered(cx.load.channels_in.get(guild).await)? else {
        return Ok(Vec::new());
    };
    cx.spend(ids.len())?;
    let channels = try_join_all(ids.iter().map(|(id, _)| channel(cx, *id))).await?;
    let mut visible: Vec<Channel> = channels.into_iter().flatten().collect();
    visible.sort_by_key(|channel| (channel.row.position, channel.row.id));
    Ok(visible)
}

/// The overwrites of a channel: roles first.
pub async fn overwrites(cx: &Cx, channel: ChannelId) -> Result<Arc<Vec<permission_overwrite::Model>>, Error> {
    Ok(gathered(cx.load.overwrites.get(channel).await)?.unwrap_or_default())
}

/// The roles of a guild, highest first, `@everyone` last.
pub async fn roles_of(cx: &Cx, guild: GuildId) -> Result<Arc<Vec<Arc<RoleRow>>>, Error> {
    Ok(gathered(cx.load.roles_in.get(guild).await)?.unwrap_or_default())
}

/// A role; none unless the actor is in its guild.
pub async fn role(cx: &Cx, id: RoleId) -> Result<Option<Arc<RoleRow>>, Error> {
    let Some(user) = cx.actor.user_if_any() else {
        return Ok(None);
    };
    let Some(row) = cx.load.roles.get(&id).await? else {
        return Ok(None);
    };
    let standing = gathered(cx.load.guild_standings.get((row.guild_id, user)).await)?;
    Ok(standing.map(|_| row))
}

/// A member of a guild that the actor is in.
pub async fn member(cx: &Cx, guild: GuildId, user: UserId) -> Result<Option<Member>, Error> {
    let Some(viewer) = cx.actor.user_if_any() else {
        return Ok(None);
    };
    if gathered(cx.load.guild_standings.get((guild, viewer)).await)?.is_none() {
        return Ok(None);
    }
    let row = cx.load.members.get(&MemberKey { guild, user }).await?;
    Ok(row.map(|row| Member { row }))
}

/// The members of a guild, who came first first.
pub async fn members(cx: &Cx, guild: &Guild, args: &PageArgs) -> Result<Page<Member>, Error> {
    let rows = store::page_members(cx.platform.db.read(), guild.row.id, args).await?;
    cx.spend(rows.len())?;
    Ok(Page::from_rows(args, rows).map(|row| Member {
        row: Arc::new(MemberRow(row)),
    }))
}

/// How many members a guild has.
pub async fn member_count(cx: &Cx, guild: GuildId) -> Result<u64, Error> {
    Ok(gathered(cx.load.member_counts.get(guild).await)?.unwrap_or_default())
}

/// What a member may do and which roles they hold, highest first; none when they have left.
pub async fn standing_of(
    cx: &Cx,
    guild: GuildId,
    user: UserId,
) -> Result<Option<(GuildStanding, Vec<Arc<RoleRow>>)>, Error> {
    let Some(standing) = gathered(cx.load.guild_standings.get((guild, user)).await)? else {
        return Ok(None);
    };
    let rows: HashMap<RoleId, Arc<RoleRow>> = cx.load.roles.get_many(standing.roles()).await?;
    let mut roles: Vec<Arc<RoleRow>> = rows.into_values().collect();
    roles.sort_by_key(|role| std::cmp::Reverse((role.position, role.id)));
    Ok(Some((standing, roles)))
}
