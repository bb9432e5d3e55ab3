//! A guild with people in it, and access over it.

use crate::line::Line;
use commons_access::{
    Access, ChannelStanding, LocalAccess, Permissions, Recorded, RemoteAccess, Subject, change,
    compute::Target, serve,
};
use commons_entities::{
    ChannelId, GuildId, RoleId, UserId,
    channel::{channel, guild, guild_member, permission_overwrite, role},
};
use commons_platform::{
    ApiError, Platform,
    auth::{Actor, Tokens},
    clock::Clock,
    db::Tx,
    internal::InternalToken,
    secret::Secret,
};
use commons_testing::{Identity, World, seed};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, sea_query::Expr};
use std::{sync::Arc, time::Duration};

/// Longer than any machine needs; a test that waits this long fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Where access is computed: every body of the contract runs on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seam {
    /// In the process that asks.
    Local,
    /// In another one, asked over gRPC.
    Remote,
}

/// Makes tests of bodies: one on each seam.
macro_rules! on_both_seams {
    ($($body:ident)*) => {
        mod local {
            $(#[tokio::test]
            async fn $body() {
                super::$body($crate::house::Seam::Local).await;
            })*
        }
        mod remote {
            $(#[tokio::test]
            async fn $body() {
                super::$body($crate::house::Seam::Remote).await;
            })*
        }
    };
}
pub(crate) use on_both_seams;

/// Access in one process.
pub(crate) struct Process {
    pub(crate) access: Arc<dyn Access>,
    /// In which revoked sessions end.
    pub(crate) tokens: Arc<Tokens>,
    /// The access over the database: the same one, or the one that is asked.
    pub(crate) home: Arc<LocalAccess>,
    /// The way from one to the other.
    pub(crate) line: Option<Line>,
}

impl Process {
    /// Access over a platform's database, or a process without one that asks it.
    pub(crate) async fn new(seam: Seam, platform: &Platform) -> Self {
        let home = LocalAccess::start(platform).await.unwrap();
        if seam == Seam::Local {
            return Self {
                access: home.clone(),
                tokens: platform.tokens.clone(),
                home,
                line: None,
            };
        }
        let token = InternalToken::of(&platform.secret);
        let line = Line::to(serve(home.clone(), token.clone())).await;
        let tokens = Arc::new(Tokens::new(
            &platform.config.auth,
            &platform.secret,
            platform.clock.clone(),
        ));
        let access = RemoteAccess::start(&line.address(), &token, tokens.clone()).unwrap();
        tokio::time::timeout(PATIENCE, access.changes().fresh())
            .await
            .unwrap();
        Self {
            access,
            tokens,
            home,
            line: Some(line),
        }
    }
}

/// One guild with two channels. Everybody has the default permissions; nobody views `hidden`.
pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) seam: Seam,
    pub(crate) process: Process,
    /// Access in that process.
    pub(crate) access: Arc<dyn Access>,
    pub(crate) owner: Identity,
    /// A member without a role.
    pub(crate) alice: Identity,
    /// A member with the role `moderators`.
    pub(crate) bob: Identity,
    /// Not a member.
    pub(crate) stranger: Identity,
    pub(crate) guild: GuildId,
    /// The only role besides `@everyone`: it kicks and manages roles.
    pub(crate) moderators: RoleId,
    pub(crate) general: ChannelId,
    pub(crate) hidden: ChannelId,
}

impl House {
    pub(crate) async fn new(seam: Seam) -> Self {
        let world = World::new().await;
        let (db, clock) = (world.platform.db.clone(), world.clock.clone());
        let owner = world.person("owner").await;
        let guild = seed::guild(&db, &*clock, owner.user, Permissions::DEFAULT).await;
        let rights = Permissions::KICK_MEMBERS | Permissions::MANAGE_ROLES;
        let moderators = seed::role(&db, &*clock, guild, rights).await;
        let alice = world.person("alice").await;
        let bob = world.person("bob").await;
        seed::member(&db, &*clock, guild, alice.user).await;
        seed::member(&db, &*clock, guild, bob.user).await;
        seed::member_role(&db, guild, bob.user, moderators).await;
        let general = seed::channel(&db, &*clock, guild, "general").await;
        let hidden = seed::channel(&db, &*clock, guild, "hidden").await;
        let everyone = Target::Role(RoleId(guild.0));
        seed::overwrite(
            &db,
            hidden,
            everyone,
            Permissions::empty(),
            Permissions::VIEW_CHANNEL,
        )
        .await;
        let process = Process::new(seam, &world.platform).await;
        let stranger = world.person("stranger").await;
        Self {
            world,
            seam,
            access: process.access.clone(),
            process,
            owner,
            alice,
            bob,
            stranger,
            guild,
            moderators,
            general,
            hidden,
        }
    }

