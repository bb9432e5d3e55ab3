//! Bans: who is out stays out, by whatever way; who may ban whom; what goes with a ban.

use crate::house::{House, id};
use chrono::TimeDelta;
use commons_jobs::{Effect, Owner};
use commons_platform::clock::Clock;
use commons_testing::Client;
use serde_json::{Value, json};

const ACCEPT: &str = "mutation($code: String!) { acceptInvite(input: { code: $code }) { guild { id } } }";
const PREVIEW: &str = "query($code: String!) { invite(code: $code) { guildName } }";
const BAN: &str = "ban { user { id } moderator { id } reason createdAt }";

fn whom(house: &House, user: commons_entities::UserId) -> Value {
    json!({ "guildId": house.guild, "userId": id(user) })
}

#[tokio::test]
async fn a_banned_member_is_out_and_joins_by_no_invite() {
    let house = House::new().await;
    let code = house.invite(json!({})).await;
    let mut live = house.follow_from_head(&house.bob).await;
    let mut seen = house.follow_from_head(&house.carol).await;
    let mut input = whom(&house, house.bob.user);
    input["reason"] = json!("spam");
    let banned = house.mutate(&house.alice, "banMember", input, BAN).await;
    assert_eq!(
        banned["ban"],
        json!({ "user": { "id": id(house.bob.user) }, "moderator": { "id": id(house.alice.user) },
                "reason": "spam", "createdAt": "2023-11-14T22:13:20+00:00" })
    );
    assert_eq!(live.end().await, "NOT_FOUND");
    assert_eq!(
        seen.event().await["__typename"],
        "MemberLeft",
        "and no more is told"
    );
    assert_eq!(house.guild(&house.bob, "id").await, json!(null));

    // The same answer as for a code that never was.
    let client = house.of(&house.bob);
    let unknown = client.send(ACCEPT, json!({ "code": "0000000000" })).await;
    assert_eq!(client.send(ACCEPT, json!({ "code": code })).await, unknown);
    assert_eq!(
        client.data(PREVIEW, json!({ "code": code })).await,
        json!({ "invite": null })
    );
    let stranger = Client::anonymous(&house.subgraph);
    assert_eq!(
        stranger.data(PREVIEW, json!({ "code": code })).await["invite"]["guildName"],
        "Harbour"
    );

    house
        .mutate(
            &house.alice,
            "unbanMember",
            whom(&house, house.bob.user),
            "user { id }",
        )
        .await;
    house.accept(&house.bob, &code).await;
    assert_eq!(
        house
            .reason(&house.alice, "unbanMember", whom(&house, house.bob.user))
            .await,
        "NOT_FOUND"
    );
}

#[tokio::test]
async fn who_is_no_member_can_be_banned() {
    let house = House::new().await;
    let code = house.invite(json!({ "maxUses": 1 })).await;
    let input = whom(&house, house.stranger.user);
    house.mutate(&house.alice, "banMember", input, "__typename").await;
    assert_eq!(
        house
            .reason(&house.stranger, "acceptInvite", json!({ "code": code }))
            .await,
        "NOT_FOUND"
    );
    // The attempt used nothing up.
    let dora = house.world.person("dora").await;
    house.accept(&dora, &code).await;
}

#[tokio::test]
async fn ranks_are_respected() {
    let house = House::new().await;
    assert_eq!(
        house
            .reason(&house.bob, "banMember", whom(&house, house.carol.user))
            .await,
        "MISSING_PERMISSION"
    );
    let high = house.role("high", json!([])).await;
    house.empower(&house.bob, json!(["BAN_MEMBERS"])).await;
    house.assign(&high, &house.carol).await;
    for user in [house.carol.user, house.alice.user, house.bob.user] {
        assert_eq!(
            house.reason(&house.bob, "banMember", whom(&house, user)).await,
            "OUTRANKED"
        );
    }
    let order = json!({ "roleId": high, "userId": id(house.carol.user) });
    house
        .mutate(&house.alice, "unassignRole", order, "__typename")
        .await;
    let banned = house.mutate(&house.bob, "banMember", whom(&house, house.carol.user), BAN);
    assert_eq!(banned.await["ban"]["moderator"]["id"], id(house.bob.user));
}

