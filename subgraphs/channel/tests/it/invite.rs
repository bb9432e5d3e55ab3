//! Invites: shown, used, spent, taken back.

use crate::house::{House, id};
use chrono::TimeDelta;
use commons_testing::Client;
use serde_json::{Value, json};

const PREVIEW: &str = "query($code: String!) { invite(code: $code) { guildName guildIconUrl memberCount inviter { id } expiresAt } }";

#[tokio::test]
async fn a_code_shows_what_it_leads_to_without_a_token() {
    let house = House::new().await;
    let code = house.invite(json!({ "maxAgeSeconds": 60 })).await;
    assert!(
        code.len() == 10 && code.chars().all(|c| c.is_ascii_alphanumeric()),
        "{code}"
    );
    let seen = Client::anonymous(&house.subgraph)
        .data(PREVIEW, json!({ "code": code }))
        .await;
    assert_eq!(
        seen["invite"],
        json!({ "guildName": "Harbour", "guildIconUrl": null, "memberCount": 3,
                "inviter": { "id": id(house.alice.user) }, "expiresAt": "2023-11-14T22:14:20+00:00" })
    );
}

#[tokio::test]
async fn who_is_in_already_uses_nothing_up() {
    let house = House::new().await;
    let code = house.invite(json!({ "maxUses": 1 })).await;
    house.accept(&house.bob, &code).await;
    let joined = house.accept(&house.stranger, &code).await;
    assert_eq!(joined["member"]["user"]["id"], id(house.stranger.user));
    assert_eq!(joined["guild"]["id"], json!(house.guild));
}

/// A code that is over, spent, taken back or was never given: one answer.
#[tokio::test]
async fn a_dead_code_is_an_unknown_one() {
    let house = House::new().await;
    let over = house.invite(json!({ "maxAgeSeconds": 1 })).await;
    house.world.clock.advance(TimeDelta::seconds(1));
    let spent = house.invite(json!({ "maxUses": 1 })).await;
    house.accept(&house.stranger, &spent).await;
    let made = house
        .mutate(
            &house.bob,
            "createInvite",
            json!({ "guildId": house.guild }),
            "invite { id code }",
        )
        .await;
    let (revoked, invite) = (made["invite"]["code"].as_str().unwrap(), &made["invite"]["id"]);
    assert_eq!(
        house
            .reason(&house.carol, "revokeInvite", json!({ "inviteId": invite }))
            .await,
        "NOT_FOUND"
    );
    house
        .mutate(
            &house.bob,
            "revokeInvite",
            json!({ "inviteId": invite }),
            "invite { revokedAt }",
        )
        .await;
    assert_eq!(
        house
            .reason(&house.bob, "revokeInvite", json!({ "inviteId": invite }))
            .await,
        "NOT_FOUND"
    );

    let late = house.world.person("late").await;
    let accept = "mutation($code: String!) { acceptInvite(input: { code: $code }) { guild { id } } }";
    let unknown = house
        .of(&late)
        .send(accept, json!({ "code": "0000000000" }))
        .await;
    assert_eq!(unknown["errors"][0]["extensions"], json!({ "code": "NOT_FOUND" }));
    for code in [over.as_str(), &spent, revoked] {
        assert_eq!(
            house.of(&late).send(accept, json!({ "code": code })).await,
            unknown
        );
        assert_eq!(
            house.of(&late).data(PREVIEW, json!({ "code": code })).await,
            json!({ "invite": null })
        );
    }
}

#[tokio::test]
async fn two_cannot_share_the_last_use() {
    let house = House::new().await;
    let dora = house.world.person("dora").await;
    for _ in 0..5 {
        let code = house.invite(json!({ "maxUses": 1 })).await;
        let accept = "mutation($code: String!) { acceptInvite(input: { code: $code }) { guild { id } } }";
        let (one, other) = (house.of(&house.stranger), house.of(&dora));
        let (a, b) = tokio::join!(
            one.send(accept, json!({ "code": code })),
            other.send(accept, json!({ "code": code }))
        );
        let won = |response: &Value| response.get("errors").is_none();
        assert!(won(&a) != won(&b), "{a:#} {b:#}");
        let winner = if won(&a) { &house.stranger } else { &dora };
        house
            .mutate(
                winner,
                "leaveGuild",
                json!({ "guildId": house.guild }),
                "__typename",
            )
            .await;
    }
}

