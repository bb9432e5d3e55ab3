//! The gateway as a process of its own, from its settings on.

use crate::{client::Socket, service::Service};
use axum::{Router, routing::get};
use commons_access::{Access, LocalAccess, Subject, change};
use commons_gateway::Standalone;
use commons_platform::{
    auth::{KeySet, SigningKey},
    clock::{Clock, SystemClock},
    config::Config,
    internal::InternalToken,
    task,
};
use commons_testing::{Identity, World};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{sync::oneshot, task::JoinHandle};

const PATIENCE: Duration = Duration::from_secs(30);

/// What a gateway needs of the services beside their subgraphs.
struct House {
    world: World,
    access: Arc<LocalAccess>,
    published: Arc<Mutex<Vec<u8>>>,
    user: Service,
    channel: Service,
    message: Service,
}

impl House {
    async fn new() -> Self {
        let world = World::new().await;
        // The gateway has the machine's clock.
        let now = SystemClock::default().now();
        world.clock.advance(now - world.clock.now());
        let access = LocalAccess::start(&world.platform).await.unwrap();
        let published = Arc::new(Mutex::new(world.platform.tokens.jwks().unwrap()));
        let keys = published.clone();
        let keys = get(async move || keys.lock().unwrap().clone());
        let token = InternalToken::of(&world.platform.secret);
        Self {
            user: Service::start(ready().route("/.well-known/jwks.json", keys)),
            channel: Service::start(ready().merge(commons_access::serve(access.clone(), token))),
            message: Service::start(ready()),
            world,
            access,
            published,
        }
    }

    /// Signs with another key from now on, and publishes that one.
    fn change_keys(&self) {
        let tokens = &self.world.platform.tokens;
        tokens.set_keys(KeySet::new(&SigningKey::generate(), &[]).unwrap());
        *self.published.lock().unwrap() = tokens.jwks().unwrap();
    }

    async fn revoke(&self, person: &Identity) {
        let platform = &self.world.platform;
        let tx = platform.db.begin().await.unwrap();
        let subject = [Subject::Session(person.session)];
        let recorded = change::record(&tx, platform.clock.now(), &subject).await.unwrap();
        tx.commit().await.unwrap();
        self.access.changes().announce(recorded).await;
    }
}

fn ready() -> Router {
    Router::new().route("/ready", get(async || "ready"))
}

fn bearer(person: &Identity) -> String {
    format!("Bearer {}", person.token)
}

struct Running {
    address: SocketAddr,
    metrics: String,
    _stop: oneshot::Sender<()>,
    _done: JoinHandle<()>,
}

impl Running {
    async fn start(house: &House) -> Self {
        let data = tempfile::tempdir().unwrap();
        let toml = format!(
            "data_dir = {:?}\n[gateway]\nlisten = \"127.0.0.1:0\"\n\
             [services]\nuser_url = {:?}\nchannel_url = {:?}\nmessage_url = {:?}",
            data.path(),
            house.user.url(),
            house.channel.url(),
            house.message.url() + "/",
        );
        let mut config = Config::from_toml(&toml).unwrap();
        "a secret of the test world".clone_into(&mut config.auth.secret);
        let gateway = Standalone::start(&config).await.unwrap();
        let (address, metrics) = (gateway.address(), gateway.admin_address());
        let (stop, stopped) = oneshot::channel();
        let done = task::spawn(async move {
            let stopped = async {
                let _dropped = stopped.await;
            };
            gateway.run(stopped).await.unwrap();
        });
        Self {
            address,
            metrics: format!("http://{metrics}/metrics"),
            _stop: stop,
            _done: done,
        }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(format!("http://{}{path}", self.address))
            .await
            .unwrap()
    }

    async fn status(&self, path: &str) -> u16 {
        self.get(path).await.status().as_u16()
    }

    /// Asks until it is so.
    async fn becomes(&self, path: &str, status: u16) {
        let begin = Instant::now();
        while self.status(path).await != status {
            assert!(begin.elapsed() < PATIENCE, "{path} is never {status}");
        }
    }

    /// A socket that has said who it is, and how it is greeted.
    async fn greeting(&self, authorization: &str) -> (Socket, Option<Value>) {
        let mut socket = Socket::open(self.address, None).await;
        socket
            .say(json!({ "type": "connection_init", "payload": { "authorization": authorization } }))
            .await;
        let greeting = socket.hear_any().await;
        (socket, greeting)
    }
}

fn acknowledged() -> Option<Value> {
    Some(json!({ "type": "connection_ack" }))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_when_every_service_is() {
    let mut house = House::new().await;
    house.user.kill();
    let gateway = Running::start(&house).await;
    assert_eq!(gateway.status("/health").await, 200);
    assert_eq!(gateway.status("/ready").await, 503);
    assert_eq!(gateway.status("/.well-known/jwks.json").await, 503);
    house.user.revive();
    gateway.becomes("/ready", 200).await;
    let published = gateway.get("/.well-known/jwks.json").await;
    assert_eq!(
        *published.bytes().await.unwrap(),
        *house.published.lock().unwrap()
    );
    for service in [&mut house.channel, &mut house.message] {
        service.kill();
        gateway.becomes("/ready", 503).await;
        service.revive();
        gateway.becomes("/ready", 200).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_not_for_clients() {
    let house = House::new().await;
    let gateway = Running::start(&house).await;
    assert_eq!(gateway.status("/metrics").await, 404);
    assert!(gateway.metrics.starts_with("http://127.0.0.1:"));
    assert_eq!(reqwest::get(&gateway.metrics).await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_follows_the_keys() {
    let mut house = House::new().await;
    let gateway = Running::start(&house).await;
    gateway.becomes("/ready", 200).await;
    let ada = house.world.person("ada").await;
    assert_eq!(gateway.greeting(&bearer(&ada)).await.1, acknowledged());
    // A token by a key that is new makes it ask again.
    house.change_keys();
    let ada = house.world.identity(ada.user).await;
    let begin = Instant::now();
    while gateway.greeting(&bearer(&ada)).await.1 != acknowledged() {
        assert!(begin.elapsed() < PATIENCE, "the new key is never known");
    }
    // What it knows it keeps while nobody answers.
    house.user.kill();
    assert_eq!(gateway.greeting("Bearer nonsense").await.1, None);
    assert_eq!(gateway.greeting(&bearer(&ada)).await.1, acknowledged());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_session_s_connections_end_within_a_second() {
    let mut house = House::new().await;
    let gateway = Running::start(&house).await;
    gateway.becomes("/ready", 200).await;
    let (ada, bob, eve) = (
        house.world.person("ada").await,
        house.world.person("bob").await,
        house.world.person("eve").await,
    );
    let (mut of_ada, greeted) = gateway.greeting(&bearer(&ada)).await;
    assert_eq!(greeted, acknowledged());
    let (mut of_bob, _) = gateway.greeting(&bearer(&bob)).await;
    let (mut of_eve, _) = gateway.greeting(&bearer(&eve)).await;

    let since = Instant::now();
    house.revoke(&ada).await;
    assert_eq!(of_ada.closed().await, 4401);
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    assert_eq!(gateway.greeting(&bearer(&ada)).await.1, None);

    // What was revoked while nobody told it, it hears as soon as somebody does.
    house.channel.kill();
    house.revoke(&bob).await;
    house.channel.revive();
    assert_eq!(of_bob.closed().await, 4401);
    assert_eq!(gateway.greeting(&bearer(&bob)).await.1, None);

    of_eve.say(json!({ "type": "ping" })).await;
    assert_eq!(of_eve.hear().await, json!({ "type": "pong" }));
}
