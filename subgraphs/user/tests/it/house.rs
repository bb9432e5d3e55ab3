//! The user service over a test world, and people who registered with it.

use commons_access::{Access, LocalAccess};
use commons_platform::{
    Platform,
    config::{Config, Registration},
    db::Db,
    graphql::Subgraph,
};
use commons_testing::{Client, World};
use commons_user::UserService;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// What every person of these tests signs in with.
pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) const REGISTER: &str = "mutation($input: RegisterInput!) { register(input: $input) { signedIn {
    accessToken refreshToken expiresAt session { id } viewer { administrator email user { id username displayName kind } }
} } }";

pub(crate) const LOGIN: &str = "mutation($input: LoginInput!) { login(input: $input) { result {
    ... on SignedIn { accessToken refreshToken session { id } viewer { user { id } } }
} } }";

pub(crate) const WHO: &str = "{ viewer { user { id } } }";

/// The user service as one process runs it.
pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) service: Arc<UserService>,
    pub(crate) subgraph: Subgraph,
}

/// Somebody who registered or logged in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) session: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A house with other settings than the default.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut world = World::new().await;
        let mut config = Config::clone(&world.platform.config);
        change(&mut config);
        world.platform.config = Arc::new(config);
        let (service, subgraph) = start(&world.platform).await;
        Self {
            world,
            service,
            subgraph,
        }
    }

    /// The same house once nobody but the first may register.
    pub(crate) async fn closed() -> Self {
        Self::with(|config| config.auth.registration = Registration::Closed).await
    }

    pub(crate) fn anonymous(&self) -> Client<'_> {
        Client::anonymous(&self.subgraph)
    }

    /// All who may read some channel, as the gateway asks for them.
    pub(crate) fn audience(&self) -> Client<'_> {
        let stream = self.world.platform.clock.new_id();
        let audience = self.world.platform.tokens.for_audience(stream).unwrap();
        Client::with(&self.subgraph, audience.authorization)
    }

    pub(crate) fn client(&self, person: &Person) -> Client<'_> {
        Client::with(&self.subgraph, bearer(&person.access))
    }

    pub(crate) async fn register(&self, username: &str) -> Person {
        let input = json!({ "input": { "username": username, "password": PASSWORD } });
        let data = self.anonymous().data(REGISTER, input).await;
        Person::from(&data["register"]["signedIn"])
    }

    pub(crate) async fn login(&self, name: &str) -> Person {
        let data = self.anonymous().data(LOGIN, credentials(name, PASSWORD)).await;
        Person::from(&data["login"]["result"])
    }

    /// How many statements a request ran, and what it gave.
    pub(crate) async fn counted(&self, client: Client<'_>, document: &str, variables: Value) -> (u64, Value) {
        let before = self.world.platform.db.query_count();
        let data = client.data(document, variables).await;
        (self.world.platform.db.query_count() - before, data)
    }
}

/// The service on a platform, as a start of the process does it.
pub(crate) async fn start(platform: &Platform) -> (Arc<UserService>, Subgraph) {
    // Access reads its log again and again: on connections of its own, it is in no query count.
    let db = Db::connect(&platform.config.database).await.unwrap();
    let access = LocalAccess::start(&Platform {
        db,
        ..platform.clone()
    })
    .await
    .unwrap();
    let service = UserService::start(platform.clone(), access.changes().clone())
        .await
        .unwrap();
    let subgraph = commons_user::subgraph(service.clone());
    (service, subgraph)
}

/// Another process with the same secret on the same database, clock included.
pub(crate) async fn another_process(world: &World) -> Platform {
    Platform::assemble(
        Config::clone(&world.platform.config),
        world.database.reconnect().await,
        world.platform.secret.clone(),
        world.clock.clone(),
    )
}

impl From<&Value> for Person {
    fn from(signed_in: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            id: text(&signed_in["viewer"]["user"]["id"]),
            session: text(&signed_in["session"]["id"]),
            access: text(&signed_in["accessToken"]),
            refresh: text(&signed_in["refreshToken"]),
        }
    }
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

pub(crate) fn credentials(login: &str, password: &str) -> Value {
    json!({ "input": { "login": login, "password": password } })
}

pub(crate) fn input(fields: Value) -> Value {
    json!({ "input": fields })
}

/// The extensions of an error about an input field.
pub(crate) fn invalid(field: &str, reason: &str) -> Value {
    json!({ "code": "INVALID", "reason": reason, "field": field })
}

/// The extensions of the answer to a call that needs a token.
pub(crate) fn unauthenticated() -> Value {
    json!({ "code": "UNAUTHENTICATED" })
}

/// The extensions of the answer for what is not there, or not the actor's.
pub(crate) fn not_found() -> Value {
    json!({ "code": "NOT_FOUND" })
}

/// Asks until the answer is yes.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let asking = async {
        let mut turns = tokio::time::interval(Duration::from_millis(10));
        while !ask().await {
            turns.tick().await;
        }
    };
    let answered = tokio::time::timeout(Duration::from_secs(20), asking).await;
    assert!(answered.is_ok(), "in vain: {what}");
}
