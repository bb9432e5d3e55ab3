//! `commons import slack`: once, again, interrupted, refused; then browsed and continued live.

mod broken;
mod browse;
mod export;
mod interrupted;
mod same;

use self::{browse::browse, export::Export};
use crate::harness::{Ended, House, Person, Process};
use serde_json::json;
use std::{path::Path, process::Command};

/// A house that is closed, whose owner has registered.
async fn closed() -> (House, Person) {
    let mut house = House::start().await;
    let alice = house.register("alice").await;
    house.terminate().await;
    (house, alice)
}

fn import(mut command: Command, file: &Path, owner: &str) -> Command {
    command
        .args(["import", "slack"])
        .arg(file)
        .args(["--guild", "Harbour", "--owner", owner]);
    command
}

async fn run(house: &House, file: &Path) -> Ended {
    Process::run(import(house.command(), file, "alice")).await
}

/// The number before a word of the summary.
#[track_caller]
fn count(ended: &Ended, word: &str) -> usize {
    let words: Vec<&str> = ended.said.split_whitespace().collect();
    let of: Vec<&str> = word.split(' ').collect();
    let at = words
        .windows(of.len())
        .rposition(|window| window == of)
        .unwrap_or_else(|| panic!("{}", ended.said));
    let number = words[..at].iter().rev().find_map(|word| word.parse().ok());
    number.unwrap_or_else(|| panic!("{}", ended.said))
}

#[tokio::test]
async fn a_community_is_brought_in_once_and_goes_on() {
    let (mut house, alice) = closed().await;
    let export = Export {
        channels: 2,
        days: 3,
        messages: 10,
        bad: false,
    };
    let file = export.write();
    let first = run(&house, file.path()).await;
    assert_eq!(first.status.code(), Some(0), "{}", first.said);
    assert_eq!(count(&first, "messages,"), export.total());
    house.open().await;
    let seen = browse(&alice).await;
    house.terminate().await;
    let second = run(&house, file.path()).await;
    assert_eq!(second.status.code(), Some(0), "{}", second.said);
    assert_eq!(
        (count(&second, "messages,"), count(&second, "messages were here")),
        (0, export.total())
    );
    house.open().await;
    assert_eq!(browse(&alice).await, seen, "a second run adds nothing");

    let names: Vec<_> = seen.iter().map(|channel| channel["name"].clone()).collect();
    assert_eq!(names, ["talks-0", "talks-1"]);
    let talks = &seen[0];
    assert_eq!(talks["topic"], "about 0");
    assert_eq!(talks["messages"].as_array().unwrap().len(), export.total() / 2);
    assert_eq!(
        talks["messages"][0],
        json!({ "kind": "MEMBER_JOINED", "content": null, "createdAt": "2015-06-06T02:38:39+00:00", "editedAt": null,
                "pinnedAt": null, "ordinal": 1, "replyTo": null, "reactions": [], "mentions": [],
                "author": { "username": "ada", "displayName": "Ada Alder", "kind": "PLACEHOLDER" } })
    );
    let message = &talks["messages"][5];
    assert_eq!(message["author"]["username"], "ben");
    assert_eq!(message["replyTo"]["createdAt"], "2015-06-06T02:38:39+00:00");
    let reactions = json!([{ "emoji": "👍", "count": 2, "users": { "nodes": [{ "username": "ben" }, { "username": "cleo" }] } }]);
    assert_eq!(message["reactions"], reactions);
    assert_eq!(talks["messages"][6]["editedAt"], "2015-06-06T02:45:39+00:00");
    assert!(talks["messages"][2]["pinnedAt"].is_string());

    goes_on(&house, &alice).await;
}

/// The imported channel is a channel like any other.
async fn goes_on(house: &House, alice: &Person) {
    let guilds = "{ guilds { nodes { id name channels { id name headSeq lastMessage { id ordinal } } } } }";
    let guild = alice.data(guilds, json!({})).await["guilds"]["nodes"][0].take();
    let talks = guild["channels"][0].clone();
    let channel = talks["id"].as_str().unwrap();
    let bob = house.register("bob").await;
    bob.join(&alice.invite(guild["id"].as_str().unwrap()).await).await;
    let mut live = bob.follow(channel, None).await;
    let reply =
        json!({ "channelId": channel, "content": "still here", "replyTo": talks["lastMessage"]["id"] });
    let reply = alice
        .mutate(
            "sendMessage",
            reply,
            "message { seq ordinal replyTo { author { username } } }",
        )
        .await;
    assert_eq!(
        reply["message"]["ordinal"],
        talks["lastMessage"]["ordinal"].as_i64().unwrap() + 1
    );
    assert_eq!(reply["message"]["seq"], talks["headSeq"].as_i64().unwrap() + 1);
    assert!(reply["message"]["replyTo"]["author"]["username"].is_string());
    let event = live.event("1").await;
    assert_eq!(
        event["messageEvents"]["message"]["author"]["displayName"],
        "alice"
    );
    bob.mutate(
        "addReaction",
        json!({ "messageId": talks["lastMessage"]["id"], "emoji": "🎉" }),
        "message { id }",
    )
    .await;
    assert_eq!(
        live.event("1").await["messageEvents"]["__typename"],
        "ReactionAdded"
    );

    // Whoever wrote it can take it over.
    let ada = alice.data("{ user(username: \"ada\") { id } }", json!({})).await["user"]["id"].take();
    let claim = alice
        .mutate(
            "createPlaceholderClaim",
            json!({ "userId": ada }),
            "claim { token }",
        )
        .await;
    let claim = json!({ "input": { "token": claim["claim"]["token"], "password": "correct horse battery" } });
    let document = "mutation($input: ClaimPlaceholderInput!) { claimPlaceholder(input: $input) { signedIn { viewer { user { id kind } } } } }";
    let claimed = house.api.ask(None, document, &claim).await;
    assert_eq!(
        claimed["data"]["claimPlaceholder"]["signedIn"]["viewer"]["user"],
        json!({ "id": ada, "kind": "PERSON" })
    );
    let ada = Person::login(&house.api, "ada").await;
    ada.send(channel, "it is me").await;
    assert_eq!(
        live.event("1").await["messageEvents"]["message"]["author"]["displayName"],
        "Ada Alder"
    );
}

#[tokio::test]
async fn bad_records_are_listed_and_the_others_imported() {
    let (mut house, alice) = closed().await;
    let export = Export {
        channels: 1,
        days: 1,
        messages: 10,
        bad: true,
    };
    let file = export.write();
    for (round, added) in [export.total(), 0].into_iter().enumerate() {
        let ended = run(&house, file.path()).await;
        assert_eq!(ended.status.code(), Some(2), "round {round}: {}", ended.said);
        assert_eq!((count(&ended, "messages,"), count(&ended, "skipped")), (added, 3));
        for index in [10, 11, 12] {
            assert!(
                ended
                    .said
                    .contains(&format!("skipped talks-0/2015-06-06.json[{index}]: ")),
                "{}",
                ended.said
            );
        }
    }
    house.open().await;
    assert_eq!(
        browse(&alice).await[0]["messages"].as_array().unwrap().len(),
        export.total()
    );
}
