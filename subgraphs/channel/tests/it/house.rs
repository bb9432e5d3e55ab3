//! A guild with people in it, and how tests talk to it.

use commons_access::{Access, LocalAccess};
use commons_channel::{ChannelService, service::Duty};
use commons_entities::{ChannelId, UserId};
use commons_jobs::{Effect, Owner, Progress, Runner, Worker};
use commons_platform::{ApiError, Platform, bus::MemoryBus, cache::MemoryCache, graphql::Subgraph};
use commons_streams::Streams;
use commons_testing::{Client, Identity, World};
use futures_util::{StreamExt, stream::BoxStream};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Longer than any machine needs; a test that waits this long fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A guild of Alice's, with Bob and Carol in it and a stranger outside.
pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) access: Arc<LocalAccess>,
    pub(crate) service: Arc<ChannelService>,
    pub(crate) subgraph: Subgraph,
    pub(crate) alice: Identity,
    pub(crate) bob: Identity,
    pub(crate) carol: Identity,
    pub(crate) stranger: Identity,
    pub(crate) guild: String,
    pub(crate) general: String,
    pub(crate) everyone: String,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::in_world(World::new().await).await
    }

    /// A house where people may change guilds only so often.
    pub(crate) async fn with_changes_per_minute(changes: u32) -> Self {
        let mut world = World::new().await;
        let mut config = (*world.platform.config).clone();
        config.limits.guild_changes_per_minute = changes;
        world.platform.config = Arc::new(config);
        Self::in_world(world).await
    }

    async fn in_world(world: World) -> Self {
        let (access, service, subgraph) = started(world.platform.clone()).await;
        let alice = world.person("alice").await;
        let bob = world.person("bob").await;
        let carol = world.person("carol").await;
        let stranger = world.person("stranger").await;
        let founded = Client::of(&subgraph, &alice)
            .data(
                "mutation { createGuild(input: { name: \"Harbour\" }) { guild { id channels { id } roles { id } } } }",
                json!({}),
            )
            .await;
        let guild = &founded["createGuild"]["guild"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (guild_id, general, everyone) = (
            text(&guild["id"]),
            text(&guild["channels"][0]["id"]),
            text(&guild["roles"][0]["id"]),
        );
        let house = Self {
            world,
            access,
            service,
            subgraph,
            alice,
            bob,
            carol,
            stranger,
            guild: guild_id,
            general,
            everyone,
        };
        let code = house.invite(json!({})).await;
        for person in [&house.bob, &house.carol] {
            house.accept(person, &code).await;
        }
        house
    }

    /// The same house in a process that has nothing in memory.
    pub(crate) async fn restarted(self) -> Self {
        let mut platform = self.world.platform.clone();
        platform.cache = Arc::new(MemoryCache::new(platform.clock.clone(), 1 << 20));
        let (access, service, subgraph) = started(platform).await;
        Self {
            access,
            service,
            subgraph,
            ..self
        }
    }

    /// Another process on the same database, which hears of changes from there alone.
    pub(crate) async fn another_process(&self) -> Process {
        let mut platform = self.world.platform.clone();
        platform.db = self.world.database.reconnect().await;
        platform.cache = Arc::new(MemoryCache::new(platform.clock.clone(), 1 << 20));
        platform.bus = Arc::new(MemoryBus::new());
        let (access, service, subgraph) = started(platform).await;
        Process {
            subgraph,
            _access: access,
            _service: service,
        }
    }

    /// Does what the channel domain owes, to the end.
    pub(crate) async fn do_duty(&self, effect: Effect) {
        let duty = Duty(self.service.clone());
        for _ in 0..1000 {
            if duty.run(&effect).await.unwrap() == Progress::Done {
                return;
            }
        }
        panic!("{effect:?} does not end");
    }

    /// What an owner is given to do from now on.
    pub(crate) fn owed_to(&self, owner: Owner) -> Owed {
        let (tell, told) = mpsc::unbounded_channel();
        let worker = Worker::start(self.world.platform.clone(), owner, Arc::new(Recorder(tell)));
        Owed {
            told,
            _worker: worker,
        }
    }

    pub(crate) fn of(&self, identity: &Identity) -> Client<'_> {
        Client::of(&self.subgraph, identity)
    }

    /// All who may read a channel, as the gateway asks for them.
    pub(crate) fn audience(&self, channel: &str) -> Client<'_> {
        let channel: ChannelId = channel.parse().unwrap();
        let audience = self.world.platform.tokens.for_audience(channel.0).unwrap();
        Client::with(&self.subgraph, audience.authorization)
    }

    /// An invite of Alice's, its code.
    pub(crate) async fn invite(&self, more: Value) -> String {
        let mut input = json!({ "guildId": self.guild });
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let made = self
            .mutate(&self.alice, "createInvite", input, "invite { code }")
            .await;
        made["invite"]["code"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn accept(&self, who: &Identity, code: &str) -> Value {
        self.mutate(
            who,
            "acceptInvite",
            json!({ "code": code }),
            "guild { id } member { user { id } }",
        )
        .await
    }

    /// The payload of a mutation that must pass.
    pub(crate) async fn mutate(&self, who: &Identity, name: &str, input: Value, selection: &str) -> Value {
        let document = mutation(name, selection);
        self.of(who).data(&document, json!({ "input": input })).await[name].take()
    }

    /// The extensions of a mutation that must be refused.
    pub(crate) async fn refused(&self, who: &Identity, name: &str, input: Value) -> Value {
        self.of(who)
            .error(&mutation(name, "__typename"), json!({ "input": input }))
            .await
    }

    /// The reason, else the code, of a mutation that must be refused.
    pub(crate) async fn reason(&self, who: &Identity, name: &str, input: Value) -> String {
        let refused = self.refused(who, name, input).await;
        let word = refused.get("reason").unwrap_or(&refused["code"]);
        word.as_str().unwrap().to_owned()
    }

    /// A role of Alice's making, its id.
    pub(crate) async fn role(&self, name: &str, permissions: Value) -> String {
        self.role_by(&self.alice, name, permissions).await
    }

    pub(crate) async fn role_by(&self, maker: &Identity, name: &str, permissions: Value) -> String {
        let input = json!({ "guildId": self.guild, "name": name, "permissions": permissions });
        let made = self.mutate(maker, "createRole", input, "role { id }").await;
        made["role"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn assign(&self, role: &str, to: &Identity) {
        self.assign_by(&self.alice, role, to).await;
    }

    pub(crate) async fn assign_by(&self, giver: &Identity, role: &str, to: &Identity) {
        let input = json!({ "roleId": role, "userId": to.user.to_string() });
        self.mutate(giver, "assignRole", input, "__typename").await;
    }

    /// A role that only this person holds.
    pub(crate) async fn empower(&self, who: &Identity, permissions: Value) -> String {
        let role = self.role("power", permissions).await;
        self.assign(&role, who).await;
        role
    }

    /// A channel of Alice's making, its id.
    pub(crate) async fn channel(&self, more: Value) -> String {
        let mut input = json!({ "guildId": self.guild, "name": "channel" });
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let made = self
            .mutate(&self.alice, "createChannel", input, "channel { id }")
            .await;
        made["channel"]["id"].as_str().unwrap().to_owned()
    }

    /// A channel that only Alice sees.
    pub(crate) async fn hidden_channel(&self) -> String {
        let overwrites = json!([{ "roleId": self.everyone, "deny": ["VIEW_CHANNEL"] }]);
        self.channel(json!({ "name": "hidden", "overwrites": overwrites }))
            .await
    }

    /// What a person sees of the guild.
    pub(crate) async fn guild(&self, who: &Identity, selection: &str) -> Value {
        let document = format!("query($id: ID!) {{ guild(id: $id) {{ {selection} }} }}");
        self.of(who).data(&document, json!({ "id": self.guild })).await["guild"].take()
    }

    /// The names of the channels that a person sees, in order.
    pub(crate) async fn channel_names(&self, who: &Identity) -> Vec<String> {
        let guild = self.guild(who, "channels { name }").await;
        let names = guild["channels"].as_array().unwrap().iter();
        names
            .map(|channel| channel["name"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn follow(&self, who: &Identity, after: Option<i64>) -> Live {
        let document = "subscription($id: ID!, $after: Int) { guildEvents(guildId: $id, after: $after) {
            __typename seq
            ... on GuildUpdated { guild { name owner { id } } }
            ... on RoleCreated { role { name } } ... on RoleUpdated { role { name } } ... on RoleDeleted { roleId }
            ... on RolesMoved { roles { name position } }
            ... on MemberJoined { user { id } member { nickname } }
            ... on MemberLeft { user { id } }
            ... on MemberUpdated { user { id } member { nickname roles { name } } }
            ... on ViewerAccessChanged { guild { viewerPermissions channels { name } } }
        } }";
        Live(
            self.of(who)
                .subscribe(document, json!({ "id": self.guild, "after": after })),
        )
    }

    pub(crate) async fn follow_from_head(&self, who: &Identity) -> Live {
        let mut live = self.follow(who, None);
        assert_eq!(live.event().await["__typename"], "GuildStreamHead");
        live
    }
}

/// A second process.
pub(crate) struct Process {
    pub(crate) subgraph: Subgraph,
    _access: Arc<LocalAccess>,
    _service: Arc<ChannelService>,
}

/// Jobs as their owner gets them.
pub(crate) struct Owed {
    told: mpsc::UnboundedReceiver<Effect>,
    _worker: Worker,
}

impl Owed {
    pub(crate) async fn next(&mut self) -> Effect {
        tokio::time::timeout(PATIENCE, self.told.recv())
            .await
            .expect("a job in time")
            .unwrap()
    }
}

struct Recorder(mpsc::UnboundedSender<Effect>);

#[async_trait::async_trait]
impl Runner for Recorder {
    async fn run(&self, effect: &Effect) -> Result<Progress, ApiError> {
        self.0.send(effect.clone()).unwrap();
        Ok(Progress::Done)
    }
}

/// A live stream of events.
pub(crate) struct Live(BoxStream<'static, Value>);

impl Live {
    pub(crate) async fn next(&mut self) -> Option<Value> {
        tokio::time::timeout(PATIENCE, self.0.next())
            .await
            .expect("an event in time")
    }

    pub(crate) async fn event(&mut self) -> Value {
        let mut response = self.next().await.expect("the stream goes on");
        assert!(response.get("errors").is_none(), "{response:#}");
        response["data"]["guildEvents"].take()
    }

    /// The code of the error it ends with; nothing comes after.
    pub(crate) async fn end(&mut self) -> String {
        let response = self.next().await.expect("an error before the end");
        let code = response["errors"][0]["extensions"]["code"].as_str();
        let code = code
            .unwrap_or_else(|| panic!("no error in {response:#}"))
            .to_owned();
        assert_eq!(self.next().await, None);
        code
    }
}

async fn started(platform: Platform) -> (Arc<LocalAccess>, Arc<ChannelService>, Subgraph) {
    let access = LocalAccess::start(&platform).await.unwrap();
    let streams = Streams::new(platform.db.clone(), platform.bus.clone(), platform.clock.clone());
    let seam: Arc<dyn Access> = access.clone();
    let service = ChannelService::start(platform, seam, streams).await.unwrap();
    let subgraph = commons_channel::subgraph(service.clone());
    (access, service, subgraph)
}

fn mutation(name: &str, selection: &str) -> String {
    let input = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    format!("mutation($input: {input}!) {{ {name}(input: $input) {{ {selection} }} }}")
}

pub(crate) fn id(user: UserId) -> String {
    user.to_string()
}
