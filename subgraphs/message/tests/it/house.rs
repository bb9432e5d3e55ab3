//! A guild with channels, its owner alice, its members bob and carol, and mallory who is in none.

use commons_access::{Access, LocalAccess, Permissions, Subject, change, compute::Target};
use commons_entities::{
    ChannelId, GuildId, MessageId, RoleId, SessionId, UserId,
    channel::{ChannelKind, channel, guild, guild_member},
    message::{MessageKind, message},
};
use commons_message::{
    MessageService,
    service::{self, ImportedMessage},
};
use commons_platform::{Platform, db::Tx, graphql::Subgraph};
use commons_streams::{Streams, log};
use commons_testing::{Client, Identity, World, seed};
use futures_util::{FutureExt, future::join_all, stream::BoxStream};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Set, Unchanged,
};
use serde_json::{Value, json};
use std::{pin::pin, sync::Arc, time::Duration};

/// Everybody's permissions: those of a new guild.
pub(crate) const EVERYONE: Permissions = Permissions::DEFAULT;

pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) platform: Platform,
    pub(crate) access: Arc<LocalAccess>,
    pub(crate) service: Arc<MessageService>,
    pub(crate) subgraph: Subgraph,
    pub(crate) guild: GuildId,
    /// Where everybody talks.
    pub(crate) general: ChannelId,
    /// What alice alone sees.
    pub(crate) hidden: ChannelId,
    pub(crate) alice: Identity,
    pub(crate) bob: Identity,
    pub(crate) carol: Identity,
    pub(crate) mallory: Identity,
}

impl House {
    /// A house in which nobody sends too often.
    pub(crate) async fn new() -> Self {
        Self::with_sends_per_ten_seconds(1_000_000).await
    }

    pub(crate) async fn with_sends_per_ten_seconds(sends: u32) -> Self {
        let world = World::new().await;
        let mut config = world.database.config.clone();
        config.limits.sends_per_ten_seconds = sends;
        let platform = Platform {
            config: Arc::new(config),
            ..world.platform.clone()
        };
        let [alice, bob, carol, mallory] =
            join_all(["alice", "bob", "carol", "mallory"].map(|name| world.person(name)))
                .await
                .try_into()
                .unwrap();
        let guild = seed::guild(&platform.db, &*world.clock, alice.user, EVERYONE).await;
        for member in [&bob, &carol] {
            seed::member(&platform.db, &*world.clock, guild, member.user).await;
        }
        let access = LocalAccess::start(&platform).await.unwrap();
        let streams = Streams::new(platform.db.clone(), platform.bus.clone(), platform.clock.clone());
        let service = MessageService::start(platform.clone(), access.clone(), streams);
        let subgraph = commons_message::subgraph(service.clone());
        let nowhere = ChannelId(guild.0);
        let mut house = Self {
            world,
            platform,
            access,
            service,
            subgraph,
            guild,
            general: nowhere,
            hidden: nowhere,
            alice,
            bob,
            carol,
            mallory,
        };
        house.general = house.channel("general").await;
        house.hidden = house.channel("hidden").await;
        house.deny(house.hidden, Permissions::VIEW_CHANNEL).await;
        house
    }

    /// A new text channel that every member may use.
    pub(crate) async fn channel(&self, name: &str) -> ChannelId {
        let db = &self.platform.db;
        let id = seed::channel(db, &*self.world.clock, self.guild, name).await;
        if log::head(db.read(), id.0).await.unwrap().is_none() {
            log::create(db.writer(), id.0).await.unwrap();
        }
        id
    }

    /// Takes permissions from everybody in a channel, before anybody looked at it.
    pub(crate) async fn deny(&self, channel: ChannelId, denied: Permissions) {
        let everyone = Target::Role(RoleId(self.guild.0));
        seed::overwrite(&self.platform.db, channel, everyone, Permissions::empty(), denied).await;
    }

    /// Changes a channel's row and records it, as the channel domain does.
    pub(crate) async fn alter(&self, channel: ChannelId, change: impl FnOnce(&mut channel::ActiveModel)) {
        self.recorded(Subject::Channel(channel), async |tx| {
            alter(tx, channel, change).await
        })
        .await;
    }

    pub(crate) async fn slow(&self, channel: ChannelId, seconds: i32) {
        self.alter(channel, |row| row.slowmode_seconds = Set(seconds))
            .await;
    }

    pub(crate) async fn archive(&self, channel: ChannelId) {
        let now = self.platform.clock.now();
        self.alter(channel, |row| row.archived_at = Set(Some(now))).await;
    }

