//! Every query of the channel domain. Functions take a connection, so that use cases own transactions;
//! those that act for somebody ask for the proof that they may.

mod audit;
mod bans;
mod channels;
mod erase;
mod exports;
mod guilds;
mod imports;
mod invites;
mod members;
mod overwrites;
mod roles;
mod users;

pub use audit::{AuditFilter, insert_entries, page_entries};
pub use bans::{ban, delete_ban, delete_timeouts_over, keep_timeout, page_bans, put_ban, take_timeout};
pub use channels::{
    ChannelChange, ChannelList, archive_imported, channel_ids_of, channel_list, channels_by_id,
    delete_channel, insert_channel, orphan_channels, place_channel, set_archived, update_channel,
};
pub use erase::{erase_some_of_guild, forget_user_in_guilds, highest_member};
pub use exports::{Membership, invites_after, memberships_after};
pub use guilds::{
    GuildChange, delete_guild, guild_count_of, guild_of_owner, insert_guild, live_guild, page_guilds_of,
    touch_guild, transfer_guild, update_guild,
};
pub use imports::{imported_channels, remember_channel};
pub use invites::{
    delete_dead_invites, forget_creator, insert_invite, invite_by_id, live_invite, live_invite_count,
    page_invites, revoke_invite, use_invite,
};
pub use members::{
    add_role, delete_member, guilds_with, insert_members, member, member_counts, members_among, page_members,
    remove_role, set_nickname, set_timeout, touch_member,
};
pub use overwrites::{
    channels_with_overwrite_of, copy_overwrites, delete_overwrite, delete_overwrites_in,
    delete_overwrites_left, delete_overwrites_of, insert_overwrites, overwrite, overwrite_count,
    overwrites_of, put_overwrite,
};
pub use roles::{
    RoleChange, all_roles, delete_role, insert_role, make_room_for_role, place_role, role_in, roles_of,
    update_role,
};
pub use users::{erase_user, lock_user};
