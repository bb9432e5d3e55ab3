//! The permission bits: what they are called, where they stand in a row, which of them travel together.
//!
//! How they are computed for somebody is in [`crate::compute`].

use std::fmt;

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $variant:ident = $constant:ident at $bit:literal;)*) => {
        /// Something that a member may be allowed to do in a guild or in one of its channels.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, async_graphql::Enum)]
        pub enum Permission {
            $($(#[doc = $doc])+ $variant,)*
        }

        bitflags::bitflags! {
            /// A set of permissions, as rows hold it: 64 bits, of which bit `n` is the permission
            /// that stands at `n`. A position never changes; a new permission takes the next one.
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
            pub struct Permissions: i64 {
                $($(#[doc = $doc])+ const $constant = 1 << $bit;)*
            }
        }

        impl Permission {
            /// Every permission, in the order of their bits.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name on the API.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($constant),)*
                }
            }

            /// The set of this one alone.
            pub const fn bit(self) -> Permissions {
                match self {
                    $(Self::$variant => Permissions::$constant,)*
                }
            }
        }
    };
}

permissions! {
    /// Everything, in every channel, whatever overwrites say.
    Administrator = ADMINISTRATOR at 0;
    /// Change the guild's name, description and icon.
    ManageGuild = MANAGE_GUILD at 1;
    /// Create, change, move, archive and delete channels.
    ManageChannels = MANAGE_CHANNELS at 2;
    /// Create, change, give and take roles below one's own, and set overwrites.
    ManageRoles = MANAGE_ROLES at 3;
    /// Create, change and delete webhooks.
    ManageWebhooks = MANAGE_WEBHOOKS at 4;
    /// Add, change and delete the guild's emojis and stickers.
    ManageExpressions = MANAGE_EXPRESSIONS at 5;
    /// Read who did what in the guild.
    ViewAuditLog = VIEW_AUDIT_LOG at 6;
    /// Invite others to the guild.
    CreateInvite = CREATE_INVITE at 7;
    /// Remove members below oneself, who may come back.
    KickMembers = KICK_MEMBERS at 8;
    /// Remove members below oneself for good.
    BanMembers = BAN_MEMBERS at 9;
    /// Silence members below oneself for a time.
    TimeoutMembers = TIMEOUT_MEMBERS at 10;
    /// Change one's own nickname.
    ChangeNickname = CHANGE_NICKNAME at 11;
    /// Change the nicknames of members below oneself.
    ManageNicknames = MANAGE_NICKNAMES at 12;
    /// See that a channel exists, and what happens in it from now on; without it nothing else counts.
    ViewChannel = VIEW_CHANNEL at 13;
    /// Read what was said before.
    ReadHistory = READ_HISTORY at 14;
    /// Send messages.
    SendMessages = SEND_MESSAGES at 15;
    /// Send messages in threads.
    SendInThreads = SEND_IN_THREADS at 16;
    /// Start threads.
    CreateThreads = CREATE_THREADS at 17;
    /// Rename, archive and delete threads of others.
    ManageThreads = MANAGE_THREADS at 18;
    /// Delete and pin messages of others.
    ManageMessages = MANAGE_MESSAGES at 19;
    /// Have links shown with a preview.
    EmbedLinks = EMBED_LINKS at 20;
    /// Attach files to messages.
    AttachFiles = ATTACH_FILES at 21;
    /// React to messages.
    AddReactions = ADD_REACTIONS at 22;
    /// Mention everybody, and roles that are not mentionable.
    MentionEveryone = MENTION_EVERYONE at 23;
    /// Send without waiting for slow mode.
    BypassSlowmode = BYPASS_SLOWMODE at 24;
    /// Join a voice channel.
    Connect = CONNECT at 25;
    /// Speak in a voice channel.
    Speak = SPEAK at 26;
    /// Show one's camera or screen.
    StreamVideo = STREAM_VIDEO at 27;
    /// Speak without holding a key.
    UseVoiceActivity = USE_VOICE_ACTIVITY at 28;
    /// Be heard above others.
    PrioritySpeaker = PRIORITY_SPEAKER at 29;
    /// Silence others in a voice channel.
    MuteMembers = MUTE_MEMBERS at 30;
    /// Keep others from hearing a voice channel.
    DeafenMembers = DEAFEN_MEMBERS at 31;
    /// Move others between voice channels, or out of them.
    MoveMembers = MOVE_MEMBERS at 32;
    /// Ask to speak on a stage.
    RequestToSpeak = REQUEST_TO_SPEAK at 33;
    /// Open threads and write posts on a board.
    CreatePosts = CREATE_POSTS at 34;
    /// Vote on threads and posts.
    Vote = VOTE at 35;
    /// Lock, pin, move, tag and delete threads and posts of others.
    ManagePosts = MANAGE_POSTS at 36;
}

impl Permissions {
    /// What `@everyone` may do in a new guild.
    pub const DEFAULT: Self = Self::VIEW_CHANNEL
        .union(Self::READ_HISTORY)
        .union(Self::SEND_MESSAGES)
        .union(Self::SEND_IN_THREADS)
        .union(Self::CREATE_THREADS)
        .union(Self::EMBED_LINKS)
        .union(Self::ATTACH_FILES)
        .union(Self::ADD_REACTIONS)
        .union(Self::CREATE_INVITE)
        .union(Self::CHANGE_NICKNAME)
        .union(Self::CONNECT)
        .union(Self::SPEAK)
        .union(Self::STREAM_VIDEO)
        .union(Self::USE_VOICE_ACTIVITY)
        .union(Self::REQUEST_TO_SPEAK)
        .union(Self::CREATE_POSTS)
        .union(Self::VOTE);

    /// What means something only for the guild as a whole, so that no overwrite changes it.
    pub const GUILD_ONLY: Self = Self::ADMINISTRATOR
        .union(Self::MANAGE_GUILD)
        .union(Self::MANAGE_EXPRESSIONS)
        .union(Self::VIEW_AUDIT_LOG)
        .union(Self::KICK_MEMBERS)
        .union(Self::BAN_MEMBERS)
        .union(Self::TIMEOUT_MEMBERS)
        .union(Self::CHANGE_NICKNAME)
        .union(Self::MANAGE_NICKNAMES);

    /// What an overwrite may allow or deny.
    pub const IN_CHANNEL: Self = Self::all().difference(Self::GUILD_ONLY);

    /// What a member in a time-out keeps.
    pub const TIMED_OUT: Self = Self::VIEW_CHANNEL.union(Self::READ_HISTORY);

    /// What a channel's audience has in it.
    pub const AUDIENCE: Self = Self::VIEW_CHANNEL.union(Self::READ_HISTORY);

    /// What is nothing without SEND_MESSAGES.
    pub const WITH_SENDING: Self = Self::ATTACH_FILES
        .union(Self::EMBED_LINKS)
        .union(Self::MENTION_EVERYONE);

    /// What is nothing without CONNECT.
    pub const WITH_VOICE: Self = Self::SPEAK
        .union(Self::STREAM_VIDEO)
        .union(Self::USE_VOICE_ACTIVITY)
        .union(Self::PRIORITY_SPEAKER)
        .union(Self::MUTE_MEMBERS)
        .union(Self::DEAFEN_MEMBERS)
        .union(Self::MOVE_MEMBERS)
        .union(Self::REQUEST_TO_SPEAK);

    /// The set that a row holds; bits that this version does not know count for nothing.
    pub const fn from_row(bits: i64) -> Self {
        Self::from_bits_truncate(bits)
    }

    /// The set as a row holds it.
    pub const fn to_row(self) -> i64 {
        self.bits()
    }

    /// Whether one permission is in the set.
    pub const fn has(self, permission: Permission) -> bool {
        self.contains(permission.bit())
    }

    /// The permissions in the set, in the order of their bits.
    pub fn list(self) -> Vec<Permission> {
        Permission::ALL
            .iter()
            .copied()
            .filter(|permission| self.has(*permission))
            .collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions
            .into_iter()
            .map(Permission::bit)
            .fold(Self::empty(), Self::union)
    }
}

impl From<Permission> for Permissions {
    fn from(permission: Permission) -> Self {
        permission.bit()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The names, separated by commas.
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, permission) in self.list().into_iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{permission}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_the_order() {
        for (bit, permission) in Permission::ALL.iter().enumerate() {
            assert_eq!(permission.bit().to_row(), 1 << bit, "{permission}");
        }
        assert_eq!(Permission::ALL.len(), 37);
    }

    #[test]
    fn the_api_calls_them_as_rows_do() {
        use async_graphql::resolver_utils::EnumType;
        for item in Permission::items() {
            assert_eq!(item.name, item.value.as_str());
        }
    }

    #[test]
    fn unknown_bits_count_for_nothing() {
        assert_eq!(Permissions::from_row(-1), Permissions::all());
        assert_eq!(
            Permissions::from_row(1 << 62 | 1 << 13),
            Permissions::VIEW_CHANNEL
        );
        assert_eq!(Permissions::from_row(i64::MIN), Permissions::empty());
    }

    #[test]
    fn sets_are_made_of_lists_and_back() {
        let list = vec![Permission::ViewChannel, Permission::Vote];
        let set: Permissions = list.iter().copied().collect();
        assert_eq!(set, Permissions::VIEW_CHANNEL | Permissions::VOTE);
        assert_eq!(set.list(), list);
        assert_eq!(set.to_string(), "VIEW_CHANNEL, VOTE");
    }
}
