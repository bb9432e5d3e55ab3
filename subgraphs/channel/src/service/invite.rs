//! Invites: made, shown to who has the code, used, taken back.

use super::{
    Channel, Cx, Guild, Member,
    act::{Act, Changes, Target},
    found, gathered,
    guild::joined,
    read, within,
    write::Write,
};
use crate::{
    Error,
    error::Limit,
    events::{self, Happened},
    loaders::GuildRow,
    store,
};
use chrono::TimeDelta;
use commons_access::{GuildSeat, Permission, Subject};
use commons_entities::{
    ChannelId, GuildId, InviteId, UserId,
    channel::{AuditAction, guild_member, invite},
};
use commons_platform::page::{Page, PageArgs};
use rand::{Rng, distr::Alphanumeric};
use std::sync::Arc;

/// Ten of 62 characters: 59 bits that nobody guesses.
const CODE_LENGTH: usize = 10;
const LONGEST_AGE: i32 = 365 * 24 * 3600;
const MOST_USES: i32 = 10_000;

/// What somebody gives to make an invite.
#[derive(Debug, Default)]
pub struct NewInvite {
    /// The channel that opens first.
    pub channel: Option<ChannelId>,
    /// How long it works, in seconds; without end when absent.
    pub max_age_seconds: Option<i32>,
    /// How often it works; without end when absent.
    pub max_uses: Option<i32>,
}

/// What who has a code may know before they join.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The invite.
    pub invite: invite::Model,
    /// The guild.
    pub guild: Arc<GuildRow>,
}

/// Makes an invite.
pub async fn create_invite(cx: &Cx, guild: GuildId, input: NewInvite) -> Result<invite::Model, Error> {
    let seat = cx
        .access
        .guild(&cx.actor, guild)
        .await?
        .require(Permission::CreateInvite)?;
    let age = input
        .max_age_seconds
        .map(|age| within("maxAgeSeconds", age, 1, LONGEST_AGE))
        .transpose()?;
    let max_uses = input
        .max_uses
        .map(|uses| within("maxUses", uses, 1, MOST_USES))
        .transpose()?;
    if let Some(channel) = input.channel {
        let channel: Option<Channel> = read::channel(cx, channel).await?;
        let channel = found(channel.filter(|channel| channel.row.guild_id == guild))?;
        channel.standing.require(Permission::CreateInvite)?;
    }
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    Limit::Invites.check(store::live_invite_count(&write.tx, guild, write.now).await?)?;
    let row = invite::Model {
        id: InviteId(cx.platform.clock.new_id()),
        code: rand::rng()
            .sample_iter(Alphanumeric)
            .take(CODE_LENGTH)
            .map(char::from)
            .collect(),
        guild_id: guild,
        channel_id: input.channel,
        creator_id: seat.user(),
        max_uses,
        uses: 0,
        expires_at: age.map(|seconds| write.now + TimeDelta::seconds(seconds.into())),
        revoked_at: None,
        created_at: write.now,
    };
    store::insert_invite(&write.tx, &seat, row.clone()).await?;
    let changes = Changes::default()
        .id("channel", None, row.channel_id)
        .value("maxUses", Option::<i32>::None, row.max_uses)
        .value(
            "expiresAt",
            Option::<String>::None,
            row.expires_at.map(|at| at.to_rfc3339()),
        );
    let act = Act::new(AuditAction::InviteCreated, Target::Invite(row.id));
    write.act(guild, act.changing(changes));
    write.commit().await?;
    Ok(row)
}

/// Takes an invite back: its maker may, and who manages the guild. For others it does not exist.
pub async fn revoke_invite(cx: &Cx, id: InviteId) -> Result<invite::Model, Error> {
    let user: UserId = cx.actor.user()?;
    let row = found(store::invite_by_id(cx.platform.db.read(), id).await?)?;
    let standing = cx.access.guild(&cx.actor, row.guild_id).await?;
    let seat = if row.creator_id == user {
        standing.member()
    } else {
        found(standing.require(Permission::ManageGuild).ok())?
    };
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    let row = found(store::revoke_invite(&write.tx, &seat, id, write.now).await?)?;
    write.act(
        seat.guild(),
        Act::new(AuditAction::InviteRevoked, Target::Invite(id)),
    );
    write.commit().await?;
    Ok(row)
}