    pub(crate) async fn make_category(&self, channel: ChannelId) {
        self.alter(channel, |row| row.kind = Set(ChannelKind::Category))
            .await;
    }

    /// Deletes a channel; nobody is told but by the log of changes.
    pub(crate) async fn delete(&self, channel: ChannelId) {
        let now = self.platform.clock.now();
        self.alter(channel, |row| row.deleted_at = Set(Some(now))).await;
    }

    /// Deletes the guild; nobody is told but by the log of changes.
    pub(crate) async fn delete_guild(&self) {
        let now = self.platform.clock.now();
        self.recorded(Subject::Guild(self.guild), async |tx| {
            let row = guild::ActiveModel {
                id: Unchanged(self.guild),
                deleted_at: Set(Some(now)),
                ..Default::default()
            };
            row.update(tx).await.unwrap();
        })
        .await;
    }

    /// Removes a member; nobody is told but by the log of changes.
    pub(crate) async fn kick(&self, user: UserId) {
        let subject = Subject::Member(self.guild, user);
        self.recorded(subject, async |tx| remove_member(tx, self.guild, user).await)
            .await;
    }

    /// Takes permissions from somebody in a channel that is in use.
    pub(crate) async fn take(&self, channel: ChannelId, user: UserId, denied: Permissions) {
        self.recorded(Subject::Channel(channel), async |tx| {
            overwrite(tx, channel, user, denied).await
        })
        .await;
    }

    /// Ends a session.
    pub(crate) async fn revoke(&self, session: SessionId) {
        self.recorded(Subject::Session(session), async |_| {}).await;
    }

    async fn recorded(&self, subject: Subject, change: impl AsyncFnOnce(&Tx)) {
        let tx = self.platform.db.begin().await.unwrap();
        change(&tx).await;
        let _told_by_the_log = record(&tx, self, subject).await;
        tx.commit().await.unwrap();
    }

    /// Has the process hear what the log of changes says.
    pub(crate) async fn hear(&self) {
        self.access.changes().read().await.unwrap();
    }

    pub(crate) fn ask(&self, who: &Identity) -> Client<'_> {
        Client::of(&self.subgraph, who)
    }

    pub(crate) fn nobody(&self) -> Client<'_> {
        Client::anonymous(&self.subgraph)
    }

    /// All who may read a channel, as the gateway asks for them.
    pub(crate) fn audience(&self, channel: ChannelId) -> Client<'_> {
        let audience = self.platform.tokens.for_audience(channel.0).unwrap();
        Client::with(&self.subgraph, audience.authorization)
    }

    /// Sends as somebody and gives the message back.
    pub(crate) async fn say(&self, who: &Identity, channel: ChannelId, content: &str) -> Value {
        said(self.ask(who).data(SEND, sending(channel, content)).await)
    }

    /// Sends a message and gives its id back.
    pub(crate) async fn said(&self, who: &Identity, channel: ChannelId, content: &str) -> String {
        text(&self.say(who, channel, content).await["id"])
    }

    /// Messages `m1`, `m2` and so on, all in one transaction; gives their ids back.
    pub(crate) async fn say_many(&self, who: &Identity, channel: ChannelId, count: usize) -> Vec<String> {
        let message = |i: usize| ImportedMessage {
            external_id: self.platform.clock.new_id().to_string(),
            author: who.user,
            at: self.platform.clock.now(),
            kind: MessageKind::Default,
            content: Some(format!("m{i}")),
            reply_to: None,
            edited_at: None,
            reactions: Vec::new(),
        };
        self.import(channel, &(1..=count).map(message).collect::<Vec<_>>())
            .await
    }

    /// Messages as an import brings them; gives the channel's newest ids back, as many as there were.
    pub(crate) async fn import(&self, channel: ChannelId, messages: &[ImportedMessage]) -> Vec<String> {
        let names = service::Names::default();
        let done = service::import_messages(&self.service, channel, messages, &names)
            .await
            .unwrap();
        assert_eq!(done.messages, messages.len());
        let rows = message::Entity::find()
            .filter(message::Column::ChannelId.eq(channel))
            .order_by_desc(message::Column::Seq)
            .limit(u64::try_from(messages.len()).unwrap())
            .all(self.platform.db.read())
            .await
            .unwrap();
        rows.iter().rev().map(|row| row.id.to_string()).collect()
    }

    /// Runs requests that write while the database is held, so that they are accepted together; then
    /// lets them go.
    pub(crate) async fn meanwhile<F: Future>(
        &self,
        requests: impl IntoIterator<Item = F>,
        held: impl AsyncFnOnce(&Tx),
    ) -> Vec<F::Output> {
        let tx = self.hold().await;
        let mut all = pin!(join_all(requests));
        // On a runtime of one thread, what needs no input runs to its end in few turns.
        for _ in 0..50 {
            assert!(all.as_mut().now_or_never().is_none(), "the database is held");
            tokio::task::yield_now().await;
        }
        held(&tx).await;
        tx.commit().await.unwrap();
        soon(all).await
    }

    /// A transaction beside which nobody writes an event.
    pub(crate) async fn hold(&self) -> Tx {
        let tx = self.platform.db.begin().await.unwrap();
        if self.platform.db.is_postgres() {
            tx.execute_unprepared("LOCK TABLE stream IN EXCLUSIVE MODE")
                .await
                .unwrap();
        }
        tx
    }

    /// How many messages a channel has, deleted ones counted, and where its stream stands.
    pub(crate) async fn counts(&self, channel: ChannelId) -> (i64, i64) {
        let head = log::head(self.platform.db.read(), channel.0)
            .await
            .unwrap()
            .unwrap();
        (head.ordinal, head.seq)
    }
}

