//! What this domain owes others: erasing accounts and guilds, its share of an export. Each call is one
//! step, one transaction of bounded size, and does no harm when it runs again.

use super::{ChannelService, channel::changed, export, found, guild, member, write::Write};
use crate::{Error, store};
use commons_access::guilds_in;
use commons_entities::{GuildId, UserId};
use commons_jobs::{Effect, Owner, Progress, Runner, Worker};
use commons_platform::{ApiError, Code};
use commons_streams::log;
use std::sync::Arc;

/// Does what is owed; see [`ChannelService::work`].
#[derive(Debug, Clone)]
pub struct Duty(pub Arc<ChannelService>);

impl ChannelService {
    /// Starts to do what this domain owes others, for as long as the worker is kept.
    pub fn work(self: &Arc<Self>) -> Worker {
        let duty = Duty(self.clone());
        Worker::start(self.platform.clone(), Owner::Channel, Arc::new(duty))
    }
}

#[async_trait::async_trait]
impl Runner for Duty {
    async fn run(&self, effect: &Effect) -> Result<Progress, ApiError> {
        let service = &*self.0;
        let done = match effect {
            Effect::EraseAccount { user, .. } => erase_account(service, *user).await,
            Effect::EraseGuild { guild } => erase_guild(service, *guild).await,
            Effect::ExportAccount { export, user } => export::step(service, *export, *user).await,
            Effect::EraseMessagesOf { .. } | Effect::RemoveExport { .. } | Effect::ReleaseUsername { .. } => {
                Ok(Progress::Done)
            }
        };
        Ok(done?)
    }
}

/// One of the account's guilds a step; then what is left of it elsewhere.
async fn erase_account(service: &ChannelService, user: UserId) -> Result<Progress, Error> {
    if let Some(id) = store::guilds_with(service.platform.db.read(), user, 1)
        .await?
        .pop()
    {
        leave(service, id, user).await?;
        return Ok(Progress::More);
    }
    let channels =
        store::channels_with_overwrite_of(service.platform.db.read(), super::overwrite::Target::Member(user))
            .await?;
    if let Some((id, _)) = channels.first() {
        clear_overwrites(service, *id, user).await?;
        return Ok(Progress::More);
    }
    let write = Write::begin(service, None).await?;
    // First: who joins at this moment either comes before, and is found below, or finds the mark.
    store::erase_user(&write.tx, user, write.now).await?;
    if !store::guilds_with(&write.tx, user, 1).await?.is_empty() {
        write.commit().await?;
        return Ok(Progress::More);
    }
    store::forget_creator(&write.tx, user).await?;
    store::forget_user_in_guilds(&write.tx, user).await?;
    store::delete_overwrites_left(&write.tx, user).await?;
    write.commit().await?;
    Ok(Progress::Done)
}

/// The account leaves one guild. One that is still theirs goes to the highest member left, or, when
/// there is nobody, away: deleting an account is refused while it owns guilds, so this is a last resort.
async fn leave(service: &ChannelService, id: GuildId, user: UserId) -> Result<(), Error> {
    let mut write = match Write::in_guild(service, None, id).await {
        Ok(write) => write,
        Err(Error::Api(error)) if error.code() == Code::NotFound => {
            return leave_deleted(service, id, user).await;
        }
        Err(error) => return Err(error),
    };
    let row = found(store::live_guild(&write.tx, id).await?)?;
    if row.owner_id == user {
        match heir(&write, id, user).await? {
            Some(heir) => guild::give(service, &mut write, &heir).await?,
            None => guild::remove(service, &mut write, id).await?,
        }
    }
    if store::member(&write.tx, id, user).await?.is_some() {
        member::remove(service, &mut write, id, user).await?;
    }
    write.commit().await
}

/// Of a guild that is being erased only the row goes; there is nobody to tell.
async fn leave_deleted(service: &ChannelService, id: GuildId, user: UserId) -> Result<(), Error> {
    let write = Write::begin(service, None).await?;
    if store::member(&write.tx, id, user).await?.is_some() {
        store::delete_member(&write.tx, id, user).await?;
    }
    write.commit().await
}

/// The member of the highest rank; among equals who came first.
async fn heir(
    write: &Write,
    id: GuildId,
    owner: UserId,
) -> Result<Option<commons_access::GuildStanding>, Error> {
    let Some(user) = store::highest_member(&write.tx, id, owner).await? else {
        return Ok(None);
    };
    let standings = guilds_in(&write.tx, &[(id, user)], write.now).await?;
    Ok(standings.into_iter().next().flatten())
}

async fn clear_overwrites(service: &ChannelService, id: GuildId, user: UserId) -> Result<(), Error> {
    let mut write = match Write::in_guild(service, None, id).await {
        Ok(write) => write,
        Err(Error::Api(error)) if error.code() == Code::NotFound => {
            let write = Write::begin(service, None).await?;
            store::delete_overwrites_in(&write.tx, id, user).await?;
            return write.commit().await;
        }
        Err(error) => return Err(error),
    };
    let channels =
        store::channels_with_overwrite_of(&write.tx, super::overwrite::Target::Member(user)).await?;
    let channels: Vec<_> = channels
        .into_iter()
        .filter(|(guild, _)| *guild == id)
        .map(|(_, channel)| channel)
        .collect();
    let streams: Vec<_> = channels.iter().map(|channel| channel.0).collect();
    write.lock(&streams).await?;
    for row in store::delete_overwrites_of(&write.tx, user, &channels).await? {
        changed(&mut write, service, row).await;
    }
    write.commit().await
}

async fn erase_guild(service: &ChannelService, id: GuildId) -> Result<Progress, Error> {
    let write = Write::begin(service, None).await?;
    if store::live_guild(&write.tx, id).await?.is_some() {
        // Nobody takes a deletion back, so this is not a job of this database.
        return Ok(Progress::Done);
    }
    let mut more = store::erase_some_of_guild(&write.tx, id).await?;
    if !more {
        // Nothing is kept of what members were told, either.
        log::lock_waiting(&write.tx, &[id.0]).await?;
        more = log::erase_some(&write.tx, id.0).await?;
    }
    write.commit().await?;
    Ok(if more { Progress::More } else { Progress::Done })
}