#[tokio::test]
async fn who_manages_the_guild_sees_its_live_invites() {
    let house = House::new().await;
    let hidden = house.hidden_channel().await;
    let fields = "invites { nodes { code uses maxUses creator { id } channel { name } guild { name } } }";
    house
        .invite(json!({ "maxUses": 3, "channelId": house.general }))
        .await;
    let guild = house.guild(&house.alice, fields).await;
    let nodes = guild["invites"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 2);
    assert_eq!((&nodes[0]["maxUses"], &nodes[0]["uses"]), (&json!(3), &json!(0)));
    assert_eq!(nodes[0]["channel"]["name"], "general");
    assert_eq!(nodes[1]["uses"], 2);

    let document = "query($id: ID!) { guild(id: $id) { name invites { nodes { code } } } }";
    let refused = house
        .of(&house.bob)
        .send(document, json!({ "id": house.guild }))
        .await;
    assert_eq!(
        refused["data"]["guild"]["name"], "Harbour",
        "the rest is answered"
    );
    assert_eq!(refused["data"]["guild"]["invites"], json!(null));
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");

    let input = json!({ "guildId": house.guild, "channelId": hidden });
    assert_eq!(house.reason(&house.bob, "createInvite", input).await, "NOT_FOUND");
    for input in [
        json!({ "guildId": house.guild, "maxUses": 0 }),
        json!({ "guildId": house.guild, "maxAgeSeconds": 0 }),
        json!({ "guildId": house.guild, "maxAgeSeconds": 31_536_001 }),
    ] {
        assert_eq!(
            house.reason(&house.alice, "createInvite", input).await,
            "OUT_OF_RANGE"
        );
    }
}

#[tokio::test]
async fn everybody_sees_their_own_live_invites() {
    let house = House::new().await;
    let input = json!({ "guildId": house.guild });
    let make = async |maker| {
        let made = house.mutate(maker, "createInvite", input.clone(), "invite { id code }");
        made.await["invite"].take()
    };
    let (first, second) = (make(&house.bob).await, make(&house.bob).await);
    make(&house.carol).await;
    let fields = "viewerInvites { nodes { id code } }";
    let own = house.guild(&house.bob, fields).await;
    assert_eq!(own["viewerInvites"]["nodes"], json!([second, first]));
    let revoked = json!({ "inviteId": second["id"] });
    house
        .mutate(&house.bob, "revokeInvite", revoked, "__typename")
        .await;
    let own = house.guild(&house.bob, fields).await;
    assert_eq!(own["viewerInvites"]["nodes"], json!([first]));
}

#[tokio::test]
async fn dead_invites_are_cleared_away_after_a_week() {
    let house = House::new().await;
    let living = house.invite(json!({ "maxUses": 2 })).await;
    let make = async |more: Value| {
        let mut input = json!({ "guildId": house.guild });
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let made = house
            .mutate(&house.alice, "createInvite", input, "invite { id code }")
            .await;
        made["invite"].clone()
    };
    let over = make(json!({ "maxAgeSeconds": 1 })).await;
    let (spent, revoked) = (make(json!({ "maxUses": 1 })).await, make(json!({})).await);
    house
        .accept(&house.stranger, spent["code"].as_str().unwrap())
        .await;
    let input = json!({ "inviteId": revoked["id"] });
    house
        .mutate(&house.alice, "revokeInvite", input, "__typename")
        .await;

    let document = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }";
    let known = async || {
        let dead =
            [&over, &spent, &revoked].map(|invite| json!({ "__typename": "Invite", "id": invite["id"] }));
        // The last token is over by now.
        let alice = house.world.identity(house.alice.user).await;
        let found = house.of(&alice).data(document, json!({ "r": dead })).await;
        let found = found["_entities"].as_array().unwrap().iter();
        found.filter(|invite| !invite.is_null()).count()
    };
    house.world.clock.advance(TimeDelta::days(7));
    assert_eq!(house.service.tidy().await.unwrap(), 0);
    assert_eq!(known().await, 3);
    house.world.clock.advance(TimeDelta::seconds(2));
    assert_eq!(house.service.tidy().await.unwrap(), 3);
    assert_eq!(known().await, 0);
    let dora = house.world.person("dora").await;
    house.accept(&dora, &living).await;
}
