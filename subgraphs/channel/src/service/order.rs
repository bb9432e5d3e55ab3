//! Putting channels and roles in order.
//!
//! The things that are named change places among themselves; those that are not keep theirs. So
//! nobody needs to know, or learns, what they do not see.

use super::{
    Channel, Cx, Guild,
    channel::{changed, updated},
    found, read, role,
    write::Write,
};
use crate::{
    Error,
    error::Limit,
    events::{self, Happened},
    store,
};
use commons_access::{Permission, Subject, channels_in};
use commons_entities::{ChannelId, GuildId, RoleId, channel::role as role_row};
use commons_platform::ApiError;
use std::{collections::HashSet, hash::Hash};

/// Puts channels of a guild in this order, and gives the guild's visible channels.
pub async fn move_channels(cx: &Cx, guild: GuildId, order: &[ChannelId]) -> Result<Vec<Channel>, Error> {
    let seat = cx
        .access
        .guild(&cx.actor, guild)
        .await?
        .require(Permission::ManageChannels)?;
    check_order("channelIds", order, Limit::Channels)?;
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    let keys: Vec<_> = order.iter().map(|id| (*id, seat.user())).collect();
    let standings = channels_in(&write.tx, &keys, write.now).await?;
    if !standings
        .iter()
        .all(|standing| standing.as_ref().is_some_and(|found| found.guild() == guild))
    {
        return Err(ApiError::not_found().into());
    }
    let streams: Vec<_> = order.iter().map(|id| id.0).collect();
    write.lock(&streams).await?;
    let mut rows = store::channels_by_id(&write.tx, order).await?;
    rows.sort_by_key(|row| (row.position, row.id));
    for (row, position) in placed(rows, order, |row| (row.id, row.position)) {
        let before = row.clone();
        let row = store::place_channel(&write.tx, &seat, row, position).await?;
        write.act(guild, updated(&before, &row));
        changed(&mut write, cx, row).await;
    }
    write.commit().await?;
    read::channels_of(cx, guild).await
}

/// Puts roles of a guild in this order, highest first.
pub async fn move_roles(cx: &Cx, guild: GuildId, order: &[RoleId]) -> Result<Guild, Error> {
    let seat = cx
        .access
        .guild(&cx.actor, guild)
        .await?
        .require(Permission::ManageRoles)?;
    check_order("roleIds", order, Limit::Roles)?;
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    let mut rows: Vec<role_row::Model> = store::all_roles(&write.tx, guild).await?;
    rows.retain(|row| order.contains(&row.id));
    if rows.len() < order.len() {
        return Err(ApiError::not_found().into());
    }
    for row in &rows {
        if row.position == 0 {
            return Err(Error::EveryoneFixed);
        }
        seat.standing().outranks_role(row.position)?;
    }
    rows.sort_by_key(|row| std::cmp::Reverse((row.position, row.id)));
    let mut moved = Vec::new();
    for (row, position) in placed(rows, order, |row| (row.id, row.position)) {
        let before = row.clone();
        let row = store::place_role(&write.tx, &seat, row, position).await?;
        write.act(guild, role::updated(&before, &row));
        moved.push(row);
    }
    if !moved.is_empty() {
        let row = store::touch_guild(&write.tx, guild).await?;
        write.event(Happened::to_guild(events::ROLES_MOVED, &row));
        write.standing(Subject::Guild(guild));
        write.wrote_guild(cx, row).await;
        write.wrote_roles(cx, moved).await;
        write.commit().await?;
    }
    found(read::guild(cx, guild).await?)
}

/// The rows whose place changes, each with the place that its turn in `order` gives it; `rows` are in
/// the order of now, and all that `order` names.
fn placed<Row: Clone, Id: PartialEq + Copy>(
    rows: Vec<Row>,
    order: &[Id],
    key: impl Fn(&Row) -> (Id, i32),
) -> Vec<(Row, i32)> {
    let places: Vec<i32> = rows.iter().map(|row| key(row).1).collect();
    let turns = order.iter().zip(places).filter_map(|(id, place)| {
        let row = rows.iter().find(|row| key(row).0 == *id)?;
        (key(row).1 != place).then(|| (row.clone(), place))
    });
    turns.collect()
}

fn check_order<Id: Eq + Hash>(field: &'static str, order: &[Id], limit: Limit) -> Result<(), Error> {
    let max = usize::try_from(limit.most()).expect("limits are small");
    let distinct: HashSet<&Id> = order.iter().collect();
    if order.is_empty() || order.len() > max || distinct.len() < order.len() {
        return Err(Error::OrderMalformed { field, max });
    }
    Ok(())
}
