//! Reading the audit log.
//!
//! Who may read it sees the entries of the channels that they see: a hidden channel is in no list, so it
//! is not in this one either, nor is its id among the changes. Whether a deleted channel was hidden is
//! not known any more, so those are for administrators, who saw them all.

use super::{Cx, Guild, act::Change, read};
use crate::{Error, store};
use commons_access::{Permission, Permissions};
use commons_entities::{
    ChannelId, GuildId, InviteId, RoleId, UserId,
    channel::{AuditAction, AuditTarget, audit_entry},
};
use commons_platform::page::{Page, PageArgs};
use serde_json::Value;
use std::collections::HashSet;

/// Which entries are wanted; what is none does not matter.
#[derive(Debug, Default)]
pub struct AuditWanted {
    /// Who did it.
    pub actor: Option<UserId>,
    /// To what: the id of a guild, channel, role, user or invite.
    pub target: Option<String>,
    /// What was done.
    pub action: Option<AuditAction>,
    /// Then or later.
    pub since: Option<chrono::DateTime<chrono::Utc>>,
}

/// Something that was done in a guild.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// The row.
    pub row: audit_entry::Model,
    /// What it changed, as the viewer may see it.
    pub changes: Vec<Change>,
}

/// The audit log of a guild, newest first, for who may view it.
pub async fn audit_log(
    cx: &Cx,
    guild: &Guild,
    wanted: AuditWanted,
    args: &PageArgs,
) -> Result<Page<AuditEntry>, Error> {
    let seat = guild.standing.clone().require(Permission::ViewAuditLog)?;
    let filter = store::AuditFilter {
        actor: wanted.actor,
        target: wanted.target.as_deref().map(target).transpose()?,
        action: wanted.action,
        since: wanted.since,
    };
    let visible = match seat.permissions().contains(Permissions::ADMINISTRATOR) {
        true => None,
        false => Some(visible(cx, guild.row.id).await?),
    };
    let rows = store::page_entries(cx.platform.db.read(), &seat, &filter, visible.as_ref(), args).await?;
    cx.spend(rows.len())?;
    Ok(Page::from_rows(args, rows).map(|row| AuditEntry {
        changes: shown(&row.changes, visible.as_ref()),
        row,
    }))
}

/// The guild's channels that the viewer sees.
async fn visible(cx: &Cx, guild: GuildId) -> Result<HashSet<ChannelId>, Error> {
    let visible = read::channels_of(cx, guild).await?;
    Ok(visible.iter().map(|channel| channel.row.id).collect())
}

/// Changes without the ids of channels that are not `visible`; of none are hidden where there is no such
/// list.
fn shown(changes: &str, visible: Option<&HashSet<ChannelId>>) -> Vec<Change> {
    let is_hidden = |value: &Value| {
        let channel = value.as_str().and_then(|text| text.parse::<ChannelId>().ok());
        channel.is_some_and(|id| visible.is_some_and(|visible| !visible.contains(&id)))
    };
    // What a newer version wrote in another form is not shown rather than shown wrongly.
    let mut changes: Vec<Change> = serde_json::from_str(changes).unwrap_or_default();
    for change in &mut changes {
        for value in [&mut change.before, &mut change.after] {
            if is_hidden(value) {
                *value = Value::Null;
            }
        }
    }
    changes
}

/// What an id names, whatever its kind.
fn target(id: &str) -> Result<(AuditTarget, uuid::Uuid), Error> {
    let guild = id.parse().map(|id: GuildId| (AuditTarget::Guild, id.0));
    guild
        .or_else(|_| id.parse().map(|id: ChannelId| (AuditTarget::Channel, id.0)))
        .or_else(|_| id.parse().map(|id: RoleId| (AuditTarget::Role, id.0)))
        .or_else(|_| id.parse().map(|id: UserId| (AuditTarget::User, id.0)))
        .or_else(|_| id.parse().map(|id: InviteId| (AuditTarget::Invite, id.0)))
        .map_err(|_: commons_entities::IdError| Error::NoAuditTarget)
}
