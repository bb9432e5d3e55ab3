//! Making, changing, archiving and deleting channels.

use super::{
    Channel, ChannelService, Cx,
    act::{Act, Changes, Target},
    cleared, found,
    overwrite::{self, OverwriteInput},
    read, text, within,
    write::Write,
};
use crate::{Error, error::Limit, events::Happened, store};
use commons_access::{ChannelSeat, Permission, Subject, channels_in};
use commons_content::{ChannelName, Topic};
use commons_entities::{
    ChannelId, GuildId,
    channel::{AuditAction, ChannelKind, channel},
};
use commons_platform::ApiError;
use commons_streams::log;

/// Six hours.
const LONGEST_SLOWMODE: i32 = 21_600;

/// What somebody gives to make a channel.
#[derive(Debug)]
pub struct NewChannel {
    /// What it is for.
    pub kind: ChannelKind,
    /// What it is called.
    pub name: String,
    /// What is talked about in it.
    pub topic: Option<String>,
    /// The category it stands under.
    pub parent: Option<ChannelId>,
    /// Not for everybody's eyes.
    pub nsfw: bool,
    /// Seconds between two messages of one member.
    pub slowmode_seconds: i32,
    /// In place of those that the category would give.
    pub overwrites: Option<Vec<OverwriteInput>>,
}

/// What of a channel is changed; an inner none clears.
#[derive(Debug, Default)]
pub struct ChannelChange {
    /// What it is called.
    pub name: Option<String>,
    /// What is talked about in it.
    pub topic: Option<Option<String>>,
    /// Not for everybody's eyes.
    pub nsfw: Option<bool>,
    /// Seconds between two messages of one member.
    pub slowmode_seconds: Option<i32>,
    /// The category it stands under.
    pub parent: Option<Option<ChannelId>>,
}

/// Makes a channel at the end of the list. It has the overwrites that are given, else those of its
/// category as they are now.
pub async fn create_channel(cx: &Cx, guild: GuildId, input: NewChannel) -> Result<Option<Channel>, Error> {
    let seat = cx
        .access
        .guild(&cx.actor, guild)
        .await?
        .require(Permission::ManageChannels)?;
    let name = text("name", ChannelName::parse(&input.name))?;
    let topic = text("topic", input.topic.as_deref().map(Topic::parse).transpose())?;
    let slowmode_seconds = within("slowmodeSeconds", input.slowmode_seconds, 0, LONGEST_SLOWMODE)?;
    check_kind(input.kind, topic.is_some(), slowmode_seconds)?;

    let (mut write, seat) = Write::seated(cx, &seat).await?;
    let list = store::channel_list(&write.tx, guild).await?;
    Limit::Channels.check(list.count)?;
    if let Some(parent) = input.parent {
        check_parent(&seat_of(&write, parent, seat.user()).await?, guild, input.kind)?;
    }
    let row = channel::Model {
        id: ChannelId(cx.platform.clock.new_id()),
        guild_id: guild,
        parent_id: input.parent,
        kind: input.kind,
        name: name.into_string(),
        topic: topic.map(Topic::into_string).filter(|topic| !topic.is_empty()),
        position: list.next_position,
        nsfw: input.nsfw,
        slowmode_seconds,
        archived_at: None,
        deleted_at: None,
        created_at: write.now,
        rev: 1,
    };
    let id = row.id;
    let changes = Changes::of_channel(None, &row);
    write.act(
        guild,
        Act::new(AuditAction::ChannelCreated, Target::Channel(id)).changing(changes),
    );
    log::create(&write.tx, id.0).await?;
    store::insert_channel(&write.tx, row).await?;
    match (input.overwrites, input.parent) {
        (Some(given), _) => {
            let seat = seat.standing().clone().require(Permission::ManageRoles)?;
            overwrite::insert_given(&write, &seat, id, &given).await?;
        }
        (None, Some(parent)) => store::copy_overwrites(&write.tx, parent, id).await?,
        (None, None) => {}
    }
    write.standing(Subject::Channel(id));
    write.commit().await?;
    read::channel(cx, id).await
}

/// Changes a channel.
pub async fn update_channel(cx: &Cx, id: ChannelId, change: ChannelChange) -> Result<Option<Channel>, Error> {
    let seat = cx
        .access
        .channel(&cx.actor, id)
        .await?
        .require(Permission::ManageChannels)?;
    let slowmode_seconds = change.slowmode_seconds;
    let slowmode_seconds =
        slowmode_seconds.map(|value| within("slowmodeSeconds", value, 0, LONGEST_SLOWMODE));
    let parsed = store::ChannelChange {
        name: text("name", change.name.as_deref().map(ChannelName::parse).transpose())?,
        topic: cleared("topic", change.topic.as_ref(), Topic::parse)?,
        nsfw: change.nsfw,
        slowmode_seconds: slowmode_seconds.transpose()?,
        parent: change.parent,
    };
    let has_topic = parsed.topic.as_ref().is_some_and(Option::is_some);
    let (mut write, seat) = Write::seated_in_channel(cx, &seat).await?;
    check_kind(
        seat.facts().kind,
        has_topic,
        parsed.slowmode_seconds.unwrap_or_default(),
    )?;
    if let Some(Some(parent)) = parsed.parent {
        check_parent(
            &seat_of(&write, parent, seat.user()).await?,
            seat.guild(),
            seat.facts().kind,
        )?;
    }
    let before = found(store::channels_by_id(&write.tx, &[id]).await?.pop())?;
    let row = store::update_channel(&write.tx, &seat, parsed).await?;
    write.act(seat.guild(), updated(&before, &row));
    changed(&mut write, cx, row).await;
    write.commit().await?;
    read::channel(cx, id).await
}

