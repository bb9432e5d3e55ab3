//! What happens in a guild, live.

use super::{Guild, GuildMember, Role, UserRef};
use async_graphql::{ID, Interface, SimpleObject};
use chrono::{DateTime, Utc};

/// Something that happened in a guild, or about the stream that tells of it.
#[derive(Interface)]
#[graphql(
    field(
        name = "seq",
        ty = "i64",
        desc = "The number of the event; resume with `after` set to the last one seen."
    ),
    field(name = "at", ty = "DateTime<Utc>", desc = "When.")
)]
pub enum GuildEvent {
    /// Where the stream stands.
    Head(GuildStreamHead),
    /// What came before is gone.
    Reset(GuildStreamReset),
    /// The guild changed.
    Updated(GuildUpdated),
    /// A role is new.
    RoleCreated(RoleCreated),
    /// A role changed.
    RoleUpdated(RoleUpdated),
    /// A role is gone.
    RoleDeleted(RoleDeleted),
    /// The order of the roles changed.
    RolesMoved(RolesMoved),
    /// Somebody came.
    MemberJoined(MemberJoined),
    /// Somebody left.
    MemberLeft(MemberLeft),
    /// A member changed.
    MemberUpdated(MemberUpdated),
    /// The viewer sees something else.
    AccessChanged(ViewerAccessChanged),
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub struct $name {
            /// The number of the event; resume with `after` set to the last one seen.
            #[graphql(owned, tag = "live")]
            pub seq: i64,
            /// When.
            #[graphql(owned, tag = "live")]
            pub at: DateTime<Utc>,
            $($(#[$field_doc])* #[graphql(tag = "live")] pub $field: $ty,)*
        }
    )*};
}

events! {
    /// Where the stream stands: always the first event, with the number of the newest one.
    GuildStreamHead {}

    /// What came before is not known any more: load the guild anew. Events go on after this number.
    GuildStreamReset {}

    /// The guild's name, description, picture or owner changed.
    GuildUpdated {
        /// The guild as it is now.
        guild: Option<Guild>,
    }

    /// A role is new, the lowest above `@everyone`.
    RoleCreated {
        /// Its id.
        role_id: ID,
        /// The role as it is now; null when it is gone again.
        role: Option<Role>,
    }

    /// A role changed.
    RoleUpdated {
        /// Its id.
        role_id: ID,
        /// The role as it is now; null when it is gone.
        role: Option<Role>,
    }

    /// A role is gone: nobody holds it any more.
    RoleDeleted {
        /// Its id.
        role_id: ID,
    }

    /// The order of the roles changed.
    RolesMoved {
        /// All roles as they are now, highest first.
        roles: Vec<Role>,
    }

    /// Somebody came.
    MemberJoined {
        /// Who.
        user: Option<UserRef>,
        /// The member as they are now; null when they have left.
        member: Option<GuildMember>,
    }

    /// Somebody left or was removed; which of both is not told.
    MemberLeft {
        /// Who.
        user: Option<UserRef>,
    }

    /// A member's nickname or roles changed.
    MemberUpdated {
        /// Who.
        user: Option<UserRef>,
        /// The member as they are now; null when they have left.
        member: Option<GuildMember>,
    }
}

/// The viewer sees other channels than before, sees them changed, or may do other things: load
/// `channels` and the viewer's permissions again. Told to this viewer alone and not part of the
/// stream: `seq` repeats that of the last event. Sent once on resuming, too.
#[derive(SimpleObject)]
pub struct ViewerAccessChanged {
    /// The number of the last event.
    #[graphql(owned)]
    pub seq: i64,
    /// When.
    #[graphql(owned)]
    pub at: DateTime<Utc>,
    /// The guild as the viewer sees it now.
    pub guild: Option<Guild>,
}