/// An invite that the actor made or, managing its guild, may see.
pub async fn invite(cx: &Cx, id: InviteId) -> Result<Option<invite::Model>, Error> {
    let Some(user) = cx.actor.user_if_any::<UserId>() else {
        return Ok(None);
    };
    let Some(row) = store::invite_by_id(cx.platform.db.read(), id).await? else {
        return Ok(None);
    };
    let standing = gathered(cx.load.guild_standings.get((row.guild_id, user)).await)?;
    let sees = standing.is_some_and(|standing| {
        row.creator_id == user || standing.permissions().has(Permission::ManageGuild)
    });
    Ok(sees.then_some(row))
}

/// The live invites of a guild, newest first, for who manages it.
pub async fn invites(cx: &Cx, guild: &Guild, args: &PageArgs) -> Result<Page<invite::Model>, Error> {
    let seat = guild.standing.clone().require(Permission::ManageGuild)?;
    page(cx, &seat, None, args).await
}

/// The live invites of a guild that the actor made, newest first.
pub async fn own_invites(cx: &Cx, guild: &Guild, args: &PageArgs) -> Result<Page<invite::Model>, Error> {
    let seat = guild.standing.clone().member();
    page(cx, &seat, Some(seat.user()), args).await
}

async fn page(
    cx: &Cx,
    seat: &GuildSeat,
    creator: Option<UserId>,
    args: &PageArgs,
) -> Result<Page<invite::Model>, Error> {
    let now = cx.platform.clock.now();
    let rows = store::page_invites(cx.platform.db.read(), seat, creator, now, args).await?;
    cx.spend(rows.len())?;
    Ok(Page::from_rows(args, rows))
}

/// What a code leads to; none for one that does not work, whatever the reason: also for an actor who is
/// banned there. Asks for no token.
pub async fn preview(cx: &Cx, code: &str) -> Result<Option<Preview>, Error> {
    let now = cx.platform.clock.now();
    let db = cx.platform.db.read();
    let Some(invite) = store::live_invite(db, code, now).await? else {
        return Ok(None);
    };
    if let Some(user) = cx.actor.user_if_any()
        && store::ban(db, invite.guild_id, user).await?.is_some()
    {
        return Ok(None);
    }
    let guild = cx.load.guilds.get(&invite.guild_id).await?;
    let guild = guild.filter(|guild| guild.deleted_at.is_none());
    Ok(guild.map(|guild| Preview { invite, guild }))
}

/// Joins the guild that a code leads to. Who is a member already stays one and uses nothing up; for who
/// is banned no code works.
pub async fn accept_invite(cx: &Cx, code: &str) -> Result<(Guild, Member), Error> {
    let user: UserId = cx.actor.user()?;
    let now = cx.platform.clock.now();
    let invite = found(store::live_invite(cx.platform.db.read(), code, now).await?)?;
    let guild = invite.guild_id;
    let write = Write::in_guild(cx, Some(user), guild).await?;
    if store::member(&write.tx, guild, user).await?.is_none() {
        join(cx, write, &invite, user).await?;
    }
    let joined = found(read::guild(cx, guild).await?)?;
    Ok((joined, found(read::member(cx, guild, user).await?)?))
}

async fn join(cx: &Cx, mut write: Write, invite: &invite::Model, user: UserId) -> Result<(), Error> {
    let guild = invite.guild_id;
    let banned = store::ban(&write.tx, guild, user).await?.is_some();
    found((!banned).then_some(()))?;
    write.turn_of(user).await?;
    let used = store::use_invite(&write.tx, invite.id, write.now).await?;
    found(used.then_some(()))?;
    // After the invite: a code that does not work is answered the same, however many guilds one is in.
    Limit::Guilds.check(store::guild_count_of(&write.tx, user).await?)?;
    let row = guild_member::Model {
        timed_out_until: store::take_timeout(&write.tx, guild, user, write.now).await?,
        ..joined(guild, user, write.now, write.now)
    };
    store::insert_members(&write.tx, std::slice::from_ref(&row)).await?;
    write.event(Happened::to_member(events::MEMBER_JOINED, &row));
    write.standing(Subject::Member(guild, user));
    write.wrote_members(cx, vec![row]).await;
    write.commit().await
}
