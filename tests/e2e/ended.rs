//! Who may not follow any more hears nothing after a second at most; the others go on.

use crate::harness::{Ending, House, PATIENCE, Person, REVOKED_WITHIN, Socket};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long a keystroke is waited for before the next.
const KEYSTROKE: Duration = Duration::from_millis(500);
const TYPING: &str = "subscription($id: ID!) { typing(channelId: $id) { user { id } } }";
const SHARED: &str = "subscription($id: ID!) { messageEvents(channelId: $id) { seq ... on MessageCreated { message { content } } } }";
const GUILD: &str = "subscription($id: ID!) { guildEvents(guildId: $id) { seq } }";

/// Alice's guild with Bob and Carol in it.
struct Scene {
    house: House,
    alice: Person,
    bob: Person,
    carol: Person,
    guild: String,
    general: String,
}

impl Scene {
    async fn set() -> Self {
        let house = House::alone().await;
        let alice = house.register("alice").await;
        let bob = house.register("bob").await;
        let carol = house.register("carol").await;
        let (guild, general) = alice.found("Harbour").await;
        let code = alice.invite(&guild).await;
        bob.join(&code).await;
        carol.join(&code).await;
        Self {
            house,
            alice,
            bob,
            carol,
            guild,
            general,
        }
    }

    /// Somebody on all streams there are, each on a socket of its own.
    async fn listen(&self, person: &Person) -> Vec<Socket> {
        let messages = person.follow(&self.general, None).await;
        // What is the same for everybody is shared: one's own place in it ends all the same.
        let mut shared = person.socket().await;
        shared.subscribe("1", SHARED, json!({ "id": self.general })).await;
        shared.event("1").await;
        let mut typing = person.socket().await;
        typing.subscribe("1", TYPING, json!({ "id": self.general })).await;
        let mut guild = person.socket().await;
        guild.subscribe("1", GUILD, json!({ "id": self.guild })).await;
        guild.event("1").await;
        // Typing has nothing to say at first: what somebody types shows that it is followed. Another
        // process hears who typed before it listened with the next keystroke.
        let heard = async {
            loop {
                let input = json!({ "channelId": self.general });
                self.alice.mutate("startTyping", input, "lastsSeconds").await;
                if timeout(KEYSTROKE, typing.event("1")).await.is_ok() {
                    return;
                }
            }
        };
        timeout(PATIENCE, heard).await.expect("typing is followed");
        vec![messages, shared, typing, guild]
    }

    /// Alice talks and types without a pause until `over`; whoever still listens has things to hear.
    async fn chatter(&self, over: impl Future<Output = ()>) {
        tokio::pin!(over);
        loop {
            let said = async {
                self.alice.send(&self.general, "and on").await;
                self.alice
                    .mutate(
                        "startTyping",
                        json!({ "channelId": self.general }),
                        "lastsSeconds",
                    )
                    .await;
            };
            tokio::select! {
                biased;
                () = &mut over => return,
                () = said => {}
            }
        }
    }

    /// All these streams end with `code`, the last one less than a second after `since`.
    async fn all_end(&self, streams: Vec<Socket>, since: Instant, code: &str) {
        let streams = streams.into_iter().map(async |mut stream| {
            let ending = stream.ending("1", |_| {}).await;
            (ending, since.elapsed(), stream)
        });
        let check = async {
            for (ending, after, _open) in futures_util::future::join_all(streams).await {
                assert_eq!(
                    ending,
                    Ending::Refused(code.to_owned()),
                    "after {after:?}:\n{}",
                    self.house.log()
                );
                assert!(after < REVOKED_WITHIN, "{after:?}");
            }
        };
        self.chatter(check).await;
    }

    /// A follower of the channel hears what is said now.
    async fn hears(&self, follower: &mut Socket) {
        let word = self.alice.send(&self.general, "still there?").await;
        loop {
            let event = follower.event("1").await["messageEvents"].take();
            if event["seq"] == word["seq"] {
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_kicked_member() {
    let mut scene = Scene::set().await;
    let streams = scene.listen(&scene.bob).await;
    let mut carol = scene.carol.socket().await;
    carol.subscribe("1", SHARED, json!({ "id": scene.general })).await;
    let since = Instant::now();
    scene
        .alice
        .mutate(
            "kickMember",
            json!({ "guildId": scene.guild, "userId": scene.bob.id }),
            "user { id }",
        )
        .await;
    scene.all_end(streams, since, "NOT_FOUND").await;
    scene.hears(&mut carol).await;
    scene.house.lives().await;
}

#[tokio::test]
async fn a_revoked_session() {
    let scene = Scene::set().await;
    let other = Person::login(&scene.house.api, "bob").await;
    let mut streams = scene.listen(&scene.bob).await;
    streams.truncate(1);
    streams.extend(scene.listen(&scene.bob).await);
    let mut kept = other.follow(&scene.general, None).await;
    let since = Instant::now();
    other
        .mutate(
            "revokeSession",
            json!({ "sessionId": scene.bob.session }),
            "sessionId",
        )
        .await;
    scene.all_end(streams, since, "UNAUTHENTICATED").await;
    scene.hears(&mut kept).await;
    let refused = scene.bob.refused("{ guilds { nodes { id } } }", json!({})).await;
    assert_eq!(refused["code"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_session_that_logs_out() {
    let scene = Scene::set().await;
    let streams = scene.listen(&scene.bob).await;
    let since = Instant::now();
    scene
        .bob
        .data("mutation { logout { sessionId } }", json!({}))
        .await;
    scene.all_end(streams, since, "UNAUTHENTICATED").await;
}

#[tokio::test]
async fn a_member_who_may_not_view_the_channel() {
    let scene = Scene::set().await;
    let mut streams = scene.listen(&scene.bob).await;
    let mut guild = streams.pop().unwrap();
    let mut carol = scene.carol.follow(&scene.general, None).await;
    let overwrite = json!({ "channelId": scene.general, "overwrite": { "userId": scene.bob.id, "deny": ["VIEW_CHANNEL"] } });
    let since = Instant::now();
    scene
        .alice
        .mutate("setOverwrite", overwrite, "channel { id }")
        .await;
    scene.all_end(streams, since, "NOT_FOUND").await;
    scene.hears(&mut carol).await;
    // The guild's own stream goes on.
    let head = guild.event("1").await;
    scene
        .alice
        .mutate(
            "updateGuild",
            json!({ "guildId": scene.guild, "name": "Port" }),
            "guild { id }",
        )
        .await;
    let next = guild.event("1").await;
    assert!(next["guildEvents"]["seq"].as_i64() > head["guildEvents"]["seq"].as_i64());
}

#[tokio::test]
async fn everybody_when_the_channel_is_deleted() {
    let scene = Scene::set().await;
    let second = json!({ "guildId": scene.guild, "name": "short" });
    let second = scene
        .alice
        .mutate("createChannel", second, "channel { id }")
        .await;
    let second = second["channel"]["id"].as_str().unwrap();
    let mut streams = vec![
        scene.bob.follow(second, None).await,
        scene.alice.follow(second, None).await,
    ];
    let since = Instant::now();
    scene
        .alice
        .mutate("deleteChannel", json!({ "channelId": second }), "channelId")
        .await;
    for stream in &mut streams {
        assert_eq!(
            stream.ending("1", |_| {}).await,
            Ending::Refused("NOT_FOUND".to_owned())
        );
    }
    assert!(
        since.elapsed() < REVOKED_WITHIN + Duration::from_millis(200),
        "{:?}",
        since.elapsed()
    );
}
