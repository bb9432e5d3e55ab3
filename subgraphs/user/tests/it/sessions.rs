//! The viewer's sessions: seen, paged, ended.

use crate::house::{
    House, LOGIN, PASSWORD, Person, WHO, another_process, bearer, credentials, input, invalid, start,
    unauthenticated,
};
use chrono::TimeDelta;
use commons_testing::Client;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

const LIST: &str = "query($first: Int, $after: String) { viewer { sessions(first: $first, after: $after) {
    nodes { id device address createdAt lastSeenAt expiresAt viewerIsThis }
    pageInfo { hasNextPage hasPreviousPage endCursor }
} } }";
const REVOKE: &str = "mutation($input: RevokeSessionInput!) { revokeSession(input: $input) { sessionId } }";
const OTHERS: &str = "mutation { revokeOtherSessions { sessionIds } }";
const LOGOUT: &str = "mutation { logout { sessionId } }";

fn ids(page: &Value) -> Vec<&str> {
    let nodes = page["viewer"]["sessions"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["id"].as_str().unwrap()).collect()
}

async fn is_dead(house: &House, person: &Person) -> bool {
    let answer = house.client(person).send(WHO, json!({})).await;
    answer["errors"][0]["extensions"] == unauthenticated()
}

#[tokio::test]
async fn a_session_shows_its_device() {
    let house = House::new().await;
    house.register("ada").await;
    house.register("ben").await;
    let phone = house.anonymous().at(Ipv4Addr::new(192, 0, 2, 7)).on("Phone 1.0");
    let data = phone.data(LOGIN, credentials("ada", PASSWORD)).await;
    let ada = Person::from(&data["login"]["result"]);
    let list = house.client(&ada).data(LIST, json!({ "first": 1 })).await;
    assert_eq!(
        list["viewer"]["sessions"]["nodes"],
        json!([{
            "id": ada.session, "device": "Phone 1.0", "address": "192.0.2.7", "viewerIsThis": true,
            "createdAt": "2023-11-14T22:13:20+00:00", "lastSeenAt": "2023-11-14T22:13:20+00:00",
            "expiresAt": "2023-12-14T22:13:20+00:00",
        }])
    );
    assert_eq!(ids(&house.client(&ada).data(LIST, json!({})).await).len(), 2);
}

