//! What a viewer may not see answers as what does not exist: the whole response, byte for byte.

use crate::harness::{House, Person, Socket};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ROOTS: &str = "{ __schema { queryType { fields { name } } mutationType { fields { name } }
    subscriptionType { fields { name } } } }";

/// Root fields whose arguments name nothing that could be hidden: accounts are known to everybody who
/// has one.
const NAMELESS: &[&str] = &[
    "instance",
    "viewer",
    "guilds",
    "user",
    "users",
    "register",
    "login",
    "logout",
    "refreshSession",
    "claimPlaceholder",
    "createPlaceholderClaim",
    "changePassword",
    "updateProfile",
    "revokeOtherSessions",
    "createGuild",
    "createBot",
    "signInBot",
    "deleteAccount",
    "exportMyData",
];

/// What a root field can name.
#[derive(Clone, Default)]
struct Named {
    guild: String,
    channel: String,
    role: String,
    invite: String,
    code: String,
    message: String,
    session: String,
    user: String,
    bot: String,
    export: String,
}

/// Every other root field with its arguments.
fn cases(named: &Named) -> Vec<(&'static str, String)> {
    let Named {
        guild,
        channel,
        role,
        invite,
        code,
        message,
        session,
        user,
        bot,
        export,
    } = named;
    let query = |field: &'static str, arguments: String, selection: &str| {
        (field, format!("{{ {field}({arguments}) {selection} }}"))
    };
    let change = |field: &'static str, input: String| {
        (
            field,
            format!("mutation {{ {field}(input: {{ {input} }}) {{ __typename }} }}"),
        )
    };
    let follow = |field: &'static str, arguments: String| {
        (field, format!("subscription {{ {field}({arguments}) {{ at }} }}"))
    };
    vec![
        query("guild", format!("id: \"{guild}\""), "{ id name channels { id } }"),
        query("channel", format!("id: \"{channel}\""), "{ id name headSeq messages { nodes { id } } events(after: 0) { headSeq } }"),
        query("invite", format!("code: \"{code}\""), "{ guildName inviter { username } }"),
        query(
            "explainPermissions",
            format!("userId: \"{user}\", channelId: \"{channel}\""),
            "{ permission allowed }",
        ),
        query("message", format!("id: \"{message}\""), "{ id content author { username } channel { name } }"),
        query("channelEvents", format!("positions: [{{ channelId: \"{channel}\", after: 0 }}]"), "{ headSeq channel { name } }"),
        query(
            "node",
            format!("id: \"{guild}\""),
            &format!(
                "{{ id ... on Guild {{ name }} }} a: node(id: \"{channel}\") {{ id }} b: node(id: \"{role}\") {{ id }}
                 c: node(id: \"{invite}\") {{ id }} d: node(id: \"{message}\") {{ id ... on Message {{ content }} }}"
            ),
        ),
        query("dataExport", format!("id: \"{export}\""), "{ id state }"),
        change("rotateBotToken", format!("botId: \"{bot}\"")),
        change("deleteBot", format!("botId: \"{bot}\"")),
        follow("guildEvents", format!("guildId: \"{guild}\", after: 0")),
        follow("messageEvents", format!("channelId: \"{channel}\", after: 0")),
        follow("typing", format!("channelId: \"{channel}\"")),
        change("revokeSession", format!("sessionId: \"{session}\"")),
        change("updateGuild", format!("guildId: \"{guild}\", name: \"Port\"")),
        change("transferGuild", format!("guildId: \"{guild}\", userId: \"{user}\"")),
        change("deleteGuild", format!("guildId: \"{guild}\"")),
        change("createChannel", format!("guildId: \"{guild}\", name: \"x\"")),
        change("updateChannel", format!("channelId: \"{channel}\", name: \"x\"")),
        change("moveChannels", format!("guildId: \"{guild}\", channelIds: [\"{channel}\"]")),
        change("deleteChannel", format!("channelId: \"{channel}\"")),
        change("archiveChannel", format!("channelId: \"{channel}\"")),
        change("unarchiveChannel", format!("channelId: \"{channel}\"")),
        change("createRole", format!("guildId: \"{guild}\", name: \"x\"")),
        change("updateRole", format!("roleId: \"{role}\", name: \"x\"")),
        change("moveRoles", format!("guildId: \"{guild}\", roleIds: [\"{role}\"]")),
        change("deleteRole", format!("roleId: \"{role}\"")),
        change("assignRole", format!("roleId: \"{role}\", userId: \"{user}\"")),
        change("unassignRole", format!("roleId: \"{role}\", userId: \"{user}\"")),
        change("setOverwrite", format!("channelId: \"{channel}\", overwrite: {{ roleId: \"{role}\" }}")),
        change("clearOverwrite", format!("channelId: \"{channel}\", roleId: \"{role}\"")),
        change("createInvite", format!("guildId: \"{guild}\"")),
        change("revokeInvite", format!("inviteId: \"{invite}\"")),
        change("acceptInvite", format!("code: \"{code}\"")),
        change("leaveGuild", format!("guildId: \"{guild}\"")),
        change("kickMember", format!("guildId: \"{guild}\", userId: \"{user}\"")),
        change("banMember", format!("guildId: \"{guild}\", userId: \"{user}\"")),
        change("unbanMember", format!("guildId: \"{guild}\", userId: \"{user}\"")),
        change("timeoutMember", format!("guildId: \"{guild}\", userId: \"{user}\"")),
        change("updateMember", format!("guildId: \"{guild}\", userId: \"{user}\", nickname: \"x\"")),
        change("sendMessage", format!("channelId: \"{channel}\", content: \"x\"")),
        change("editMessage", format!("messageId: \"{message}\", content: \"x\"")),
        change("deleteMessage", format!("messageId: \"{message}\"")),
        change("pinMessage", format!("messageId: \"{message}\"")),
        change("unpinMessage", format!("messageId: \"{message}\"")),
        change("addReaction", format!("messageId: \"{message}\", emoji: \"👍\"")),
        change("removeReaction", format!("messageId: \"{message}\", emoji: \"👍\"")),
        change("clearReactions", format!("messageId: \"{message}\"")),
        change("startTyping", format!("channelId: \"{channel}\"")),
    ]
}

