//! Time-outs: a member may view and read for a while, and nothing else. They end by themselves.

use super::{Cx, Member, act, act::Act, found, read, text, write::Write};
use crate::{
    Error,
    events::{self, Happened},
    store,
};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use commons_access::{Permission, Subject};
use commons_content::Reason;
use commons_entities::{GuildId, UserId, channel::AuditAction};

const LONGEST: TimeDelta = TimeDelta::days(28);

/// Lays a time-out on a member below the actor, or ends it. Owner and administrators cannot have one.
pub async fn timeout_member(
    cx: &Cx,
    guild: GuildId,
    user: UserId,
    until: Option<DateTime<Utc>>,
    reason: Option<String>,
) -> Result<Member, Error> {
    let seat = cx
        .access
        .guild(&cx.actor, guild)
        .await?
        .require(Permission::TimeoutMembers)?;
    let reason = text("reason", reason.as_deref().map(Reason::parse).transpose())?;
    let (mut write, seat) = Write::seated(cx, &seat).await?;
    let until = until.map(|until| checked(until, write.now)).transpose()?;
    let target = write.member(guild, user).await?;
    seat.standing().outranks_member(&target)?;
    if until.is_some() && !target.can_be_timed_out() {
        return Err(Error::CannotBeTimedOut);
    }
    let before = target.timed_out_until().filter(|before| *before > write.now);
    if before != until {
        let row = store::set_timeout(&write.tx, &seat, user, until).await?;
        write.event(Happened::to_member(events::MEMBER_UPDATED, &row));
        write.standing(Subject::Member(guild, user));
        write.wrote_members(cx, vec![row]).await;
        let action = match until {
            Some(_) => AuditAction::MemberTimedOut,
            None => AuditAction::MemberTimeoutEnded,
        };
        let changes = act::Changes::default().value(
            "timedOutUntil",
            before.map(|before| before.to_rfc3339()),
            until.map(|until| until.to_rfc3339()),
        );
        write.act(
            guild,
            Act::new(action, act::Target::User(user))
                .changing(changes)
                .because(reason),
        );
        write.commit().await?;
    }
    found(read::member(cx, guild, user).await?)
}

fn checked(until: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Error> {
    let until = until.trunc_subsecs(3);
    if until > now && until <= now + LONGEST {
        Ok(until)
    } else {
        Err(Error::TimeoutTooLong)
    }
}
