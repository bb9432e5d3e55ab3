//! Every query of the channel domain. Functions take a connection, so that use cases own transactions;
//! those that act for somebody ask for the proof that they may.

mod channels;
mod guilds;
mod imports;
mod invites;
mod members;
mod overwrites;
mod roles;

pub use channels::{
    ChannelChange, ChannelList, archive_imported, channel_ids_of, channel_list, channels_by_id,
    delete_channel, insert_channel, orphan_channels, place_channel, set_archived, update_channel,
};
pub use guilds::{
    GuildChange, guild_count_of, guild_of_owner, insert_guild, page_guilds_of, touch_guild, transfer_guild,
    update_guild,
};
pub use imports::{imported_channels, remember_channel};
pub use invites::{
    insert_invite, invite_by_id, live_invite, live_invite_count, page_invites, revoke_invite, use_invite,
};
pub use members::{
    add_role, delete_member, insert_members, member, member_counts, members_among, page_members, remove_role,
    set_nickname, touch_member,
};
pub use overwrites::{
    channels_with_overwrite_of, copy_overwrites, delete_overwrite, insert_overwrites, overwrite,
    overwrite_count, overwrites_of, put_overwrite,
};
pub use roles::{
    RoleChange, all_roles, delete_role, insert_role, make_room_for_role, place_role, role_in, roles_of,
    update_role,
};