    /// Another process over the same database, which shares nothing else with this one.
    pub(crate) async fn elsewhere(&self) -> Process {
        Process::new(self.seam, &self.platform_elsewhere().await).await
    }

    /// What another process is made of.
    pub(crate) async fn platform_elsewhere(&self) -> Platform {
        let database = &self.world.database;
        let db = database.reconnect().await;
        let secret = Secret::new("another");
        Platform::assemble(database.config.clone(), db, secret, self.world.clock.clone())
    }

    /// Tells what was recorded: when this returns, no answer here is from before it.
    pub(crate) async fn announce(&self, recorded: Recorded) {
        self.process.home.changes().announce(recorded).await;
        if self.seam == Seam::Remote {
            self.access.changes().read().await.unwrap();
        }
    }

    /// Somebody's standing in a channel.
    pub(crate) async fn channel(&self, who: &Identity, id: ChannelId) -> Result<ChannelStanding, ApiError> {
        self.access.channel(&actor(who), id).await
    }

    /// Somebody's permissions in `general`; none when they do not view it.
    pub(crate) async fn permissions(&self, who: &Identity) -> Option<Permissions> {
        let standings = self.access.channels(&actor(who), &[self.general]).await.unwrap();
        standings[0].as_ref().map(ChannelStanding::permissions)
    }

    /// Commits a write with the record of whom it concerns, as a service does, without announcing it.
    pub(crate) async fn write(
        &self,
        subjects: &[Subject],
        write: impl AsyncFnOnce(&Tx) -> Result<(), DbErr>,
    ) -> Recorded {
        let tx = self.world.platform.db.begin().await.unwrap();
        write(&tx).await.unwrap();
        let recorded = change::record(&tx, self.world.clock.now(), subjects)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        recorded
    }

    /// Takes a member out of the guild.
    pub(crate) async fn kick(&self, user: UserId) -> Recorded {
        let subject = Subject::Member(self.guild, user);
        self.write(&[subject], async |tx| {
            guild_member::Entity::delete_by_id((self.guild, user))
                .exec(tx)
                .await
                .map(drop)
        })
        .await
    }

    /// Sets what `@everyone` may do.
    pub(crate) async fn set_everyone(&self, permissions: Permissions) -> Recorded {
        self.write(&[Subject::Guild(self.guild)], async |tx| {
            role::Entity::update_many()
                .col_expr(role::Column::Permissions, Expr::value(permissions.to_row()))
                .filter(role::Column::Id.eq(RoleId(self.guild.0)))
                .exec(tx)
                .await
                .map(drop)
        })
        .await
    }

    /// Denies `@everyone` something in `general`.
    pub(crate) async fn deny_in_general(&self, deny: Permissions) -> Recorded {
        self.write(&[Subject::Channel(self.general)], async |tx| {
            let row = permission_overwrite::Model {
                channel_id: self.general,
                target_kind: commons_entities::channel::OverwriteTarget::Role,
                target_id: self.guild.0,
                allow: 0,
                deny: deny.to_row(),
            };
            let row: permission_overwrite::ActiveModel = row.into();
            permission_overwrite::Entity::insert(row)
                .exec_without_returning(tx)
                .await
                .map(drop)
        })
        .await
    }

    /// Deletes `general`.
    pub(crate) async fn delete_general(&self) -> Recorded {
        let now = self.world.clock.now();
        self.write(&[Subject::Channel(self.general)], async |tx| {
            channel::Entity::update_many()
                .col_expr(channel::Column::DeletedAt, Expr::value(now))
                .filter(channel::Column::Id.eq(self.general))
                .exec(tx)
                .await
                .map(drop)
        })
        .await
    }

    /// Gives the guild to another member.
    pub(crate) async fn transfer(&self, to: UserId) -> Recorded {
        self.write(&[Subject::Guild(self.guild)], async |tx| {
            guild::Entity::update_many()
                .col_expr(guild::Column::OwnerId, Expr::value(to))
                .filter(guild::Column::Id.eq(self.guild))
                .exec(tx)
                .await
                .map(drop)
        })
        .await
    }
}

/// Who asks.
pub(crate) fn actor(who: &Identity) -> Actor {
    Actor::User {
        user: who.user.0,
        session: who.session.0,
    }
}
