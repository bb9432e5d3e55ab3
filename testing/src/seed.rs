//! Rows of other domains, written straight to their tables.
//!
//! Nothing is announced and no change is recorded: seed before what is tested has looked.

use commons_access::{Permissions, compute::Target};
use commons_entities::{
    ChannelId, GuildId, RoleId, SessionId, UserId,
    channel::{
        ChannelKind, OverwriteTarget, channel, guild, guild_member, member_role, permission_overwrite, role,
    },
    user::{UserKind, session, user},
};
use commons_platform::{clock::Clock, db::Db};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};

/// A person.
pub async fn user(db: &Db, clock: &dyn Clock, username: &str) -> UserId {
    let id = UserId(clock.new_id());
    let row = user::ActiveModel {
        id: Set(id),
        kind: Set(UserKind::Person),
        username: Set(username.to_owned()),
        display_name: Set(username.to_owned()),
        bio: Set(None),
        avatar_url: Set(None),
        email: Set(None),
        password_hash: Set(None),
        administrator: Set(false),
        created_at: Set(clock.now()),
        deleted_at: Set(None),
        rev: Set(1),
    };
    row.insert(db.writer()).await.unwrap();
    id
}

/// A session of a person.
pub async fn session(db: &Db, clock: &dyn Clock, user: UserId) -> SessionId {
    let id = SessionId(clock.new_id());
    let row = session::ActiveModel {
        id: Set(id),
        user_id: Set(user),
        device: Set(None),
        address: Set(None),
        created_at: Set(clock.now()),
        last_seen_at: Set(clock.now()),
        expires_at: Set(clock.now() + chrono::TimeDelta::days(30)),
        revoked_at: Set(None),
        rev: Set(1),
    };
    row.insert(db.writer()).await.unwrap();
    id
}

/// A guild with its owner as a member, and an `@everyone` that may do this.
pub async fn guild(db: &Db, clock: &dyn Clock, owner: UserId, everyone: Permissions) -> GuildId {
    let id = GuildId(clock.new_id());
    let row = guild::ActiveModel {
        id: Set(id),
        name: Set("guild".to_owned()),
        description: Set(None),
        icon_url: Set(None),
        owner_id: Set(owner),
        created_at: Set(clock.now()),
        deleted_at: Set(None),
        rev: Set(1),
    };
    row.insert(db.writer()).await.unwrap();
    insert_role(db, clock, RoleId(id.0), id, 0, everyone).await;
    member(db, clock, id, owner).await;
    id
}

/// A membership without roles.
pub async fn member(db: &Db, clock: &dyn Clock, guild: GuildId, user: UserId) {
    let row = guild_member::ActiveModel {
        guild_id: Set(guild),
        user_id: Set(user),
        nickname: Set(None),
        joined_at: Set(clock.now()),
        timed_out_until: Set(None),
        rev: Set(1),
    };
    row.insert(db.writer()).await.unwrap();
}

/// A role above those there are.
pub async fn role(db: &Db, clock: &dyn Clock, guild: GuildId, permissions: Permissions) -> RoleId {
    let id = RoleId(clock.new_id());
    let others = role::Entity::find()
        .filter(role::Column::GuildId.eq(guild))
        .count(db.writer())
        .await
        .unwrap();
    insert_role(db, clock, id, guild, i32::try_from(others).unwrap(), permissions).await;
    id
}

async fn insert_role(
    db: &Db,
    clock: &dyn Clock,
    id: RoleId,
    guild: GuildId,
    position: i32,
    permissions: Permissions,
) {
    let row = role::ActiveModel {
        id: Set(id),
        guild_id: Set(guild),
        name: Set(if position == 0 {
            "@everyone".to_owned()
        } else {
            format!("role {position}")
        }),
        position: Set(position),
        permissions: Set(permissions.to_row()),
        color: Set(None),
        hoist: Set(false),
        mentionable: Set(false),
        created_at: Set(clock.now()),
        rev: Set(1),
    };
    row.insert(db.writer()).await.unwrap();
}

/// A role that a member holds.
pub async fn member_role(db: &Db, guild: GuildId, user: UserId, role: RoleId) {
    let row = member_role::ActiveModel {
        guild_id: Set(guild),
        user_id: Set(user),
        role_id: Set(role),
    };
    row.insert(db.writer()).await.unwrap();
}

/// A text channel below those there are.
pub async fn channel(db: &Db, clock: &dyn Clock, guild: GuildId, name: &str) -> ChannelId {
    let id = ChannelId(clock.new_id());
    let others = channel::Entity::find()
        .filter(channel::Column::GuildId.eq(guild))
        .count(db.writer())
        .await
        .unwrap();
    let row = channel::ActiveModel {
        id: Set(id),
        guild_id: Set(guild),
        parent_id: Set(None),
        kind: Set(ChannelKind::Text),
        name: Set(name.to_owned()),
        topic: Set(None),
        position: Set(i32::try_from(others).unwrap()),
        nsfw: Set(false),
        slowmode_seconds: Set(0),
        archived_at: Set(None),
        deleted_at: Set(None),
        created_at: Set(clock.now()),
        rev: Set(1),
    };
    row.insert(db.writer()).await.unwrap();
    id
}

/// What a channel allows and denies somebody.
pub async fn overwrite(db: &Db, channel: ChannelId, target: Target, allow: Permissions, deny: Permissions) {
    let (target_kind, target_id) = match target {
        Target::Role(id) => (OverwriteTarget::Role, id.0),
        Target::Member(id) => (OverwriteTarget::Member, id.0),
    };
    let row = permission_overwrite::ActiveModel {
        channel_id: Set(channel),
        target_kind: Set(target_kind),
        target_id: Set(target_id),
        allow: Set(allow.to_row()),
        deny: Set(deny.to_row()),
    };
    row.insert(db.writer()).await.unwrap();
}
