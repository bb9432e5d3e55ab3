//! Bans: laid, listed, lifted.
//!
//! No stream tells of a ban. That a member is gone is told as when they leave.

use super::{Cx, Guild, act, act::Act, found, member, text, write::Write};
use crate::{Error, store};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use commons_access::Permission;
use commons_content::Reason;
use commons_entities::{
    GuildId, UserId,
    channel::{AuditAction, guild_ban},
};
use commons_jobs::Effect;
use commons_platform::page::{Page, PageArgs};

/// How far back a ban takes messages along.
const ERASED: TimeDelta = TimeDelta::days(7);
/// When they are looked for once more: a send that did not see the ban may have been under way.
const ONCE_MORE: TimeDelta = TimeDelta::minutes(1);

/// Whom to ban, and what goes with them.
#[derive(Debug)]
pub struct NewBan {
    /// Who.
    pub user: UserId,
    /// Why.
    pub reason: Option<String>,
    /// Their messages from then on are deleted; none are when absent.
    pub delete_messages_since: Option<DateTime<Utc>>,
}

/// Bans somebody: a member below the actor, who is removed, or anybody who is none. They join by no
/// invite from then on. A ban that is there takes the new reason.
pub async fn ban_member(cx: &Cx, guild: GuildId, input: NewBan) -> Result<guild_ban::Model, Error> {
    let seat = cx
        .access
        .guild(&cx.actor, guild)
        .await?
        .require(Permission::BanMembers)?;
    let reason = text("reason", input.reason.as_deref().map(Reason::parse).transpose())?;
    let user = input.user;
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    let since = input
        .delete_messages_since
        .map(|since| erased_since(since, write.now))
        .transpose()?;
    if store::member(&write.tx, guild, user).await?.is_some() {
        let target = write.member(guild, user).await?;
        seat.standing().outranks_member(&target)?;
        member::remove(cx, &mut write, guild, user).await?;
    }
    let row = guild_ban::Model {
        guild_id: guild,
        user_id: user,
        moderator_id: seat.user(),
        reason: reason.clone().map(Reason::into_string),
        created_at: write.now,
    };
    store::put_ban(&write.tx, &seat, row.clone()).await?;
    if let Some(since) = since {
        let erase = Effect::EraseMessagesOf { guild, user, since };
        write.effect(erase.clone());
        write.effect_at(write.now + ONCE_MORE, erase);
    }
    let changes = act::Changes::default().value(
        "deleteMessagesSince",
        Option::<String>::None,
        since.map(|since| since.to_rfc3339()),
    );
    write.act(
        guild,
        Act::new(AuditAction::MemberBanned, act::Target::User(user))
            .changing(changes)
            .because(reason),
    );
    write.commit().await?;
    Ok(row)
}

fn erased_since(since: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Error> {
    if since <= now && since >= now - ERASED {
        Ok(since.trunc_subsecs(3))
    } else {
        Err(Error::TooFarBack)
    }
}

/// Lifts a ban: they may join again. NOT_FOUND for who is not banned.
pub async fn unban_member(
    cx: &Cx,
    guild: GuildId,
    user: UserId,
    reason: Option<String>,
) -> Result<(), Error> {
    let seat = cx
        .access
        .guild(&cx.actor, guild)
        .await?
        .require(Permission::BanMembers)?;
    let reason = text("reason", reason.as_deref().map(Reason::parse).transpose())?;
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    let lifted = store::delete_ban(&write.tx, &seat, user).await?;
    found(lifted.then_some(()))?;
    write.act(
        guild,
        Act::new(AuditAction::MemberUnbanned, act::Target::User(user)).because(reason),
    );
    write.commit().await
}

/// The bans of a guild, newest first, for who may ban.
pub async fn bans(cx: &Cx, guild: &Guild, args: &PageArgs) -> Result<Page<guild_ban::Model>, Error> {
    let seat = guild.standing.clone().require(Permission::BanMembers)?;
    let rows = store::page_bans(cx.platform.db.read(), &seat, args).await?;
    cx.spend(rows.len())?;
    Ok(Page::from_rows(args, rows))
}
