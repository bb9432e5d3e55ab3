//! Founding a guild, changing it, giving it away, deleting it.

use super::{
    ChannelService, Cx, Guild,
    act::{Act, Changes, Target},
    cleared, found, read, text,
    write::Write,
};
use crate::{
    Error,
    error::Limit,
    events::{self, Happened},
    store,
};
use commons_access::{GuildStanding, Permission, Permissions, Subject};
use commons_content::{Bio, ChannelName, GuildName, HttpsUrl};
use commons_entities::{
    ChannelId, GuildId, RoleId, UserId,
    channel::{AuditAction, ChannelKind, channel, guild, guild_member, role},
};
use commons_jobs::Effect;
use commons_streams::log;

/// The first channel of a new guild.
const FIRST_CHANNEL: &str = "general";

/// What somebody gives to found a guild.
#[derive(Debug)]
pub struct NewGuild {
    /// What it is called.
    pub name: String,
    /// A few words.
    pub description: Option<String>,
    /// A picture.
    pub icon_url: Option<String>,
}

/// What of a guild is changed; an inner none clears.
#[derive(Debug, Default)]
pub struct GuildChange {
    /// What it is called.
    pub name: Option<String>,
    /// A few words.
    pub description: Option<Option<String>>,
    /// A picture.
    pub icon_url: Option<Option<String>>,
}

/// Founds a guild: the actor owns it and is its first member, and it has a channel to talk in.
pub async fn create_guild(cx: &Cx, input: NewGuild) -> Result<Guild, Error> {
    let owner: UserId = cx.actor.user()?;
    let name = text("name", GuildName::parse(&input.name))?;
    let change = parsed(GuildChange {
        name: None,
        description: input.description.map(Some),
        icon_url: input.icon_url.map(Some),
    })?;

    let mut write = Write::begin(cx, Some(owner)).await?;
    write.turn_of(owner).await?;
    Limit::Guilds.check(store::guild_count_of(&write.tx, owner).await?)?;
    let row = guild::Model {
        id: GuildId(cx.platform.clock.new_id()),
        name: name.into_string(),
        description: change.description.flatten().map(Bio::into_string),
        icon_url: change.icon_url.flatten().map(HttpsUrl::into_string),
        owner_id: owner,
        created_at: write.now,
        deleted_at: None,
        rev: 1,
    };
    found_guild(&mut write, row.clone()).await?;
    let first = ChannelName::parse(FIRST_CHANNEL).expect("the first channel's name is one");
    let channel = channel::Model {
        id: ChannelId(cx.platform.clock.new_id()),
        guild_id: row.id,
        parent_id: None,
        kind: ChannelKind::Text,
        name: first.into_string(),
        topic: None,
        position: 0,
        nsfw: false,
        slowmode_seconds: 0,
        archived_at: None,
        deleted_at: None,
        created_at: write.now,
        rev: 1,
    };
    log::create(&write.tx, channel.id.0).await?;
    store::insert_channel(&write.tx, channel).await?;
    write.commit().await?;
    found(read::guild(cx, row.id).await?)
}

/// Writes a guild with its stream, its `@everyone` and its owner as the first member.
pub(super) async fn found_guild(write: &mut Write, row: guild::Model) -> Result<(), Error> {
    let (id, owner) = (row.id, row.owner_id);
    log::create(&write.tx, id.0).await?;
    let changes = Changes::of_guild(None, &row);
    write.act(
        id,
        Act::new(AuditAction::GuildCreated, Target::Guild(id)).changing(changes),
    );
    store::insert_guild(&write.tx, row).await?;
    let everyone = role::Model {
        id: RoleId(id.0),
        guild_id: id,
        name: "@everyone".to_owned(),
        position: 0,
        permissions: Permissions::DEFAULT.to_row(),
        color: None,
        hoist: false,
        mentionable: false,
        created_at: write.now,
        rev: 1,
    };
    store::insert_role(&write.tx, everyone).await?;
    let member = joined(id, owner, write.now, write.now);
    store::insert_members(&write.tx, std::slice::from_ref(&member)).await?;
    write.event(Happened::to_member(events::MEMBER_JOINED, &member));
    write.standing(Subject::Guild(id));
    write.standing(Subject::Member(id, owner));
    Ok(())
}