pub(crate) async fn record(tx: &Tx, house: &House, subject: Subject) -> change::Recorded {
    change::record(tx, house.platform.clock.now(), &[subject])
        .await
        .unwrap()
}

pub(crate) async fn alter(tx: &Tx, channel: ChannelId, change: impl FnOnce(&mut channel::ActiveModel)) {
    let mut row = channel::ActiveModel {
        id: Unchanged(channel),
        ..Default::default()
    };
    change(&mut row);
    row.update(tx).await.unwrap();
}

pub(crate) async fn remove_member(tx: &Tx, guild: GuildId, user: UserId) {
    guild_member::Entity::delete_by_id((guild, user))
        .exec(tx)
        .await
        .unwrap();
}

pub(crate) async fn overwrite(tx: &Tx, channel: ChannelId, user: UserId, denied: Permissions) {
    use commons_entities::channel::{OverwriteTarget, permission_overwrite};
    let row = permission_overwrite::Model {
        channel_id: channel,
        target_kind: OverwriteTarget::Member,
        target_id: user.0,
        allow: 0,
        deny: denied.to_row(),
    };
    row.into_active_model().reset_all().insert(tx).await.unwrap();
}

pub(crate) const SEND: &str = "mutation($input: SendMessageInput!) { sendMessage(input: $input) {
    message { id seq ordinal content nonce createdAt isReply replyTo { id content } author { id } channel { id } } } }";

/// The variables of a send without further fields.
pub(crate) fn sending(channel: ChannelId, content: &str) -> Value {
    json!({ "input": { "channelId": channel.to_string(), "content": content } })
}

/// The variables of a send with a nonce.
pub(crate) fn sending_as(channel: ChannelId, content: &str, nonce: &str) -> Value {
    json!({ "input": { "channelId": channel.to_string(), "content": content, "nonce": nonce } })
}

/// The variables of a reply.
pub(crate) fn replying(channel: ChannelId, content: &str, target: &str) -> Value {
    json!({ "input": { "channelId": channel.to_string(), "content": content, "replyTo": target } })
}

pub(crate) fn said(mut data: Value) -> Value {
    data["sendMessage"]["message"].take()
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// The texts of a list's items under a pointer.
pub(crate) fn texts(list: &Value, pointer: &str) -> Vec<String> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| text(item.pointer(pointer).unwrap()))
        .collect()
}

/// The numbers of a list's items under a pointer.
pub(crate) fn numbers(list: &Value, pointer: &str) -> Vec<i64> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item.pointer(pointer).unwrap().as_i64().unwrap())
        .collect()
}

/// An id that nothing has.
pub(crate) fn unknown_message(house: &House) -> String {
    MessageId(house.platform.clock.new_id()).to_string()
}

pub(crate) fn unknown_channel(house: &House) -> ChannelId {
    ChannelId(house.platform.clock.new_id())
}

/// What must come soon.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(120), future)
        .await
        .expect("it comes soon")
}

/// The next item of a live stream, which must come soon.
pub(crate) async fn next(stream: &mut BoxStream<'static, Value>) -> Option<Value> {
    use futures_util::StreamExt;
    soon(stream.next()).await
}
