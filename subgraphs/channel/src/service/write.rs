//! One transaction of this domain: locks first; events, the audit log, work for other domains and
//! changes of standing with it; then, once it is committed, everybody told before the answer.
//!
//! The guild's stream is locked from the start, so whoever changes a guild does it alone; a channel's
//! stream that gets an event is locked after it. Messages lock channels' streams only, and never wait
//! while they hold one. What counts over guilds, a user's memberships, takes turns on the user's row
//! after the guild's stream. The head of the changes of standing comes last.

use super::{ChannelService, Cx, act::Act, found};
use crate::{
    Error,
    events::Happened,
    loaders::{ChannelRow, GuildRow, MemberKey, MemberRow, RoleRow},
    store,
};
use chrono::{DateTime, Utc};
use commons_access::{
    Access, ChannelSeat, GuildSeat, GuildStanding, Subject, change, guilds_in, revalidate, revalidate_guild,
};
use commons_entities::{
    AuditEntryId, GuildId, UserId,
    channel::{audit_entry, channel, guild, guild_member, role},
};
use commons_jobs::{Effect, Enqueued, enqueue_at};
use commons_platform::{
    ApiError, Platform,
    db::Tx,
    loader::{Cached, CachedLoader},
    task,
};
use commons_streams::{NewEvent, Streams, log};
use futures_util::{FutureExt, future::BoxFuture};
use std::sync::Arc;
use uuid::Uuid;

/// Tells a cache what a transaction wrote, once it is committed.
type Told = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send + Sync>;

/// A transaction under way.
pub(super) struct Write {
    pub(super) tx: Tx,
    pub(super) now: DateTime<Utc>,
    actor: Option<UserId>,
    events: Vec<NewEvent>,
    subjects: Vec<Subject>,
    entries: Vec<audit_entry::Model>,
    effects: Vec<(DateTime<Utc>, Effect)>,
    caches: Vec<Told>,
    access: Arc<dyn Access>,
    streams: Streams,
    platform: Platform,
}

impl Write {
    /// Begins without a lock, for what nobody else can know of yet. Nobody does this too often.
    pub(super) async fn begin(service: &ChannelService, actor: Option<UserId>) -> Result<Self, Error> {
        if let Some(actor) = actor {
            service.writes.check(&actor.to_string())?;
        }
        Ok(Self {
            tx: service.platform.db.begin().await?,
            now: service.platform.clock.now(),
            actor,
            events: Vec::new(),
            subjects: Vec::new(),
            entries: Vec::new(),
            effects: Vec::new(),
            caches: Vec::new(),
            access: service.access.clone(),
            streams: service.streams.clone(),
            platform: service.platform.clone(),
        })
    }

    /// Begins under the lock of a guild; NOT_FOUND when there is none, or it is being erased.
    pub(super) async fn in_guild(
        service: &ChannelService,
        actor: Option<UserId>,
        id: GuildId,
    ) -> Result<Self, Error> {
        let write = Self::begin(service, actor).await?;
        write.lock(&[id.0]).await?;
        found(store::live_guild(&write.tx, id).await?)?;
        Ok(write)
    }

    /// Begins under the lock of the seat's guild, with the seat as it is there.
    pub(super) async fn seated(cx: &Cx, seat: &GuildSeat) -> Result<(Self, GuildSeat), Error> {
        let write = Self::in_guild(cx, Some(seat.user()), seat.guild()).await?;
        let seat = revalidate_guild(&write.tx, seat, write.now).await??;
        Ok((write, seat))
    }

    /// Begins under the locks of the seat's guild and channel, with the seat as it is there.
    pub(super) async fn seated_in_channel(cx: &Cx, seat: &ChannelSeat) -> Result<(Self, ChannelSeat), Error> {
        let write = Self::in_guild(cx, Some(seat.user()), seat.guild()).await?;
        write.lock(&[seat.channel().0]).await?;
        let seat = found(
            revalidate(&write.tx, &[seat], write.now)
                .await?
                .into_iter()
                .next(),
        )??;
        Ok((write, seat))
    }

    /// Locks streams; NOT_FOUND when one does not exist.
    pub(super) async fn lock(&self, streams: &[Uuid]) -> Result<(), Error> {
        let locked = log::lock_waiting(&self.tx, streams).await?;
        if locked.skipped.is_empty() {
            Ok(())
        } else {
            Err(ApiError::not_found().into())
        }
    }

    /// Takes the turn of a user whose guilds are counted or added to; NOT_FOUND for an erased account.
    pub(super) async fn turn_of(&self, user: UserId) -> Result<(), Error> {
        let erased = store::lock_user(&self.tx, user).await?;
        found(erased.is_none().then_some(()))
    }