#[tokio::test]
async fn bans_are_listed_for_who_may_ban() {
    let house = House::new().await;
    let mut people = Vec::new();
    for number in 0..3 {
        let person = house.world.person(&format!("person{number}")).await;
        house.world.clock.advance(TimeDelta::seconds(1));
        let input = whom(&house, person.user);
        house.mutate(&house.alice, "banMember", input, "__typename").await;
        people.push(id(person.user));
    }
    let document = "query($id: ID!, $after: String) { guild(id: $id) { name bans(first: 2, after: $after) {
        nodes { user { id } reason } pageInfo { hasNextPage endCursor } } } }";
    let variables = json!({ "id": house.guild });
    let page = house.of(&house.alice).data(document, variables.clone()).await;
    let bans = &page["guild"]["bans"];
    assert_eq!(
        bans["nodes"],
        json!([{ "user": { "id": people[2] }, "reason": null }, { "user": { "id": people[1] }, "reason": null }])
    );
    assert_eq!(bans["pageInfo"]["hasNextPage"], true);
    let after = json!({ "id": house.guild, "after": bans["pageInfo"]["endCursor"] });
    let page = house.of(&house.alice).data(document, after).await;
    assert_eq!(page["guild"]["bans"]["nodes"][0]["user"]["id"], json!(people[0]));
    assert_eq!(page["guild"]["bans"]["pageInfo"]["hasNextPage"], false);

    let refused = house.of(&house.bob).send(document, variables).await;
    assert_eq!(refused["data"]["guild"]["name"], "Harbour");
    assert_eq!(refused["data"]["guild"]["bans"], json!(null));
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn a_second_ban_takes_the_new_reason() {
    let house = House::new().await;
    for reason in ["first", "second"] {
        let mut input = whom(&house, house.bob.user);
        input["reason"] = json!(reason);
        house.mutate(&house.alice, "banMember", input, "__typename").await;
    }
    let guild = house.guild(&house.alice, "bans { nodes { reason } }").await;
    assert_eq!(guild["bans"]["nodes"], json!([{ "reason": "second" }]));
}

#[tokio::test]
async fn messages_of_a_week_go_with_a_ban() {
    let house = House::new().await;
    let mut owed = house.owed_to(Owner::Message);
    let now = house.world.clock.now();
    for (since, fits) in [
        (now - TimeDelta::days(7) - TimeDelta::milliseconds(1), false),
        (now + TimeDelta::milliseconds(1), false),
        (now - TimeDelta::days(7), true),
    ] {
        let mut input = whom(&house, house.bob.user);
        input["deleteMessagesSince"] = json!(since);
        if fits {
            // A ban without it owes nothing: what comes next is of the second.
            let plain = whom(&house, house.stranger.user);
            house.mutate(&house.alice, "banMember", plain, "__typename").await;
            house.mutate(&house.alice, "banMember", input, "__typename").await;
        } else {
            let refused = house.refused(&house.alice, "banMember", input).await;
            assert_eq!(refused["field"], "deleteMessagesSince");
            assert_eq!(refused["reason"], "OUT_OF_RANGE");
        }
    }
    let effect = Effect::EraseMessagesOf {
        guild: house.guild.parse().unwrap(),
        user: house.bob.user,
        since: now - TimeDelta::days(7),
    };
    assert_eq!(owed.next().await, effect);
}

#[tokio::test]
async fn a_reason_is_a_text_to_read() {
    let house = House::new().await;
    for (reason, word) in [
        ("", "CONTENT_EMPTY"),
        (&*"x".repeat(501), "CONTENT_TOO_LONG"),
        ("\u{0}", "CONTENT_CONTROL_CHARACTER"),
    ] {
        for name in ["banMember", "kickMember", "timeoutMember", "unbanMember"] {
            let mut input = whom(&house, house.bob.user);
            input["reason"] = json!(reason);
            let refused = house.refused(&house.alice, name, input).await;
            assert_eq!(
                (&refused["field"], &refused["reason"]),
                (&json!("reason"), &json!(word)),
                "{name}"
            );
        }
    }
}