/// The whole answer as it was written, but for the name of the request. A subscription's is its first
/// message on a socket.
async fn answer(house: &House, token: Option<&str>, document: &str) -> (u16, String) {
    if document.starts_with("subscription") {
        let mut socket = Socket::open(&house.api, token).await;
        socket.subscribe("1", document, json!({})).await;
        return (0, nameless(&socket.hear().await.unwrap().to_string()));
    }
    let request = house.api.request(token, document, &json!({}));
    let response = request
        .header("accept", "application/graphql-response+json")
        .send()
        .await
        .unwrap();
    (
        response.status().as_u16(),
        nameless(&response.text().await.unwrap()),
    )
}

/// Without the ids of requests, which differ from one to the next.
fn nameless(answer: &str) -> String {
    let mut parts = answer.split("\"requestId\":\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| {
        let (_, rest) = part.split_once('"').expect("a string ends");
        whole + "\"requestId\":" + rest
    })
}

/// Alice's hidden things: a guild that strangers do not know, with a channel that its members do not.
async fn hide(alice: &Person, bob: &Person) -> Named {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (guild, _) = alice.found("Harbour").await;
    bob.join(&alice.invite(&guild).await).await;
    let everyone = "query($id: ID!) { guild(id: $id) { roles { id } } }";
    let everyone = alice.data(everyone, json!({ "id": guild })).await["guild"]["roles"][0]["id"].take();
    let hidden = json!({ "guildId": guild, "name": "staff", "overwrites": [{ "roleId": everyone, "deny": ["VIEW_CHANNEL"] }] });
    let hidden = alice.mutate("createChannel", hidden, "channel { id }").await;
    let channel = text(&hidden["channel"]["id"]);
    let message = text(&alice.send(&channel, "secret").await["id"]);
    let role = alice
        .mutate(
            "createRole",
            json!({ "guildId": guild, "name": "crew" }),
            "role { id }",
        )
        .await;
    let invite = json!({ "guildId": guild, "channelId": channel });
    let invite = alice.mutate("createInvite", invite, "invite { id code }").await;
    alice
        .mutate(
            "revokeInvite",
            json!({ "inviteId": invite["invite"]["id"] }),
            "invite { id }",
        )
        .await;
    let robot = json!({ "username": "robot" });
    let robot = alice.mutate("createBot", robot, "bot { id }").await;
    let export = alice
        .data("mutation { exportMyData { export { id } } }", json!({}))
        .await;
    Named {
        guild,
        channel,
        message,
        role: text(&role["role"]["id"]),
        invite: text(&invite["invite"]["id"]),
        code: text(&invite["invite"]["code"]),
        session: alice.session.clone(),
        user: bob.id.clone(),
        bot: text(&robot["bot"]["id"]),
        export: text(&export["exportMyData"]["export"]["id"]),
    }
}