    /// Another member's standing as this transaction sees it; NOT_FOUND for who is none.
    pub(super) async fn member(&self, guild: GuildId, user: UserId) -> Result<GuildStanding, Error> {
        found(
            guilds_in(&self.tx, &[(guild, user)], self.now)
                .await?
                .into_iter()
                .next()
                .flatten(),
        )
    }

    /// Something happened that a stream tells of.
    pub(super) fn event(&mut self, happened: Happened) {
        self.events.push(NewEvent {
            stream: happened.stream,
            kind: happened.kind,
            subject: happened.subject,
            rev: happened.rev,
            data: None,
            actor: self.actor.map(|user| user.0),
            at: self.now,
        });
    }

    /// Somebody did something that the guild's audit log tells of.
    pub(super) fn act(&mut self, guild: GuildId, act: Act) {
        if act.is_nothing() {
            return;
        }
        let (target_kind, target_id) = act.target.columns();
        self.entries.push(audit_entry::Model {
            id: AuditEntryId(self.platform.clock.new_id()),
            guild_id: guild,
            actor_id: self.actor,
            action: act.action,
            target_kind,
            target_id,
            channel_id: act.channel,
            changes: act.changes.into_text(),
            reason: act.reason.map(commons_content::Reason::into_string),
            at: self.now,
        });
    }

    /// Another domain has something to do.
    pub(super) fn effect(&mut self, effect: Effect) {
        self.effect_at(self.now, effect);
    }

    /// The same at another time.
    pub(super) fn effect_at(&mut self, at: DateTime<Utc>, effect: Effect) {
        self.effects.push((at, effect));
    }

    /// Whose or what's standing changes.
    pub(super) fn standing(&mut self, subject: Subject) {
        self.subjects.push(subject);
    }

    /// This guild was written.
    pub(super) async fn wrote_guild(&mut self, service: &ChannelService, row: guild::Model) {
        self.wrote(&service.guilds, vec![GuildRow(row)]).await;
    }

    /// These channels were written.
    pub(super) async fn wrote_channels(&mut self, service: &ChannelService, rows: Vec<channel::Model>) {
        self.wrote(&service.channels, rows.into_iter().map(ChannelRow).collect())
            .await;
    }

    /// These roles were written.
    pub(super) async fn wrote_roles(&mut self, service: &ChannelService, rows: Vec<role::Model>) {
        self.wrote(&service.roles, rows.into_iter().map(RoleRow).collect())
            .await;
    }

    /// These members were written.
    pub(super) async fn wrote_members(&mut self, service: &ChannelService, rows: Vec<guild_member::Model>) {
        self.wrote(&service.members, rows.into_iter().map(MemberRow).collect())
            .await;
    }

    /// A member's row was removed.
    pub(super) async fn removed_member(&mut self, service: &ChannelService, key: MemberKey) {
        self.removed(&service.members, key).await;
    }

    /// A row was removed.
    pub(super) async fn removed<E: Cached>(&mut self, loader: &CachedLoader<E>, key: E::Key) {
        let writing = loader.writing(std::slice::from_ref(&key)).await;
        self.caches
            .push(Box::new(|| async move { writing.removed(&[key]).await }.boxed()));
    }

    async fn wrote<E: Cached>(&mut self, loader: &CachedLoader<E>, rows: Vec<E>) {
        let keys: Vec<E::Key> = rows.iter().map(Cached::key).collect();
        let writing = loader.writing(&keys).await;
        self.caches.push(Box::new(|| {
            let told = async move {
                writing.wrote(rows).await;
            };
            told.boxed()
        }));
    }

    /// Commits and tells everybody. A caller that goes away in between takes nothing along: this runs
    /// on a task of its own.
    pub(super) async fn commit(self) -> Result<(), Error> {
        let done = task::spawn(self.finish()).await;
        done.map_err(ApiError::from)?
    }

    async fn finish(self) -> Result<(), Error> {
        let events = log::append(&self.tx, self.events).await?;
        store::insert_entries(&self.tx, self.entries).await?;
        let mut enqueued = Enqueued::default();
        for (at, effect) in self.effects {
            enqueued = enqueued.and(enqueue_at(&self.tx, self.now, at, &[effect]).await?);
        }
        let recorded = match self.subjects.as_slice() {
            [] => None,
            subjects => Some(change::record(&self.tx, self.now, subjects).await?),
        };
        self.tx.commit().await?;
        futures_util::future::join_all(self.caches.into_iter().map(|told| told())).await;
        if let Some(recorded) = recorded {
            self.access.changes().announce(recorded).await;
        }
        self.streams.announce(&events);
        enqueued.announce(&self.platform.bus).await;
        Ok(())
    }
}