#[tokio::test]
async fn sessions_are_paged_newest_first_in_one_query() {
    let house = House::new().await;
    let mut all = vec![house.register("ada").await];
    for _ in 0..4 {
        all.push(house.login("ada").await);
    }
    all.reverse();
    let mut expected: Vec<&str> = all.iter().map(|person| person.session.as_str()).collect();
    let newest = house.client(&all[0]);
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    for (size, more) in [(2, true), (2, true), (1, false)] {
        // The account, then its sessions.
        let (queries, page) = house
            .counted(newest.clone(), LIST, json!({ "first": 2, "after": after }))
            .await;
        assert_eq!(queries, 2);
        assert_eq!(ids(&page).len(), size);
        assert_eq!(page["viewer"]["sessions"]["pageInfo"]["hasNextPage"], more);
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        after = page["viewer"]["sessions"]["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, expected);

    // What is over is not shown.
    house.world.clock.advance(TimeDelta::minutes(1));
    house
        .client(&all[0])
        .data(REVOKE, input(json!({ "sessionId": all[1].session })))
        .await;
    expected.remove(1);
    assert_eq!(ids(&house.client(&all[0]).data(LIST, json!({})).await), expected);
}

#[tokio::test]
async fn bad_pages_are_refused() {
    let house = House::new().await;
    let ada = house.client(&house.register("ada").await).clone();
    let page = ada.data(LIST, json!({})).await;
    let cursor = page["viewer"]["sessions"]["pageInfo"]["endCursor"]
        .as_str()
        .unwrap();
    for (arguments, field, reason) in [
        (json!({ "first": 0 }), "first", "PAGE_SIZE"),
        (json!({ "first": 101 }), "first", "PAGE_SIZE"),
        (json!({ "first": -1 }), "first", "PAGE_SIZE"),
        (json!({ "after": "!" }), "after", "CURSOR_MALFORMED"),
        (json!({ "after": "" }), "after", "CURSOR_MALFORMED"),
        (
            json!({ "after": format!("{}A", &cursor[1..]) }),
            "after",
            "CURSOR_MALFORMED",
        ),
        (json!({ "after": "x".repeat(1_000) }), "after", "CURSOR_MALFORMED"),
    ] {
        assert_eq!(
            ada.error(LIST, arguments.clone()).await,
            invalid(field, reason),
            "{arguments}"
        );
    }
    ada.data(LIST, json!({ "first": 100, "after": cursor })).await;
}

#[tokio::test]
async fn signing_in_shows_the_own_sessions_to_whoever_asks() {
    let house = House::new().await;
    house.register("ada").await;
    let ben = house.register("ben").await;
    let document = LOGIN.replace("viewer {", "viewer { sessions { nodes { id } }");
    for client in [house.anonymous(), house.client(&ben)] {
        let data = client.data(&document, credentials("ada", PASSWORD)).await;
        let signed_in = &data["login"]["result"];
        let sessions = signed_in["viewer"]["sessions"]["nodes"].as_array().unwrap();
        assert_eq!(sessions[0]["id"], signed_in["session"]["id"]);
        assert!(
            sessions
                .iter()
                .all(|session| session["id"] != ben.session.as_str())
        );
    }
}

#[tokio::test]
async fn logging_out_ends_this_session_only() {
    let house = House::new().await;
    let (here, there) = (house.register("ada").await, house.login("ada").await);
    let data = house.client(&here).data(LOGOUT, json!({})).await;
    assert_eq!(data, json!({ "logout": { "sessionId": here.session } }));
    assert!(is_dead(&house, &here).await);
    assert!(!is_dead(&house, &there).await);
    assert_eq!(
        house.client(&here).error(LOGOUT, json!({})).await,
        unauthenticated()
    );
}

#[tokio::test]
async fn one_session_is_revoked_and_nobody_elses() {
    let house = House::new().await;
    let (here, there) = (house.register("ada").await, house.login("ada").await);
    let ben = house.register("ben").await;
    let revoke = async |session: &str| {
        let input = input(json!({ "sessionId": session }));
        house.client(&here).send(REVOKE, input).await
    };
    let done = revoke(&there.session).await;
    assert_eq!(
        done["data"],
        json!({ "revokeSession": { "sessionId": there.session } })
    );
    assert!(is_dead(&house, &there).await);

    let unknown = revoke("session_01h455vb4pex5vsknk084sn02q").await;
    assert_eq!(unknown["errors"][0]["extensions"], json!({ "code": "NOT_FOUND" }));
    assert_eq!(revoke(&ben.session).await, unknown);
    assert_eq!(revoke(&there.session).await, unknown);
    assert!(!is_dead(&house, &ben).await);
    let wrong = revoke(&here.id).await;
    assert_eq!(
        wrong["errors"][0]["extensions"],
        invalid("sessionId", "ID_MALFORMED")
    );
}

#[tokio::test]
async fn all_others_are_revoked() {
    let house = House::new().await;
    let (here, there, ben) = (
        house.register("ada").await,
        house.login("ada").await,
        house.register("ben").await,
    );
    let data = house.client(&here).data(OTHERS, json!({})).await;
    assert_eq!(
        data,
        json!({ "revokeOtherSessions": { "sessionIds": [there.session] } })
    );
    assert!(is_dead(&house, &there).await);
    assert!(!is_dead(&house, &here).await && !is_dead(&house, &ben).await);
    let data = house.client(&here).data(OTHERS, json!({})).await;
    assert_eq!(data, json!({ "revokeOtherSessions": { "sessionIds": [] } }));
}

#[tokio::test]
async fn a_process_that_starts_later_refuses_a_revoked_session() {
    let house = House::new().await;
    let (here, there) = (house.register("ada").await, house.login("ada").await);
    house.client(&here).data(OTHERS, json!({})).await;
    let (_service, subgraph) = start(&another_process(&house.world).await).await;
    let ask = async |person: &Person| {
        Client::with(&subgraph, bearer(&person.access))
            .send(WHO, json!({}))
            .await
    };
    assert_eq!(ask(&there).await["errors"][0]["extensions"], unauthenticated());
    assert_eq!(ask(&here).await["data"]["viewer"]["user"]["id"], here.id.as_str());
}
