//! What happens to members: roles given and taken, nicknames, leaving and being removed.

use super::{
    ChannelService, Cx, Member,
    act::{Act, Changes, Target},
    found, read, role, text,
    write::Write,
};
use crate::{
    Error,
    events::{self, Happened},
    loaders::MemberKey,
    store,
};
use commons_access::{GuildSeat, GuildStanding, Permission, Permissions, Subject};
use commons_content::{Nickname, Reason};
use commons_entities::{
    GuildId, RoleId, UserId,
    channel::{AuditAction, guild_timeout, role as role_row},
};

/// Gives a member a role below the actor's own. Idempotent.
pub async fn assign_role(cx: &Cx, id: RoleId, user: UserId) -> Result<Member, Error> {
    let seat = role::seat(cx, id).await?;
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    let role = check_role(&write, &seat, id, user).await?;
    seat.standing()
        .may_grant(Permissions::from_row(role.permissions))?;
    if store::add_role(&write.tx, &seat, user, id).await? {
        let changes = Changes::default().id("role", None, Some(id));
        let act = Act::new(AuditAction::RoleAssigned, Target::User(user)).changing(changes);
        roles_changed(&mut write, cx, seat.guild(), user, act).await?;
        write.commit().await?;
    }
    found(read::member(cx, seat.guild(), user).await?)
}

/// Takes a role below the actor's own from a member. Idempotent.
pub async fn unassign_role(cx: &Cx, id: RoleId, user: UserId) -> Result<Member, Error> {
    let seat = role::seat(cx, id).await?;
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    check_role(&write, &seat, id, user).await?;
    if store::remove_role(&write.tx, &seat, user, id).await? {
        let changes = Changes::default().id("role", Some(id), None);
        let act = Act::new(AuditAction::RoleUnassigned, Target::User(user)).changing(changes);
        roles_changed(&mut write, cx, seat.guild(), user, act).await?;
        write.commit().await?;
    }
    found(read::member(cx, seat.guild(), user).await?)
}

async fn check_role(
    write: &Write,
    seat: &GuildSeat,
    id: RoleId,
    user: UserId,
) -> Result<role_row::Model, Error> {
    let role = found(store::role_in(&write.tx, seat.guild(), id).await?)?;
    if role.position == 0 {
        return Err(Error::EveryoneFixed);
    }
    let target = write.member(seat.guild(), user).await?;
    seat.standing().outranks_role(role.position)?;
    outranks_another(seat, &target)?;
    Ok(role)
}

/// Nobody acts on a member at or above their own top role; everybody may act on themselves with what
/// is below it.
fn outranks_another(seat: &GuildSeat, target: &GuildStanding) -> Result<(), Error> {
    if target.user() != seat.user() {
        seat.standing().outranks_member(target)?;
    }
    Ok(())
}

async fn roles_changed(
    write: &mut Write,
    cx: &Cx,
    guild: GuildId,
    user: UserId,
    act: Act,
) -> Result<(), Error> {
    write.act(guild, act);
    let row = store::touch_member(&write.tx, guild, user).await?;
    write.event(Happened::to_member(events::MEMBER_UPDATED, &row));
    write.standing(Subject::Member(guild, user));
    write.wrote_members(cx, vec![row]).await;
    Ok(())
}

/// Sets or clears a nickname: one's own, or that of a member below.
pub async fn update_member(
    cx: &Cx,
    guild: GuildId,
    user: UserId,
    nickname: Option<Option<String>>,
) -> Result<Member, Error> {
    let standing = cx.access.guild(&cx.actor, guild).await?;
    let permission = if standing.user() == user {
        Permission::ChangeNickname
    } else {
        Permission::ManageNicknames
    };
    let seat = standing.require(permission)?;
    let nickname = super::cleared("nickname", nickname.as_ref(), Nickname::parse)?;
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    let target = write.member(guild, user).await?;
    outranks_another(&seat, &target)?;
    if let Some(nickname) = nickname {
        let before = found(store::member(&write.tx, guild, user).await?)?;
        let row = store::set_nickname(&write.tx, &seat, user, nickname).await?;
        let changes =
            Changes::default().text("nickname", before.nickname.as_deref(), row.nickname.as_deref());
        write.act(
            guild,
            Act::new(AuditAction::MemberUpdated, Target::User(user)).changing(changes),
        );
        write.event(Happened::to_member(events::MEMBER_UPDATED, &row));
        write.wrote_members(cx, vec![row]).await;
        write.commit().await?;
    }
    found(read::member(cx, guild, user).await?)
}

/// The actor leaves. Who owns a guild cannot.
pub async fn leave_guild(cx: &Cx, guild: GuildId) -> Result<(), Error> {
    let seat = cx.access.guild(&cx.actor, guild).await?.member();
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    if seat.standing().is_owner() {
        return Err(Error::OwnerCannotLeave);
    }
    remove(cx, &mut write, guild, seat.user()).await?;
    write.commit().await
}

/// Removes a member below the actor, who may come back with an invite. What they made stays.
pub async fn kick_member(cx: &Cx, guild: GuildId, user: UserId, reason: Option<String>) -> Result<(), Error> {
    let seat = cx
        .access
        .guild(&cx.actor, guild)
        .await?
        .require(Permission::KickMembers)?;
    let reason = text("reason", reason.as_deref().map(Reason::parse).transpose())?;
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    let target = write.member(guild, user).await?;
    seat.standing().outranks_member(&target)?;
    remove(cx, &mut write, guild, user).await?;
    write.act(
        guild,
        Act::new(AuditAction::MemberKicked, Target::User(user)).because(reason),
    );
    write.commit().await
}

/// Removes a member with all that tells of it. A time-out that is not over waits for them.
pub(super) async fn remove(
    service: &ChannelService,
    write: &mut Write,
    guild: GuildId,
    user: UserId,
) -> Result<(), Error> {
    let row = store::delete_member(&write.tx, guild, user).await?;
    if let Some(until) = row.timed_out_until.filter(|until| *until > write.now) {
        let kept = guild_timeout::Model {
            guild_id: guild,
            user_id: user,
            until,
        };
        store::keep_timeout(&write.tx, kept).await?;
    }
    write.event(Happened::to_member(events::MEMBER_LEFT, &row));
    write.standing(Subject::Member(guild, user));
    write.removed_member(service, MemberKey { guild, user }).await;
    Ok(())
}
