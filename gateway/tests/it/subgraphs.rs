//! The subgraphs: `user` owns users, `message` owns messages and refers to users.

use async_graphql::{
    Context, EmptySubscription, ID, Interface, Object, Result, Schema, SimpleObject, Subscription,
};
use commons_platform::{ApiError, Cx, Origin, Platform, auth::Actor, cx::Service, graphql::Subgraph};
use futures_util::{Stream, stream};
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, broadcast};

/// What tests move from outside.
#[derive(Debug)]
pub(crate) struct State {
    /// What `posted` sends.
    pub(crate) posts: broadcast::Sender<String>,
    /// Told when `slow` has begun.
    pub(crate) begun: Notify,
    /// Lets `slow` end.
    pub(crate) go_on: Notify,
    /// Where the last `count` came from.
    pub(crate) counted_for: Mutex<Option<Origin>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            posts: broadcast::Sender::new(16),
            begun: Notify::new(),
            go_on: Notify::new(),
            counted_for: Mutex::default(),
        }
    }
}

impl Service for State {
    type Loads = ();
    fn loads(&self, _: &Actor) {}
}

type Here = Arc<Cx<State>>;

fn viewer(cx: &Context<'_>) -> Result<uuid::Uuid> {
    Ok(cx.data_unchecked::<Here>().actor.user()?)
}

/// A user's id from its number.
pub(crate) fn user_id(number: u128) -> String {
    format!("user_{number:026}")
}

/// A message's id from its number.
pub(crate) fn message_id(number: u128) -> String {
    format!("message_{number:026}")
}

/// A user.
#[derive(SimpleObject)]
struct User {
    /// Its id.
    id: ID,
    /// What others call it.
    name: String,
}

#[derive(Interface)]
#[graphql(name = "Node", field(name = "id", ty = "&ID"))]
enum UserNode {
    User(User),
}

impl User {
    /// Users below 100 exist; 13 is hidden from everybody.
    fn find(id: &str) -> Option<Self> {
        let number: u128 = id.strip_prefix("user_")?.parse().ok()?;
        (number < 100 && number != 13).then(|| Self {
            id: id.into(),
            name: format!("name {number}"),
        })
    }
}

/// What the gateway says of the caller.
#[derive(SimpleObject)]
struct Caller {
    address: String,
    request_id: String,
    device: Option<String>,
}

struct UserQuery;

#[Object(name = "Query")]
impl UserQuery {
    /// The user who asks.
    async fn viewer(&self, cx: &Context<'_>) -> Result<Option<User>> {
        let number = viewer(cx)?.as_u128();
        Ok(User::find(&user_id(number)))
    }

    /// A user by id.
    async fn user(&self, id: ID) -> Option<User> {
        User::find(&id)
    }

    /// Gives back what it gets.
    async fn echo(&self, text: String) -> String {
        text
    }

    /// Takes anything and is deep.
    async fn deep(&self) -> Deep {
        Deep
    }

    async fn caller(&self, cx: &Context<'_>) -> Caller {
        let origin = &cx.data_unchecked::<Here>().origin;
        Caller {
            address: origin.address.to_string(),
            request_id: origin.request_id.to_string(),
            device: origin.device.as_deref().map(str::to_owned),
        }
    }

    /// Refuses in the way of a domain.
    async fn forbidden(&self) -> Result<Option<String>> {
        Err(ApiError::forbidden("BECAUSE", "you may not")
            .with_field("it")
            .into())
    }

    /// Ends its task.
    async fn panic(&self) -> Option<String> {
        fall()
    }

    #[graphql(entity)]
    async fn find_user(&self, id: ID) -> Option<User> {
        User::find(&id)
    }
}

fn fall() -> Option<String> {
    panic!("a secret of the inside")
}

struct Deep;

#[Object]
impl Deep {
    async fn deep(&self) -> Deep {
        Deep
    }
    async fn end(&self) -> i32 {
        1
    }
}

struct UserMutation;

#[Object(name = "Mutation")]
impl UserMutation {
    /// Answers when the test lets it.
    async fn slow(&self, cx: &Context<'_>) -> bool {
        let cx = cx.data_unchecked::<Here>();
        cx.begun.notify_one();
        cx.go_on.notified().await;
        true
    }
}

#[derive(SimpleObject)]
#[graphql(unresolvable = "id", name = "User")]
struct UserRef {
    id: ID,
}

/// A message.
#[derive(SimpleObject)]
struct Message {
    /// Its id.
    id: ID,
    /// What it says.
    text: String,
    /// Who said it.
    author: Option<UserRef>,
}

#[derive(Interface)]
#[graphql(name = "Node", field(name = "id", ty = "&ID"))]
enum MessageNode {
    Message(Message),
    User(UserRef),
}

impl Message {
    fn find(id: &str) -> Option<Self> {
        let number: u128 = id.strip_prefix("message_")?.parse().ok()?;
        let author = Some(UserRef {
            id: user_id(number).into(),
        });
        (number < 100).then(|| Self {
            id: id.into(),
            text: format!("text {number}"),
            author,
        })
    }
}

struct MessageQuery;

#[Object(name = "Query")]
impl MessageQuery {
    /// The newest messages.
    async fn messages(&self) -> Vec<Message> {
        [1, 2]
            .iter()
            .filter_map(|number| Message::find(&message_id(*number)))
            .collect()
    }

    #[graphql(entity)]
    async fn find_message(&self, cx: &Context<'_>, id: ID) -> Result<Option<Message>> {
        viewer(cx)?;
        Ok(Message::find(&id))
    }
}

struct MessageSubscription;

#[Subscription(name = "Subscription")]
impl MessageSubscription {
    /// Messages as they are posted.
    async fn posted(&self, cx: &Context<'_>) -> Result<impl Stream<Item = Option<Message>> + use<>> {
        viewer(cx)?;
        let posts = cx.data_unchecked::<Here>().posts.subscribe();
        Ok(stream::unfold(posts, async |mut posts| {
            Some((Message::find(&posts.recv().await.ok()?), posts))
        }))
    }

    /// Who is asking, once.
    async fn whoami(&self, cx: &Context<'_>) -> Result<impl Stream<Item = String> + use<>> {
        let id = user_id(viewer(cx)?.as_u128());
        Ok(stream::iter([id]))
    }

    /// Counts.
    async fn count(&self, cx: &Context<'_>, to: i32) -> impl Stream<Item = i32> + use<> {
        let cx = cx.data_unchecked::<Here>();
        *cx.counted_for.lock().unwrap() = Some(cx.origin.clone());
        stream::iter(1..=to)
    }
}

/// The subgraph `user`.
pub(crate) fn user(platform: Platform, state: Arc<State>) -> Subgraph {
    let schema = Schema::build(UserQuery, UserMutation, EmptySubscription).register_output_type::<UserNode>();
    Subgraph::new("user", platform, schema.finish(), state)
}

/// The subgraph `message`.
pub(crate) fn message(platform: Platform, state: Arc<State>) -> Subgraph {
    let schema = Schema::build(MessageQuery, async_graphql::EmptyMutation, MessageSubscription)
        .enable_subscription_in_federation()
        .register_output_type::<MessageNode>();
    Subgraph::new("message", platform, schema.finish(), state)
}
