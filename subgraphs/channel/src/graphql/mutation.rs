//! Changing guilds and what is in them; the inputs and payloads stand beside the mutations.

mod channel;
mod guild;
mod invite;
mod member;
mod moderation;
mod overwrite;
mod role;

use async_graphql::MergedObject;

/// What can be changed.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub struct Mutation(
    guild::GuildMutation,
    channel::ChannelMutation,
    role::RoleMutation,
    overwrite::OverwriteMutation,
    member::MemberMutation,
    moderation::ModerationMutation,
    invite::InviteMutation,
);
