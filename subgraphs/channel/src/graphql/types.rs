//! What clients see of guilds, channels, roles, members, invites, bans and the audit log.

mod audit;
mod ban;
mod channel;
mod event;
mod explanation;
mod guild;
mod invite;
mod member;
mod role;

pub use audit::{AuditAction, AuditChange, AuditLogEntry, AuditLogFilter, AuditTarget};
pub use ban::Ban;
pub use channel::{Channel, ChannelKind, OverwriteTarget, PermissionOverwrite};
pub use event::{
    GuildEvent, GuildStreamHead, GuildStreamReset, GuildUpdated, MemberJoined, MemberLeft, MemberUpdated,
    RoleCreated, RoleDeleted, RoleUpdated, RolesMoved, ViewerAccessChanged,
};
pub(super) use explanation::shown as explanations;
pub use explanation::{PermissionEffect, PermissionExplanation, PermissionRule, PermissionStep};
pub use guild::Guild;
pub use invite::{Invite, InvitePreview};
pub use member::GuildMember;
pub use role::Role;

use async_graphql::{ID, Interface, SimpleObject};
use commons_entities::UserId;

/// Anything with an id of its own.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The id, also good for `node(id:)`."))]
pub enum Node {
    /// A guild.
    Guild(Guild),
    /// A channel.
    Channel(Channel),
    /// A role.
    Role(Role),
    /// An invite.
    Invite(Invite),
}

/// A person, a bot or a placeholder; the user subgraph knows the rest.
#[derive(SimpleObject, Clone)]
#[graphql(unresolvable = "id", name = "User")]
pub struct UserRef {
    /// The id, such as `user_01h455vb4pex5vsknk084sn02q`.
    #[graphql(tag = "live")]
    id: ID,
}

impl From<UserId> for UserRef {
    fn from(id: UserId) -> Self {
        Self {
            id: id.to_string().into(),
        }
    }
}
