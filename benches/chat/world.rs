//! A small community on a running server: people in a guild, and channels to talk in. Made through
//! the gateway, as clients make it.

use crate::client::{Client, body};
use anyhow::Context;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A message of usual length.
pub(crate) const BODY: &str =
    "hello world, this is a chat message of normal length, around eighty bytes of it";

const REGISTER: &str =
    "mutation($input: RegisterInput!) { register(input: $input) { signedIn { accessToken } } }";
const GUILD: &str = r#"mutation { createGuild(input: { name: "Benchmark" }) { guild { id } } }"#;
const INVITE: &str = "mutation($guild: ID!) { createInvite(input: { guildId: $guild }) { invite { code } } }";
const JOIN: &str = "mutation($code: String!) { acceptInvite(input: { code: $code }) { guild { id } } }";
const CHANNEL: &str = "mutation($guild: ID!, $name: String!) { createChannel(input: { guildId: $guild, name: $name }) { channel { id } } }";
const SEND: &str = "mutation($channel: ID!, $content: String!) {
  sendMessage(input: { channelId: $channel, content: $content }) { message { id seq } }
}";

/// Password hashing takes turns; more would only wait.
const REGISTERING: usize = 2;

/// The community.
#[derive(Debug)]
pub(crate) struct World {
    /// Everybody, the guild's owner first; each with a connection of their own.
    pub(crate) people: Vec<Client>,
    guild: String,
}

impl World {
    /// Makes a community of so many people at a gateway.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn found(base: &str, people: usize) -> anyhow::Result<Self> {
        let owner = register(base, 0).await?;
        let guild = text(owner.data(GUILD, json!({})).await?, "/createGuild/guild/id")?;
        let invite = owner.data(INVITE, json!({ "guild": guild })).await?;
        let code = text(invite, "/createInvite/invite/code")?;
        let mut others: Vec<Client> = stream::iter(1..people)
            .map(async |number| {
                let person = register(base, number).await?;
                person.data(JOIN, json!({ "code": code })).await?;
                anyhow::Ok(person)
            })
            .buffered(REGISTERING)
            .try_collect()
            .await?;
        others.insert(0, owner);
        Ok(Self {
            people: others,
            guild,
        })
    }

    /// Makes a channel; its id.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn channel(&self, name: &str) -> anyhow::Result<String> {
        let made = self.people[0]
            .data(CHANNEL, json!({ "guild": self.guild, "name": name }))
            .await?;
        text(made, "/createChannel/channel/id")
    }
}

/// A folder for a server's data, on the disk that holds the build.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn folder() -> anyhow::Result<TempDir> {
    Ok(tempfile::Builder::new()
        .prefix("chat-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// The body of a request that sends a message.
pub(crate) fn send(channel: &str, content: &str) -> Bytes {
    body(SEND, json!({ "channel": channel, "content": content }))
}

async fn register(base: &str, number: usize) -> anyhow::Result<Client> {
    let mut person = Client::new(base, None)?;
    let input = json!({ "username": format!("person-{number}"), "displayName": format!("Person {number}"),
        "password": "correct horse battery" });
    let registered = person.data(REGISTER, json!({ "input": input })).await?;
    person.authorization = Some(format!(
        "Bearer {}",
        text(registered, "/register/signedIn/accessToken")?
    ));
    Ok(person)
}

fn text(data: Value, pointer: &str) -> anyhow::Result<String> {
    let value = data.pointer(pointer).and_then(Value::as_str);
    value
        .map(ToOwned::to_owned)
        .with_context(|| format!("no {pointer} in {data}"))
}