/// Closes a channel: it can be read and nothing can be sent. Idempotent.
pub async fn archive_channel(cx: &Cx, id: ChannelId) -> Result<Option<Channel>, Error> {
    let seat = cx
        .access
        .channel(&cx.actor, id)
        .await?
        .require(Permission::ManageChannels)?;
    let (write, seat) = Write::seated_in_channel(cx, &seat).await?;
    if seat.facts().kind == ChannelKind::Category {
        return Err(Error::NotForCategories);
    }
    let at = Some(write.now);
    set_archived(cx, write, &seat, at).await
}

/// Opens an archived channel again. Idempotent.
pub async fn unarchive_channel(cx: &Cx, id: ChannelId) -> Result<Option<Channel>, Error> {
    let seat = cx
        .access
        .channel(&cx.actor, id)
        .await?
        .require(Permission::ManageChannels)?;
    let (write, seat) = Write::seated_in_channel(cx, &seat).await?;
    set_archived(cx, write, &seat, None).await
}

async fn set_archived(
    cx: &Cx,
    mut write: Write,
    seat: &ChannelSeat,
    at: Option<chrono::DateTime<chrono::Utc>>,
) -> Result<Option<Channel>, Error> {
    if seat.facts().archived_at.is_some() != at.is_some() {
        let row = store::set_archived(&write.tx, seat, at).await?;
        let action = match at {
            Some(_) => AuditAction::ChannelArchived,
            None => AuditAction::ChannelUnarchived,
        };
        write.act(seat.guild(), Act::new(action, Target::Channel(row.id)));
        changed(&mut write, cx, row).await;
        write.commit().await?;
    }
    read::channel(cx, seat.channel()).await
}

/// Deletes a channel for everybody and gives its guild; what stood under a category stands on its own
/// from then on.
pub async fn delete_channel(cx: &Cx, id: ChannelId) -> Result<GuildId, Error> {
    let seat = cx
        .access
        .channel(&cx.actor, id)
        .await?
        .require(Permission::ManageChannels)?;
    let (mut write, seat) = Write::seated_in_channel(cx, &seat).await?;
    let row = store::delete_channel(&write.tx, &seat, write.now).await?;
    let children = store::orphan_channels(&write.tx, &seat).await?;
    let streams: Vec<_> = children.iter().map(|child| child.id.0).collect();
    write.lock(&streams).await?;
    for child in children {
        changed(&mut write, cx, child).await;
    }
    write.act(
        seat.guild(),
        Act::new(AuditAction::ChannelDeleted, Target::Channel(id)),
    );
    write.standing(Subject::Channel(id));
    write.wrote_channels(cx, vec![row]).await;
    write.commit().await?;
    Ok(seat.guild())
}

/// The act of having changed a channel.
pub(super) fn updated(before: &channel::Model, after: &channel::Model) -> Act {
    Act::new(AuditAction::ChannelUpdated, Target::Channel(after.id))
        .changing(Changes::of_channel(Some(before), after))
}

/// A channel's row is another: its stream says so, and so do its facts, which access keeps.
pub(super) async fn changed(write: &mut Write, service: &ChannelService, row: channel::Model) {
    write.event(Happened::to_channel(&row));
    write.standing(Subject::Channel(row.id));
    write.wrote_channels(service, vec![row]).await;
}

async fn seat_of(
    write: &Write,
    parent: ChannelId,
    user: commons_entities::UserId,
) -> Result<ChannelSeat, Error> {
    let standing = channels_in(&write.tx, &[(parent, user)], write.now)
        .await?
        .into_iter()
        .next()
        .flatten();
    let standing = standing.ok_or_else(ApiError::not_found)?;
    Ok(standing.require(Permission::ManageChannels)?)
}

fn check_parent(parent: &ChannelSeat, guild: GuildId, kind: ChannelKind) -> Result<(), Error> {
    let fits = parent.guild() == guild
        && parent.facts().kind == ChannelKind::Category
        && kind != ChannelKind::Category;
    if fits {
        Ok(())
    } else {
        Err(Error::ParentNotCategory)
    }
}

fn check_kind(kind: ChannelKind, has_topic: bool, slowmode_seconds: i32) -> Result<(), Error> {
    let fits = kind != ChannelKind::Category || !has_topic && slowmode_seconds == 0;
    if fits {
        Ok(())
    } else {
        Err(Error::NotForCategories)
    }
}
