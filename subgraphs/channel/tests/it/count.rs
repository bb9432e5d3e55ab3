//! Lists load together: more items are not more statements.

use crate::house::House;
use serde_json::{Value, json};

/// How many statements a query takes, once on cold and once on warm caches.
async fn statements(house: &House, document: &str, variables: Value) -> (u64, u64) {
    let mut counts = [0; 2];
    for count in &mut counts {
        let before = house.world.platform.db.query_count();
        house.of(&house.bob).data(document, variables.clone()).await;
        *count = house.world.platform.db.query_count() - before;
    }
    (counts[0], counts[1])
}

/// The statements that a list of many takes, after a house whose list is short.
async fn grows(prepare: impl AsyncFn(&House, usize), document: &str) {
    let mut counts = Vec::new();
    for size in [2, 12] {
        let house = House::new().await;
        prepare(&house, size).await;
        // What the preparation left in memory would hide what a cold process asks for.
        let cold = house.restarted().await;
        let (first, second) = statements(&cold, document, json!({ "id": cold.guild })).await;
        assert!(second <= first, "{first} then {second}");
        counts.push(first);
    }
    assert_eq!(counts[0], counts[1], "{document}");
    assert!(counts[1] <= 25, "{counts:?}");
}

#[tokio::test]
async fn guilds_with_channels_and_permissions() {
    let prepare = async |house: &House, size: usize| {
        for number in 0..size {
            let input = json!({ "name": format!("Guild {number}") });
            let made = house
                .mutate(&house.bob, "createGuild", input, "guild { id }")
                .await;
            let input = json!({ "guildId": made["guild"]["id"], "name": "second" });
            house
                .mutate(&house.bob, "createChannel", input, "__typename")
                .await;
        }
    };
    let document =
        "{ guilds { nodes { name memberCount owner { id } viewerMember { joinedAt } viewerPermissions
        channels { name parent { name } viewerPermissions overwrites { allow } } roles { name } } } }";
    grows(prepare, document).await;
}

#[tokio::test]
async fn members_with_roles_and_permissions() {
    let prepare = async |house: &House, size: usize| {
        let code = house.invite(json!({})).await;
        for number in 0..size {
            let person = house.world.person(&format!("person{number}")).await;
            house.accept(&person, &code).await;
            let role = house.role("role", json!(["KICK_MEMBERS"])).await;
            house.assign(&role, &person).await;
        }
    };
    let document = "query($id: ID!) { guild(id: $id) { members { nodes {
        user { id } nickname roles { name guild { name } } permissions guild { name } } } } }";
    grows(prepare, document).await;
}

#[tokio::test]
async fn bans_and_invites() {
    let prepare = async |house: &House, size: usize| {
        house
            .empower(&house.bob, json!(["BAN_MEMBERS", "MANAGE_GUILD"]))
            .await;
        for number in 0..size {
            let person = house.world.person(&format!("person{number}")).await;
            let input = json!({ "guildId": house.guild, "userId": person.user.to_string() });
            house.mutate(&house.bob, "banMember", input, "__typename").await;
            let input = json!({ "guildId": house.guild, "channelId": house.general });
            house
                .mutate(&house.bob, "createInvite", input, "__typename")
                .await;
        }
    };
    let document = "query($id: ID!) { guild(id: $id) { bans { nodes { user { id } moderator { id } } }
        invites { nodes { creator { id } channel { name } guild { name } } }
        viewerInvites { nodes { channel { name } } } } }";
    grows(prepare, document).await;
}

#[tokio::test]
async fn the_audit_log() {
    let prepare = async |house: &House, size: usize| {
        house.empower(&house.bob, json!(["VIEW_AUDIT_LOG"])).await;
        for number in 0..size {
            let role = house.role(&format!("role{number}"), json!([])).await;
            house.assign(&role, &house.carol).await;
            house.channel(json!({})).await;
            house.invite(json!({})).await;
            let input = json!({ "guildId": house.guild, "name": format!("Harbour {number}") });
            house
                .mutate(&house.alice, "updateGuild", input, "__typename")
                .await;
        }
    };
    let document = "query($id: ID!) { guild(id: $id) { auditLog(first: 100) { nodes {
        action actor { id } targetId changes { field before after } target { __typename
            ... on Guild { name } ... on Channel { name } ... on Role { name } ... on User { id } } } } } }";
    grows(prepare, document).await;
}

#[tokio::test]
async fn channels_by_reference() {
    let house = House::new().await;
    let mut ids = vec![house.general.clone()];
    for _ in 0..9 {
        ids.push(house.channel(json!({})).await);
    }
    let cold = house.restarted().await;
    let references: Vec<_> = ids
        .iter()
        .map(|id| json!({ "__typename": "Channel", "id": id }))
        .collect();
    let document = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Channel { name guild { name } viewerPermissions } } }";
    let (first, second) = statements(&cold, document, json!({ "r": references })).await;
    assert!(first <= 12 && second <= first, "{first} then {second}");
}

#[tokio::test]
async fn lists_in_lists_are_bounded() {
    let house = House::new().await;
    for number in 0..25 {
        let input = json!({ "guildId": house.guild, "name": format!("channel {number}") });
        house
            .mutate(&house.alice, "createChannel", input, "__typename")
            .await;
    }
    let nested = |levels: usize| {
        let open = "channels { guild { ".repeat(levels);
        format!(
            "query($id: ID!) {{ guild(id: $id) {{ {open} id {} }} }}",
            "} }".repeat(levels)
        )
    };
    let of = house.of(&house.alice);
    of.data(&nested(2), json!({ "id": house.guild })).await;
    let error = of.error(&nested(3), json!({ "id": house.guild })).await;
    assert_eq!(error["code"], "INVALID");
    assert_eq!(error["reason"], "TOO_MANY_ITEMS");
}