/// A new membership. Its revisions start above those of any before it, so that caches cannot take an
/// old one for newer.
pub(super) fn joined(
    guild: GuildId,
    user: UserId,
    joined_at: chrono::DateTime<chrono::Utc>,
    now: chrono::DateTime<chrono::Utc>,
) -> guild_member::Model {
    guild_member::Model {
        guild_id: guild,
        user_id: user,
        nickname: None,
        joined_at,
        timed_out_until: None,
        rev: now.timestamp_millis(),
    }
}

/// Changes what a guild is called and how it looks.
pub async fn update_guild(cx: &Cx, id: GuildId, change: GuildChange) -> Result<Guild, Error> {
    let seat = cx
        .access
        .guild(&cx.actor, id)
        .await?
        .require(Permission::ManageGuild)?;
    let change = parsed(change)?;
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    let before = found(store::live_guild(&write.tx, id).await?)?;
    let row = store::update_guild(&write.tx, &seat, change).await?;
    let changes = Changes::of_guild(Some(&before), &row);
    write.act(
        id,
        Act::new(AuditAction::GuildUpdated, Target::Guild(id)).changing(changes),
    );
    write.event(Happened::to_guild(events::GUILD_UPDATED, &row));
    write.wrote_guild(cx, row).await;
    write.commit().await?;
    found(read::guild(cx, id).await?)
}

/// Makes another member the owner.
pub async fn transfer_guild(cx: &Cx, id: GuildId, to: UserId) -> Result<Guild, Error> {
    let seat = cx.access.guild(&cx.actor, id).await?.member();
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    if !seat.standing().is_owner() {
        return Err(Error::NotOwner);
    }
    let next = write.member(id, to).await?;
    give(cx, &mut write, &next).await?;
    write.commit().await?;
    found(read::guild(cx, id).await?)
}

/// Makes a member the owner of their guild.
pub(super) async fn give(
    service: &ChannelService,
    write: &mut Write,
    next: &GuildStanding,
) -> Result<(), Error> {
    let id = next.guild();
    let before = found(store::live_guild(&write.tx, id).await?)?;
    let row = store::transfer_guild(&write.tx, next).await?;
    let changes = Changes::of_guild(Some(&before), &row);
    write.act(
        id,
        Act::new(AuditAction::GuildTransferred, Target::Guild(id)).changing(changes),
    );
    write.event(Happened::to_guild(events::GUILD_UPDATED, &row));
    write.standing(Subject::Guild(id));
    write.wrote_guild(service, row).await;
    Ok(())
}

/// Deletes a guild: it is gone at once for everybody, and what was in it is erased by and by.
pub async fn delete_guild(cx: &Cx, id: GuildId) -> Result<(), Error> {
    let seat = cx.access.guild(&cx.actor, id).await?.member();
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    if !seat.standing().is_owner() {
        return Err(Error::NotOwner);
    }
    remove(cx, &mut write, id).await?;
    write.commit().await
}

/// From this transaction on the guild does not exist, and every domain erases what it has of it.
pub(super) async fn remove(service: &ChannelService, write: &mut Write, id: GuildId) -> Result<(), Error> {
    let row = store::delete_guild(&write.tx, id, write.now).await?;
    write.act(id, Act::new(AuditAction::GuildDeleted, Target::Guild(id)));
    write.effect(Effect::EraseGuild { guild: id });
    write.standing(Subject::Guild(id));
    write.wrote_guild(service, row).await;
    Ok(())
}

fn parsed(change: GuildChange) -> Result<store::GuildChange, Error> {
    Ok(store::GuildChange {
        name: text("name", change.name.as_deref().map(GuildName::parse).transpose())?,
        description: cleared("description", change.description.as_ref(), Bio::parse)?,
        icon_url: cleared("iconUrl", change.icon_url.as_ref(), HttpsUrl::parse)?,
    })
}
