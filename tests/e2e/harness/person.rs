//! Somebody with an account, signed in.

use super::{Api, Socket, refusal};
use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "correct horse battery";

const SIGNED_IN: &str = "accessToken session { id } viewer { user { id username } }";

#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) api: Api,
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) session: String,
}

impl Person {
    pub(super) async fn register(api: &Api, username: &str) -> Self {
        let query = format!(
            "mutation($input: RegisterInput!) {{ register(input: $input) {{ signedIn {{ {SIGNED_IN} }} }} }}"
        );
        let input = json!({ "input": { "username": username, "password": PASSWORD } });
        let api = api.for_another();
        let answer = api.ask(None, &query, &input).await;
        Self::of(&api, &answer, &answer["data"]["register"]["signedIn"])
    }

    pub(crate) async fn login(api: &Api, username: &str) -> Self {
        let query = format!(
            "mutation($input: LoginInput!) {{ login(input: $input) {{ result {{ ... on SignedIn {{ {SIGNED_IN} }} }} }} }}"
        );
        let input = json!({ "input": { "login": username, "password": PASSWORD } });
        let answer = api.ask(None, &query, &input).await;
        Self::of(api, &answer, &answer["data"]["login"]["result"])
    }

    #[track_caller]
    fn of(api: &Api, answer: &Value, signed_in: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned();
        Self {
            api: api.clone(),
            id: text(&signed_in["viewer"]["user"]["id"]),
            token: text(&signed_in["accessToken"]),
            session: text(&signed_in["session"]["id"]),
        }
    }

    /// The whole answer.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> Value {
        self.api.ask(Some(&self.token), query, &variables).await
    }

    /// The data of an answer without errors.
    pub(crate) async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(query, variables).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer:#}");
        answer["data"].take()
    }

    /// The extensions of the first error.
    pub(crate) async fn refused(&self, query: &str, variables: Value) -> Value {
        refusal(&self.ask(query, variables).await)
    }

    /// What a mutation gives.
    pub(crate) async fn mutate(&self, field: &str, input: Value, selection: &str) -> Value {
        self.data(&mutation(field, selection), json!({ "input": input }))
            .await[field]
            .take()
    }

    /// A new guild: its id and that of its first channel.
    pub(crate) async fn found(&self, name: &str) -> (String, String) {
        let made = self
            .mutate(
                "createGuild",
                json!({ "name": name }),
                "guild { id channels { id } }",
            )
            .await;
        let id = |value: &Value| value.as_str().unwrap().to_owned();
        (id(&made["guild"]["id"]), id(&made["guild"]["channels"][0]["id"]))
    }

    /// The code of a new invite.
    pub(crate) async fn invite(&self, guild: &str) -> String {
        let made = self
            .mutate("createInvite", json!({ "guildId": guild }), "invite { code }")
            .await;
        made["invite"]["code"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn join(&self, code: &str) {
        self.mutate("acceptInvite", json!({ "code": code }), "guild { id }")
            .await;
    }

    /// Sends a message: what is on the disk of it.
    pub(crate) async fn send(&self, channel: &str, content: &str) -> Value {
        let input = json!({ "channelId": channel, "content": content });
        self.mutate("sendMessage", input, "message { id seq content }")
            .await["message"]
            .take()
    }

    pub(crate) async fn socket(&self) -> Socket {
        Socket::open(&self.api, Some(&self.token)).await
    }

    /// Follows a channel on a socket of its own, from now on or behind a number. The head is read.
    pub(crate) async fn follow(&self, channel: &str, after: Option<i64>) -> Socket {
        let mut socket = self.socket().await;
        let query = "subscription($channel: ID!, $after: Int) { messageEvents(channelId: $channel, after: $after) {
            __typename seq at
            ... on MessageCreated { messageId message { content nonce author { displayName } channel { name guild { name } } } }
            ... on MessageUpdated { messageId message { content } } ... on MessageDeleted { messageId }
            ... on MessagePinned { messageId user { displayName } }
            ... on ReactionAdded { messageId emoji user { displayName } message { reactions { emoji count } } }
        } }";
        socket
            .subscribe("1", query, json!({ "channel": channel, "after": after }))
            .await;
        let head = socket.event("1").await;
        assert_eq!(head["messageEvents"]["__typename"], "StreamHead", "{head:#}");
        socket
    }
}

/// The document of a mutation whose input is its name's.
pub(crate) fn mutation(field: &str, selection: &str) -> String {
    let ty = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
    format!("mutation($input: {ty}!) {{ {field}(input: $input) {{ {selection} }} }}")
}
