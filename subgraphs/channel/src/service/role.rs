//! Making, changing and deleting roles.

use super::{
    Cx, Guild,
    act::{Act, Changes, Target},
    channel::changed,
    found, overwrite, read, text, within,
    write::Write,
};
use crate::{
    Error,
    error::Limit,
    events::{self, Happened},
    loaders::RoleRow,
    store,
};
use commons_access::{GuildSeat, Permission, Permissions, Subject};
use commons_content::RoleName;
use commons_entities::{
    ChannelId, GuildId, RoleId,
    channel::{AuditAction, role},
};
use std::sync::Arc;

/// What a role is, or what of it is changed; an inner none clears.
#[derive(Debug, Default)]
pub struct RoleChange {
    /// What it is called.
    pub name: Option<String>,
    /// What those who hold it may do.
    pub permissions: Option<Permissions>,
    /// 0xRRGGBB.
    pub color: Option<Option<i32>>,
    /// Its members are listed apart.
    pub hoist: Option<bool>,
    /// Anybody may mention it.
    pub mentionable: Option<bool>,
}

/// Makes a role, the lowest above `@everyone`.
pub async fn create_role(cx: &Cx, guild: GuildId, input: RoleChange) -> Result<Arc<RoleRow>, Error> {
    let seat = cx
        .access
        .guild(&cx.actor, guild)
        .await?
        .require(Permission::ManageRoles)?;
    let change = parsed(&input)?;
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    seat.standing().outranks_role(0)?;
    seat.standing()
        .may_grant(change.permissions.unwrap_or_default())?;
    let others = store::all_roles(&write.tx, guild).await?;
    Limit::Roles.check(others.len() as u64)?;
    let mut written = store::make_room_for_role(&write.tx, &seat).await?;
    let moved = !written.is_empty();
    let row = role::Model {
        id: RoleId(cx.platform.clock.new_id()),
        guild_id: guild,
        name: change
            .name
            .map_or_else(|| "new role".to_owned(), RoleName::into_string),
        position: 1,
        permissions: change.permissions.unwrap_or_default().to_row(),
        color: change.color.flatten(),
        hoist: change.hoist.unwrap_or_default(),
        mentionable: change.mentionable.unwrap_or_default(),
        created_at: write.now,
        rev: 1,
    };
    store::insert_role(&write.tx, row.clone()).await?;
    let act = Act::new(AuditAction::RoleCreated, Target::Role(row.id));
    write.act(guild, act.changing(Changes::of_role(None, &row)));
    write.event(Happened::to_role(events::ROLE_CREATED, &row));
    if moved {
        let row = store::touch_guild(&write.tx, guild).await?;
        write.event(Happened::to_guild(events::ROLES_MOVED, &row));
        write.wrote_guild(cx, row).await;
    }
    written.push(row.clone());
    write.standing(Subject::Guild(guild));
    write.wrote_roles(cx, written).await;
    write.commit().await?;
    Ok(Arc::new(RoleRow(row)))
}

/// Changes a role below the actor's own.
pub async fn update_role(cx: &Cx, id: RoleId, change: RoleChange) -> Result<Arc<RoleRow>, Error> {
    let seat = seat(cx, id).await?;
    let change = parsed(&change)?;
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    let before = found(store::role_in(&write.tx, seat.guild(), id).await?)?;
    seat.standing().outranks_role(before.position)?;
    let is_everyone = before.position == 0;
    if is_everyone && (change.name.is_some() || change.hoist.is_some() || change.color.is_some()) {
        return Err(Error::EveryoneFixed);
    }
    if let Some(permissions) = change.permissions {
        seat.standing()
            .may_grant(permissions.difference(Permissions::from_row(before.permissions)))?;
    }
    let row = store::update_role(&write.tx, &seat, before.clone(), change).await?;
    write.act(seat.guild(), updated(&before, &row));
    write.event(Happened::to_role(events::ROLE_UPDATED, &row));
    write.standing(Subject::Guild(seat.guild()));
    write.wrote_roles(cx, vec![row.clone()]).await;
    write.commit().await?;
    Ok(Arc::new(RoleRow(row)))
}

/// Deletes a role below the actor's own: nobody holds it any more, and no channel speaks of it.
pub async fn delete_role(cx: &Cx, id: RoleId) -> Result<Guild, Error> {
    let seat = seat(cx, id).await?;
    let guild = seat.guild();
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    let row = found(store::role_in(&write.tx, guild, id).await?)?;
    if row.position == 0 {
        return Err(Error::EveryoneFixed);
    }
    seat.standing().outranks_role(row.position)?;
    let channels = store::channels_with_overwrite_of(&write.tx, overwrite::Target::Role(id)).await?;
    let channels: Vec<ChannelId> = channels.into_iter().map(|(_, channel)| channel).collect();
    let streams: Vec<_> = channels.iter().map(|id| id.0).collect();
    write.lock(&streams).await?;
    for row in store::delete_role(&write.tx, &seat, &row, &channels).await? {
        changed(&mut write, cx, row).await;
    }
    write.act(guild, Act::new(AuditAction::RoleDeleted, Target::Role(id)));
    write.event(Happened::to_role(events::ROLE_DELETED, &row));
    write.standing(Subject::Guild(guild));
    write.removed(&cx.roles, id).await;
    write.commit().await?;
    found(read::guild(cx, guild).await?)
}

/// The act of having changed a role.
pub(super) fn updated(before: &role::Model, after: &role::Model) -> Act {
    Act::new(AuditAction::RoleUpdated, Target::Role(after.id)).changing(Changes::of_role(Some(before), after))
}

/// The right to manage roles in the guild of a role that the actor sees.
pub(super) async fn seat(cx: &Cx, id: RoleId) -> Result<GuildSeat, Error> {
    cx.actor.user::<commons_entities::UserId>()?;
    let role = found(read::role(cx, id).await?)?;
    Ok(cx
        .access
        .guild(&cx.actor, role.guild_id)
        .await?
        .require(Permission::ManageRoles)?)
}

fn parsed(change: &RoleChange) -> Result<store::RoleChange, Error> {
    let color = change.color.map(|color| {
        color
            .map(|color| within("color", color, 0, 0xff_ff_ff))
            .transpose()
    });
    Ok(store::RoleChange {
        name: text("name", change.name.as_deref().map(RoleName::parse).transpose())?,
        permissions: change.permissions,
        color: color.transpose()?,
        hoist: change.hoist,
        mentionable: change.mentionable,
    })
}
