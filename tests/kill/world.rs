//! Who is there and where they talk: people, three guilds and their channels.

use crate::{
    Cli,
    client::{Answer, Client, mutation},
    cluster::Cluster,
    ids::uuid_of,
    ledger::Ledger,
};
use anyhow::{Context, bail};
use commons_platform::task::Guard;
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{interval, sleep};
use uuid::Uuid;

const PASSWORD: &str = "correct horse battery";
const GUILDS: usize = 3;
/// A token lives five minutes.
const NEW_TOKEN: Duration = Duration::from_secs(120);
const PATIENCE: Duration = Duration::from_secs(30);

/// A channel.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    /// Its id in the API.
    pub(crate) id: String,
    /// Its id in the database, also of its stream.
    pub(crate) uuid: Uuid,
}

/// Everybody and everything that there is before the first fault.
pub(crate) struct World {
    /// First those who send, then the actors.
    pub(crate) people: Vec<Client>,
    pub(crate) channels: Vec<Channel>,
}

impl World {
    /// Registers everybody and makes every channel; everybody joins every guild.
    pub(crate) async fn make(cli: &Cli, cluster: &Cluster, ledger: &Arc<Ledger>) -> anyhow::Result<Self> {
        let mut people = Vec::new();
        for number in 0..(cli.senders + cli.actors).max(1) {
            let client = Client::new(&format!("person{number}"), &cluster.gateways, ledger)?;
            register(&client).await?;
            people.push(client);
        }
        let owner = &people[0];
        let mut channels = Vec::new();
        for number in 0..GUILDS.min(cli.channels) {
            let made = mutate(
                owner,
                "createGuild",
                json!({ "name": format!("Guild {number}") }),
                "guild { id channels { id } }",
            )
            .await?;
            let guild = text(&made["guild"]["id"])?;
            channels.push(channel(&made["guild"]["channels"][0]["id"])?);
            for more in (number..cli.channels).step_by(GUILDS).skip(1) {
                let input = json!({ "guildId": guild, "name": format!("channel-{more}") });
                let made = mutate(owner, "createChannel", input, "channel { id }").await?;
                channels.push(channel(&made["channel"]["id"])?);
            }
            let input = json!({ "guildId": guild });
            let invite = mutate(owner, "createInvite", input, "invite { code }").await?;
            for client in &people[1..] {
                let input = json!({ "code": invite["invite"]["code"] });
                mutate(client, "acceptInvite", input, "guild { id }").await?;
            }
        }
        Ok(Self { people, channels })
    }

    /// Gives everybody a new token every two minutes.
    pub(crate) fn keep_tokens(self: &Arc<Self>) -> Guard {
        let world = self.clone();
        Guard::spawn(async move {
            let mut tick = interval(NEW_TOKEN);
            tick.tick().await;
            loop {
                tick.tick().await;
                for client in &world.people {
                    // Within what is left of the old token's life somebody answers.
                    let deadline = Instant::now() + PATIENCE;
                    while log_in(client).await.is_err() && Instant::now() < deadline {
                        sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        })
    }
}

async fn register(client: &Client) -> anyhow::Result<()> {
    let document = mutation("register", "signedIn { accessToken }");
    let input = json!({ "username": client.username, "password": PASSWORD });
    let made = asked(client, &document, input).await?;
    client.set_token(&text(&made["register"]["signedIn"]["accessToken"])?);
    Ok(())
}

async fn log_in(client: &Client) -> anyhow::Result<()> {
    let document = mutation("login", "result { ... on SignedIn { accessToken } }");
    let input = json!({ "input": { "login": client.username, "password": PASSWORD } });
    for gateway in 0..client.gateways() {
        if let Answer::Data(data) = client.ask(gateway, &document, &input).await {
            client.set_token(&text(&data["login"]["result"]["accessToken"])?);
            return Ok(());
        }
    }
    bail!("nobody answers")
}

async fn mutate(client: &Client, field: &str, input: Value, selection: &str) -> anyhow::Result<Value> {
    let mut data = asked(client, &mutation(field, selection), input).await?;
    Ok(data[field].take())
}

/// Before the first fault everything is answered, though not always as soon as a client would like.
async fn asked(client: &Client, document: &str, input: Value) -> anyhow::Result<Value> {
    let variables = json!({ "input": input });
    match client.ask_within(PATIENCE, 0, document, &variables).await {
        Answer::Data(data) => Ok(data),
        answer => bail!("{document} as {}: {answer:?}", client.username),
    }
}

fn channel(id: &Value) -> anyhow::Result<Channel> {
    let id = text(id)?;
    let uuid = uuid_of(&id).context("an id without a UUID")?;
    Ok(Channel { id, uuid })
}

fn text(value: &Value) -> anyhow::Result<String> {
    Ok(value
        .as_str()
        .context("an answer without what was asked for")?
        .to_owned())
}
