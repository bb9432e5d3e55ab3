//! What a channel allows and denies a role or a member.

use super::{
    Channel, Cx,
    act::{self, Act, Changes},
    channel::changed,
    found, read,
    write::Write,
};
use crate::{Error, error::Limit, store};
use commons_access::{ChannelSeat, GuildSeat, Permission, Permissions};
use commons_entities::{
    ChannelId, RoleId, UserId,
    channel::{AuditAction, OverwriteTarget, permission_overwrite},
};

/// Whom an overwrite is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// All who hold a role.
    Role(RoleId),
    /// One member.
    Member(UserId),
}

impl Target {
    pub(crate) fn columns(self) -> (OverwriteTarget, uuid::Uuid) {
        match self {
            Self::Role(id) => (OverwriteTarget::Role, id.0),
            Self::Member(id) => (OverwriteTarget::Member, id.0),
        }
    }
}

/// An overwrite as somebody wants it.
#[derive(Debug, Clone)]
pub struct OverwriteInput {
    /// For whom.
    pub target: Target,
    /// What they gain.
    pub allow: Permissions,
    /// What they lose.
    pub deny: Permissions,
}

/// Sets what a channel allows and denies a role or a member.
///
/// The actor must have what this newly allows, and what it no longer denies. Ranks do not count here.
pub async fn set_overwrite(cx: &Cx, id: ChannelId, input: OverwriteInput) -> Result<Option<Channel>, Error> {
    let seat = cx
        .access
        .channel(&cx.actor, id)
        .await?
        .require(Permission::ManageRoles)?;
    check_bits(&input)?;
    let (mut write, seat) = Write::seated_in_channel(cx, &seat).await?;
    check_target(&write, seat.guild(), input.target).await?;
    let before = store::overwrite(&write.tx, id, input.target).await?;
    if before.is_none() {
        Limit::Overwrites.check(store::overwrite_count(&write.tx, id).await?)?;
    }
    let (allowed, denied) = bits(before.as_ref());
    seat.standing()
        .may_grant(input.allow.difference(allowed) | denied.difference(input.deny))?;
    let was = before.as_ref().map(|_| (allowed, denied));
    let is = Some((input.allow, input.deny));
    let act = Act::new(AuditAction::OverwriteSet, act::Target::Channel(id));
    write.act(seat.guild(), act.changing(changes(input.target, was, is)));
    let row = store::put_overwrite(&write.tx, &seat, row(id, &input)).await?;
    changed(&mut write, cx, row).await;
    write.commit().await?;
    read::channel(cx, id).await
}

/// Removes what a channel says of a role or a member. The actor must have what was denied.
pub async fn clear_overwrite(cx: &Cx, id: ChannelId, target: Target) -> Result<Option<Channel>, Error> {
    let seat = cx
        .access
        .channel(&cx.actor, id)
        .await?
        .require(Permission::ManageRoles)?;
    let (mut write, seat) = Write::seated_in_channel(cx, &seat).await?;
    let before = found(store::overwrite(&write.tx, id, target).await?)?;
    clear(&seat, &before)?;
    let act = Act::new(AuditAction::OverwriteCleared, act::Target::Channel(id));
    write.act(
        seat.guild(),
        act.changing(changes(target, Some(bits(Some(&before))), None)),
    );
    let row = store::delete_overwrite(&write.tx, &seat, target).await?;
    changed(&mut write, cx, row).await;
    write.commit().await?;
    read::channel(cx, id).await
}

/// For whom, and what they gained and lost before and after; none is no overwrite.
fn changes(
    target: Target,
    before: Option<(Permissions, Permissions)>,
    after: Option<(Permissions, Permissions)>,
) -> Changes {
    let (set, cleared) = (after.is_some(), after.is_none());
    let changes = match target {
        Target::Role(id) => Changes::default().id("role", cleared.then_some(id), set.then_some(id)),
        Target::Member(id) => Changes::default().id("user", cleared.then_some(id), set.then_some(id)),
    };
    changes
        .permissions("allow", before.map(|bits| bits.0), after.map(|bits| bits.0))
        .permissions("deny", before.map(|bits| bits.1), after.map(|bits| bits.1))
}

fn clear(seat: &ChannelSeat, before: &permission_overwrite::Model) -> Result<(), Error> {
    Ok(seat.standing().may_grant(bits(Some(before)).1)?)
}

/// The overwrites of a channel that is being made.
pub(super) async fn insert_given(
    write: &Write,
    seat: &GuildSeat,
    channel: ChannelId,
    given: &[OverwriteInput],
) -> Result<(), Error> {
    if given.len() as u64 > Limit::Overwrites.most() {
        return Err(Error::Limit(Limit::Overwrites));
    }
    let mut targets = std::collections::HashSet::new();
    for input in given {
        check_bits(input)?;
        seat.standing().may_grant(input.allow)?;
        check_target(write, seat.guild(), input.target).await?;
        if !targets.insert(input.target) {
            return Err(Error::OverwriteTarget);
        }
    }
    let rows = given.iter().map(|input| row(channel, input)).collect();
    Ok(store::insert_overwrites(&write.tx, rows).await?)
}

/// A role of this guild, or somebody who is in it.
async fn check_target(write: &Write, guild: commons_entities::GuildId, target: Target) -> Result<(), Error> {
    match target {
        Target::Role(role) => found(store::role_in(&write.tx, guild, role).await?).map(|_| ()),
        Target::Member(user) => write.member(guild, user).await.map(|_| ()),
    }
}

fn check_bits(input: &OverwriteInput) -> Result<(), Error> {
    if input.allow.intersects(input.deny) {
        return Err(Error::OverwriteContradicts);
    }
    let outside = (input.allow | input.deny).difference(Permissions::IN_CHANNEL);
    if outside.is_empty() {
        Ok(())
    } else {
        Err(Error::OverwriteGuildOnly(outside.to_string()))
    }
}

fn bits(row: Option<&permission_overwrite::Model>) -> (Permissions, Permissions) {
    row.map_or_else(Default::default, |row| {
        (Permissions::from_row(row.allow), Permissions::from_row(row.deny))
    })
}

fn row(channel: ChannelId, input: &OverwriteInput) -> permission_overwrite::Model {
    let (target_kind, target_id) = input.target.columns();
    permission_overwrite::Model {
        channel_id: channel,
        target_kind,
        target_id,
        allow: input.allow.to_row(),
        deny: input.deny.to_row(),
    }
}
