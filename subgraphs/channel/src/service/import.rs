//! What an importer of another platform's history calls. Each function is one transaction and does
//! nothing twice.
//!
//! Limits on numbers are for people at a keyboard and do not hold here. Whoever is added is told of on
//! the guild's stream as anybody who joins; channels are told of to nobody, as always.

use super::{ChannelService, guild, text, write::Write};
use crate::{
    Error,
    events::{self, Happened},
    store,
};
use chrono::{DateTime, SubsecRound, Utc};
use commons_access::{Permissions, Subject};
use commons_content::{ChannelName, GuildName, Topic};
use commons_entities::{
    ChannelId, GuildId, UserId,
    channel::{
        ChannelKind, OverwriteTarget, channel, channel_import, guild as guild_row, permission_overwrite,
    },
};
use commons_streams::log;
use std::collections::{HashMap, HashSet};

/// Who sees an imported channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportedAudience {
    /// Every member of the guild.
    Everyone,
    /// These only, and who stands above overwrites.
    Only(Vec<UserId>),
}

/// A channel as the source has it.
#[derive(Debug, Clone)]
pub struct ImportedChannel {
    /// Its id in the source.
    pub external_id: String,
    /// Its name there; made acceptable here.
    pub name: String,
    /// Cut to what a topic may have.
    pub topic: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who sees it.
    pub audience: ImportedAudience,
}

/// The guild of this owner and name, founded when there is none. It has no channels yet then.
///
/// # Errors
/// When the name is none, or the database fails.
pub async fn import_guild(service: &ChannelService, owner: UserId, name: &str) -> Result<GuildId, Error> {
    let name = text("name", GuildName::parse(name))?;
    let mut write = Write::begin(service, Some(owner)).await?;
    // Two imports at once must not found it twice.
    write.turn_of(owner).await?;
    if let Some(row) = store::guild_of_owner(&write.tx, owner, name.as_str()).await? {
        return Ok(row.id);
    }
    let row = guild_row::Model {
        id: GuildId(service.platform.clock.new_id()),
        name: name.into_string(),
        description: None,
        icon_url: None,
        owner_id: owner,
        created_at: write.now,
        deleted_at: None,
        rev: 1,
    };
    let id = row.id;
    guild::found_guild(&mut write, row).await?;
    write.commit().await?;
    Ok(id)
}

/// Adds those who are not members yet, joined when the source says.
///
/// # Errors
/// `NOT_FOUND` when there is no such guild; when the database fails.
pub async fn import_members(
    service: &ChannelService,
    id: GuildId,
    members: &[(UserId, DateTime<Utc>)],
) -> Result<(), Error> {
    let mut write = Write::in_guild(service, None, id).await?;
    let users: Vec<UserId> = members.iter().map(|(user, _)| *user).collect();
    let mut present = store::members_among(&write.tx, id, &users).await?;
    let mut rows = Vec::new();
    for (user, joined_at) in members {
        if present.insert(*user) {
            rows.push(guild::joined(id, *user, joined_at.trunc_subsecs(3), write.now));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    store::insert_members(&write.tx, &rows).await?;
    for row in &rows {
        write.event(Happened::to_member(events::MEMBER_JOINED, row));
        write.standing(Subject::Member(id, row.user_id));
    }
    write.wrote_members(service, rows).await;
    write.commit().await
}

/// Makes channels that were not imported before, in the order given, behind what the guild has.
///
/// Gives the channel of each external id of the source, also of those imported earlier. A channel
/// that is archived in the source is made open: [`finish_channels`] closes it once its history is in.
///
/// # Errors
/// `NOT_FOUND` when there is no such guild; when the database fails.
pub async fn import_channels(
    service: &ChannelService,
    guild: GuildId,
    source: &str,
    channels: &[ImportedChannel],
) -> Result<HashMap<String, ChannelId>, Error> {
    let mut write = Write::in_guild(service, None, guild).await?;
    let mut known = store::imported_channels(&write.tx, guild, source).await?;
    let mut position = store::channel_list(&write.tx, guild).await?.next_position;
    for imported in channels {
        if known.contains_key(&imported.external_id) {
            continue;
        }
        let created_at = imported.created_at.trunc_subsecs(3);
        let id = ChannelId(service.platform.clock.id_at(created_at));
        log::create(&write.tx, id.0).await?;
        store::insert_channel(&write.tx, row(id, guild, imported, created_at, position)).await?;
        store::insert_overwrites(&write.tx, overwrites(id, guild, &imported.audience)).await?;
        let note = channel_import::Model {
            guild_id: guild,
            source: source.to_owned(),
            external_id: imported.external_id.clone(),
            channel_id: id,
        };
        store::remember_channel(&write.tx, note).await?;
        write.standing(Subject::Channel(id));
        known.insert(imported.external_id.clone(), id);
        position += 1;
    }
    write.commit().await?;
    Ok(known)
}

/// Closes imported channels that the source has archived. One that is closed or deleted already stays
/// as it is.
///
/// # Errors
/// `NOT_FOUND` when there is no such guild or channel; when the database fails.
pub async fn finish_channels(
    service: &ChannelService,
    guild: GuildId,
    archived: &[(ChannelId, DateTime<Utc>)],
) -> Result<(), Error> {
    let mut write = Write::in_guild(service, None, guild).await?;
    let streams: Vec<_> = archived.iter().map(|(id, _)| id.0).collect();
    write.lock(&streams).await?;
    let mut rows = Vec::new();
    for (id, at) in archived {
        if let Some(row) = store::archive_imported(&write.tx, guild, *id, at.trunc_subsecs(3)).await? {
            write.event(Happened::to_channel(&row));
            write.standing(Subject::Channel(*id));
            rows.push(row);
        }
    }
    write.wrote_channels(service, rows).await;
    write.commit().await
}

fn row(
    id: ChannelId,
    guild: GuildId,
    imported: &ImportedChannel,
    created_at: DateTime<Utc>,
    position: i32,
) -> channel::Model {
    let topic = imported
        .topic
        .as_deref()
        .map(|topic| topic.chars().take(1_024).collect::<String>());
    channel::Model {
        id,
        guild_id: guild,
        parent_id: None,
        kind: ChannelKind::Text,
        name: ChannelName::parse(&imported.name).map_or_else(
            |_| format!("channel-{}", imported.external_id),
            ChannelName::into_string,
        ),
        topic: topic
            .and_then(|topic| Topic::parse(&topic).ok())
            .map(Topic::into_string)
            .filter(|topic| !topic.is_empty()),
        position,
        nsfw: false,
        slowmode_seconds: 0,
        archived_at: None,
        deleted_at: None,
        created_at,
        rev: 1,
    }
}

/// Nobody but those who are listed views the channel.
fn overwrites(
    id: ChannelId,
    guild: GuildId,
    audience: &ImportedAudience,
) -> Vec<permission_overwrite::Model> {
    let ImportedAudience::Only(users) = audience else {
        return Vec::new();
    };
    let view = Permissions::VIEW_CHANNEL.to_row();
    let everyone = permission_overwrite::Model {
        channel_id: id,
        target_kind: OverwriteTarget::Role,
        target_id: guild.0,
        allow: 0,
        deny: view,
    };
    let users: HashSet<&UserId> = users.iter().collect();
    let allowed = users.into_iter().map(|user| permission_overwrite::Model {
        channel_id: id,
        target_kind: OverwriteTarget::Member,
        target_id: user.0,
        allow: view,
        deny: 0,
    });
    std::iter::once(everyone).chain(allowed).collect()
}
