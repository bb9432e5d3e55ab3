//! What channels allow and deny roles and members.

use crate::{
    Error,
    graphql::{cx, types::Channel},
    service::{self, Target},
};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use commons_access::Permission;
use commons_platform::graphql::parse_id;

/// What a channel allows and denies: give a role or a user.
#[derive(InputObject)]
pub(super) struct OverwriteInput {
    /// All who hold this role.
    role_id: Option<ID>,
    /// This member.
    user_id: Option<ID>,
    /// What they gain.
    #[graphql(default)]
    allow: Vec<Permission>,
    /// What they lose.
    #[graphql(default)]
    deny: Vec<Permission>,
}

impl OverwriteInput {
    pub(super) fn parse(self) -> Result<service::OverwriteInput, Error> {
        Ok(service::OverwriteInput {
            target: target(self.role_id.as_ref(), self.user_id.as_ref())?,
            allow: self.allow.into_iter().collect(),
            deny: self.deny.into_iter().collect(),
        })
    }
}

/// What a channel is to say of a role or a user.
#[derive(InputObject)]
pub(super) struct SetOverwriteInput {
    /// The channel.
    channel_id: ID,
    /// What it allows and denies whom.
    overwrite: OverwriteInput,
}

/// Of whom a channel is to say nothing: give a role or a user.
#[derive(InputObject)]
pub(super) struct ClearOverwriteInput {
    /// The channel.
    channel_id: ID,
    /// All who hold this role.
    role_id: Option<ID>,
    /// This member, also one who has left.
    user_id: Option<ID>,
}

/// The channel as it is now.
#[derive(SimpleObject)]
pub(super) struct SetOverwritePayload {
    /// The channel; null when the viewer may not see it any more.
    channel: Option<Channel>,
}

/// The channel as it is now.
#[derive(SimpleObject)]
pub(super) struct ClearOverwritePayload {
    /// The channel; null when the viewer may not see it any more.
    channel: Option<Channel>,
}

/// What channels allow and deny roles and members.
#[derive(Default)]
pub(super) struct OverwriteMutation;

#[Object]
impl OverwriteMutation {
    /// Sets what a channel allows and denies a role or a member. Needs MANAGE_ROLES in it, what is
    /// newly allowed, and what is no longer denied.
    async fn set_overwrite(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to allow and deny whom.")] input: SetOverwriteInput,
    ) -> Result<SetOverwritePayload> {
        let id = parse_id("channelId", &input.channel_id)?;
        let channel = service::set_overwrite(cx(context), id, input.overwrite.parse()?).await?;
        Ok(SetOverwritePayload {
            channel: channel.map(Channel),
        })
    }

    /// Removes what a channel says of a role or a member. Needs MANAGE_ROLES in it and what was denied.
    async fn clear_overwrite(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of whom.")] input: ClearOverwriteInput,
    ) -> Result<ClearOverwritePayload> {
        let id = parse_id("channelId", &input.channel_id)?;
        let target = target(input.role_id.as_ref(), input.user_id.as_ref())?;
        let channel = service::clear_overwrite(cx(context), id, target).await?;
        Ok(ClearOverwritePayload {
            channel: channel.map(Channel),
        })
    }
}

fn target(role: Option<&ID>, user: Option<&ID>) -> Result<Target, Error> {
    match (role, user) {
        (Some(role), None) => Ok(Target::Role(parse_id("roleId", role)?)),
        (None, Some(user)) => Ok(Target::Member(parse_id("userId", user)?)),
        _ => Err(Error::OverwriteTarget),
    }
}
