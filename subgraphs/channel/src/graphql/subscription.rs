//! Guilds, live.

use super::{
    cx,
    types::{
        Guild, GuildEvent, GuildMember, GuildStreamHead, GuildStreamReset, GuildUpdated, MemberJoined,
        MemberLeft, MemberUpdated, Role, RoleCreated, RoleDeleted, RoleUpdated, RolesMoved,
        ViewerAccessChanged,
    },
};
use crate::{
    Error,
    events::GuildEvent as Happened,
    loaders::MemberKey,
    service::{self, Cx, Told},
};
use async_graphql::{Context, ID, Result};
use commons_entities::{RoleId, UserId};
use commons_platform::graphql::parse_id;
use commons_streams::Event;
use futures_util::{Stream, StreamExt};
use std::sync::Arc;

/// What can be followed.
pub struct Subscription;

/// What can be followed.
#[async_graphql::Subscription(name = "Subscription")]
impl Subscription {
    /// What happens in a guild that every member may see, and, for this viewer alone, when they see
    /// other channels than before. The first event says where the stream stands; then all follow, once
    /// and in order. Ends with an error when the viewer leaves the guild or the session ends.
    async fn guild_events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A guild that the viewer is in.")] guild_id: ID,
        #[graphql(desc = "The last event that was seen; only what follows when absent.")] after: Option<i64>,
    ) -> Result<impl Stream<Item = Result<GuildEvent>> + use<>> {
        let cx = cx(context).clone();
        let guild = parse_id("guildId", &guild_id)?;
        let told = service::follow(&cx, guild, after).await?;
        Ok(told.then(move |told| {
            let cx = cx.clone();
            async move {
                let event = match told? {
                    Told::Head(seq) => GuildStreamHead {
                        seq,
                        at: cx.platform.clock.now(),
                    }
                    .into(),
                    Told::Reset(seq) => GuildStreamReset {
                        seq,
                        at: cx.platform.clock.now(),
                    }
                    .into(),
                    Told::AccessChanged(seq) => {
                        let guild = service::guild(&cx, guild).await?.map(Guild);
                        ViewerAccessChanged {
                            seq,
                            at: cx.platform.clock.now(),
                            guild,
                        }
                        .into()
                    }
                    Told::Event(happened, event) => shown(&cx, happened, &event).await?,
                };
                Ok(event)
            }
        }))
    }
}

/// An event with what it is about as it is now, at least as new as the event.
async fn shown(cx: &Cx, happened: Happened, event: &Arc<Event>) -> Result<GuildEvent, Error> {
    let (seq, at, rev) = (event.seq, event.at, event.rev);
    let guild = event.stream.into();
    let role = async |id: RoleId| Ok::<_, Error>(cx.load.roles.get_at_least(&id, rev).await?.map(Role));
    let member = async |user: UserId| {
        let row = cx
            .load
            .members
            .get_at_least(&MemberKey { guild, user }, rev)
            .await?;
        Ok::<_, Error>(row.map(|row| GuildMember(service::Member { row })))
    };
    Ok(match happened {
        Happened::Updated(id) => {
            cx.load.guilds.get_at_least(&id, rev).await?;
            GuildUpdated {
                seq,
                at,
                guild: service::guild(cx, id).await?.map(Guild),
            }
            .into()
        }
        Happened::RoleCreated(id) => RoleCreated {
            seq,
            at,
            role_id: id.to_string().into(),
            role: role(id).await?,
        }
        .into(),
        Happened::RoleUpdated(id) => RoleUpdated {
            seq,
            at,
            role_id: id.to_string().into(),
            role: role(id).await?,
        }
        .into(),
        Happened::RoleDeleted(id) => RoleDeleted {
            seq,
            at,
            role_id: id.to_string().into(),
        }
        .into(),
        Happened::RolesMoved => {
            let roles = service::roles_of(cx, guild).await?;
            RolesMoved {
                seq,
                at,
                roles: roles.iter().cloned().map(Role).collect(),
            }
            .into()
        }
        Happened::MemberJoined(user) => MemberJoined {
            seq,
            at,
            user: Some(user.into()),
            member: member(user).await?,
        }
        .into(),
        Happened::MemberLeft(user) => MemberLeft {
            seq,
            at,
            user: Some(user.into()),
        }
        .into(),
        Happened::MemberUpdated(user) => MemberUpdated {
            seq,
            at,
            user: Some(user.into()),
            member: member(user).await?,
        }
        .into(),
    })
}