/// The same kinds of names for things that nobody made.
fn unknown(hidden: &Named) -> Named {
    let id = |kind: &str| format!("{kind}_01h2xcejqtf2nbrexx3vqjhp41");
    Named {
        guild: id("guild"),
        channel: id("channel"),
        role: id("role"),
        invite: id("invite"),
        code: "x".repeat(hidden.code.len()),
        message: id("message"),
        session: id("session"),
        user: hidden.user.clone(),
        bot: id("user"),
        export: id("export"),
    }
}

#[tokio::test]
async fn hidden_is_unknown_over_every_root_field() {
    let mut house = House::start().await;
    let alice = house.register("alice").await;
    let bob = house.register("bob").await;
    let mallory = house.register("mallory").await;
    let hidden = hide(&alice, &bob).await;
    let unknown = unknown(&hidden);
    for ((field, of_hidden), (_, of_unknown)) in cases(&hidden).into_iter().zip(cases(&unknown)) {
        for token in [Some(mallory.token.as_str()), None] {
            let hidden = answer(&house, token, &of_hidden).await;
            assert_eq!(
                hidden,
                answer(&house, token, &of_unknown).await,
                "{field}: {of_hidden}"
            );
            assert!(
                !hidden.1.contains("Harbour") && !hidden.1.contains("secret"),
                "{field}: {hidden:?}"
            );
        }
    }
    // A member knows the guild, but not what hides in it.
    let in_guild = Named {
        channel: unknown.channel,
        message: unknown.message,
        ..hidden.clone()
    };
    for ((field, of_hidden), (_, of_unknown)) in cases(&hidden).into_iter().zip(cases(&in_guild)) {
        if of_hidden == of_unknown {
            continue;
        }
        let hidden = answer(&house, Some(&bob.token), &of_hidden).await;
        assert_eq!(
            hidden,
            answer(&house, Some(&bob.token), &of_unknown).await,
            "{field}: {of_hidden}"
        );
        assert!(
            !hidden.1.contains("staff") && !hidden.1.contains("secret"),
            "{field}: {hidden:?}"
        );
    }
    house.lives().await;
}

#[tokio::test]
async fn every_root_field_has_a_case() {
    let house = House::start().await;
    let alice = house.register("alice").await;
    let roots = alice.data(ROOTS, json!({})).await;
    let fields: BTreeSet<&str> = ["queryType", "mutationType", "subscriptionType"]
        .iter()
        .flat_map(|root| roots["__schema"][root]["fields"].as_array().unwrap())
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    let covered = cases(&Named::default())
        .into_iter()
        .map(|case| case.0)
        .chain(NAMELESS.iter().copied());
    assert_eq!(fields, covered.collect());
}
