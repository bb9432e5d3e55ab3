//! How often somebody may try.

use crate::house::{House, LOGIN, PASSWORD, REGISTER, credentials, input};
use chrono::TimeDelta;
use commons_testing::Client;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const REFRESH: &str = "mutation($input: RefreshSessionInput!) { refreshSession(input: $input) {
    signedIn { accessToken refreshToken session { id } viewer { user { id } } }
} }";

/// Three attempts a minute: one comes back every twenty seconds.
async fn strict() -> House {
    House::with(|config| config.limits.sign_ins_per_minute = 3).await
}

fn from(house: &House, last: u8) -> Client<'_> {
    house.anonymous().at(Ipv4Addr::new(192, 0, 2, last))
}

fn limited(seconds: u32) -> Value {
    json!({ "code": "RATE_LIMITED", "retryAfter": f64::from(seconds) })
}

#[tokio::test]
async fn a_name_is_guessed_at_only_so_often_from_wherever() {
    let house = strict().await;
    from(&house, 1)
        .data(
            REGISTER,
            input(json!({ "username": "ada", "password": PASSWORD })),
        )
        .await;
    // Registering was the first attempt; a name has thirty, whoever makes them.
    for last in 2..=30 {
        let spelling = if last % 2 == 0 { "ada" } else { " Ada " };
        let error = from(&house, last)
            .error(LOGIN, credentials(spelling, "wrong password"))
            .await;
        assert_eq!(error["reason"], "WRONG_CREDENTIALS");
    }
    // The right password does not help now, nor does another spelling.
    for (last, spelling) in [(31, "ada"), (32, "ADA"), (33, "ada\n")] {
        let error = from(&house, last)
            .error(LOGIN, credentials(spelling, PASSWORD))
            .await;
        assert_eq!(error, limited(2));
    }
    let error = from(&house, 34).error(LOGIN, credentials("ben", PASSWORD)).await;
    assert_eq!(error["reason"], "WRONG_CREDENTIALS");
    house.world.clock.advance(TimeDelta::seconds(2));
    from(&house, 35).data(LOGIN, credentials("ada", PASSWORD)).await;
    let error = from(&house, 36).error(LOGIN, credentials("ada", PASSWORD)).await;
    assert_eq!(error, limited(2));
}

#[tokio::test]
async fn an_address_tries_only_so_often_whatever_name() {
    let house = strict().await;
    house.register("ada").await;
    let one = from(&house, 1);
    for name in ["ben", "eve", "not a name"] {
        one.error(LOGIN, credentials(name, PASSWORD)).await;
    }
    let register = input(json!({ "username": "zoe", "password": PASSWORD }));
    assert_eq!(one.error(LOGIN, credentials("ada", PASSWORD)).await, limited(20));
    assert_eq!(one.error(REGISTER, register.clone()).await, limited(20));
    from(&house, 2).data(LOGIN, credentials("ada", PASSWORD)).await;
    house.world.clock.advance(TimeDelta::seconds(20));
    one.data(REGISTER, register).await;
}

#[tokio::test]
async fn a_network_of_ipv6_is_one_address() {
    let house = strict().await;
    let at = |segments: [u16; 8]| house.anonymous().at(Ipv6Addr::from(segments));
    for last in 1..=3 {
        at([0x2001, 0xdb8, 0, 1, 0, 0, 0, last])
            .error(LOGIN, credentials(&format!("a{last}"), PASSWORD))
            .await;
    }
    let next = at([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9])
        .error(LOGIN, credentials("b1", PASSWORD))
        .await;
    assert_eq!(next, limited(20));
    let another = at([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1])
        .error(LOGIN, credentials("b2", PASSWORD))
        .await;
    assert_eq!(another["reason"], "WRONG_CREDENTIALS");
    // An IPv4 address in IPv6's clothes is still that address alone.
    for last in 1..=4 {
        let mapped: IpAddr = Ipv4Addr::new(192, 0, 2, last).to_ipv6_mapped().into();
        let client = house.anonymous().at(mapped);
        let error = client
            .error(LOGIN, credentials(&format!("c{last}"), PASSWORD))
            .await;
        assert_eq!(error["reason"], "WRONG_CREDENTIALS");
    }
}

#[tokio::test]
async fn many_people_behind_one_address_can_refresh() {
    let house = House::with(|config| config.limits.sign_ins_per_minute = 12).await;
    let mut people = Vec::new();
    for number in 0..4 {
        people.push(house.register(&format!("person{number}")).await);
    }
    let refresh = async |token: &str| {
        let variables = input(json!({ "refreshToken": token }));
        house.anonymous().send(REFRESH, variables).await
    };
    for _ in 0..4 {
        for person in &mut people {
            let answer = refresh(&person.refresh).await;
            let next = &answer["data"]["refreshSession"]["signedIn"]["refreshToken"];
            person.refresh = next.as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned();
        }
    }
    // Guesses are counted, and stop nobody who has a token.
    for _ in 0..12 {
        let answer = refresh("nonsense").await;
        assert_eq!(
            answer["errors"][0]["extensions"]["reason"],
            "REFRESH_TOKEN_INVALID"
        );
    }
    assert_eq!(refresh("nonsense").await["errors"][0]["extensions"], limited(5));
    assert!(refresh(&people[0].refresh).await.get("errors").is_none());
}

#[tokio::test]
async fn a_session_refreshes_only_so_often() {
    let house = strict().await;
    let mut token = house.register("ada").await.refresh;
    for _ in 0..3 {
        let data = house
            .anonymous()
            .data(REFRESH, input(json!({ "refreshToken": token })))
            .await;
        token = data["refreshSession"]["signedIn"]["refreshToken"]
            .as_str()
            .unwrap()
            .to_owned();
    }
    let error = house
        .anonymous()
        .error(REFRESH, input(json!({ "refreshToken": token })))
        .await;
    assert_eq!(error, limited(20));
}
