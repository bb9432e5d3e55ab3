//! Accounts that are deleted.

use crate::{
    bots,
    house::{
        House, LOGIN, PASSWORD, Person, REGISTER, WHO, credentials, input, invalid, unauthenticated, until,
    },
};
use chrono::TimeDelta;
use commons_access::Permissions;
use commons_entities::{
    TypedId, UserId,
    channel::guild,
    job::job,
    user::{bot, refresh_token, session, user},
};
use commons_testing::{Client, seed};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, PaginatorTrait, Set};
use serde_json::{Value, json};

const DELETE: &str = "mutation($input: DeleteAccountInput!) { deleteAccount(input: $input) { userId } }";
const SEEN: &str = "query($id: ID!, $name: String!, $of: [_Any!]!) {
    user(id: $id) { id username displayName bio avatarUrl }
    users(ids: [$id]) { displayName }
    named: user(username: $name) { id }
    _entities(representations: $of) { ... on User { displayName } }
}";

fn password() -> Value {
    input(json!({ "password": PASSWORD }))
}

async fn see(client: Client<'_>, person: &Person, name: &str) -> Value {
    let of = json!([{ "__typename": "User", "id": person.id }]);
    client
        .data(SEEN, json!({ "id": person.id, "name": name, "of": of }))
        .await
}

/// The effects that others owe, as their owners have them.
async fn owed(house: &House) -> Vec<(String, Value)> {
    let rows = job::Entity::find()
        .all(house.world.platform.db.read())
        .await
        .unwrap();
    let mut owed: Vec<(String, Value)> = rows
        .into_iter()
        .filter(|row| row.kind == "EraseAccount")
        .map(|row| (row.owner, serde_json::from_str(&row.payload).unwrap()))
        .collect();
    owed.sort_by_key(|(owner, payload)| (payload.to_string(), owner.clone()));
    owed
}

fn erase(person: &str, messages: bool) -> Value {
    let user: UserId = person.parse().unwrap();
    json!({ "EraseAccount": { "user": user.uuid(), "erase_messages": messages } })
}

#[tokio::test]
async fn what_was_personal_is_gone_at_once_and_others_see_a_placeholder() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let fields = json!({ "username": "ben", "password": PASSWORD, "email": "ben@example.org" });
    let data = house.anonymous().data(REGISTER, input(fields)).await;
    let ben = Person::from(&data["register"]["signedIn"]);
    let profile =
        json!({ "bio": "secret", "avatarUrl": "https://example.org/b.png", "displayName": "Big Ben" });
    house
        .client(&ben)
        .data(
            "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }",
            input(profile),
        )
        .await;
    let phone = house.login("ben").await;
    // It is in the caches.
    assert_eq!(
        see(house.client(&ada), &ben, "ben").await["user"]["displayName"],
        "Big Ben"
    );

    let data = house.client(&ben).data(DELETE, password()).await;
    assert_eq!(data, json!({ "deleteAccount": { "userId": ben.id } }));

    let seen = see(house.client(&ada), &ben, "ben").await;
    assert_eq!(
        seen,
        json!({
            "user": {
                "id": ben.id, "username": ben.id, "displayName": "Deleted account",
                "bio": null, "avatarUrl": null,
            },
            "users": [{ "displayName": "Deleted account" }],
            "named": null,
            "_entities": [{ "displayName": "Deleted account" }],
        })
    );
    let db = house.world.platform.db.read();
    let id: UserId = ben.id.parse().unwrap();
    let row = user::Entity::find_by_id(id).one(db).await.unwrap().unwrap();
    assert_eq!(
        (
            row.email,
            row.password_hash,
            row.bio,
            row.avatar_url,
            row.display_name
        ),
        (None, None, None, None, String::new())
    );
    // Ada's session and token are the only ones left.
    assert_eq!(session::Entity::find().count(db).await.unwrap(), 1);
    assert_eq!(refresh_token::Entity::find().count(db).await.unwrap(), 1);

    for person in [&ben, &phone] {
        assert_eq!(
            house.client(person).error(WHO, json!({})).await,
            unauthenticated()
        );
        let refresh = "mutation($input: RefreshSessionInput!) { refreshSession(input: $input) { signedIn { expiresAt } } }";
        let error = house
            .anonymous()
            .error(refresh, input(json!({ "refreshToken": person.refresh })))
            .await;
        assert_eq!(error["reason"], "REFRESH_TOKEN_INVALID");
    }
    for name in ["ben", "ben@example.org"] {
        let error = house.anonymous().error(LOGIN, credentials(name, PASSWORD)).await;
        assert_eq!(error["reason"], "WRONG_CREDENTIALS");
    }
    house.client(&ada).data(WHO, json!({})).await;
}

#[tokio::test]
async fn other_domains_owe_the_rest() {
    let house = House::new().await;
    for (name, variables, messages) in [
        ("ada", password(), false),
        (
            "ben",
            input(json!({ "password": PASSWORD, "eraseMessages": true })),
            true,
        ),
    ] {
        let person = house.register(name).await;
        let before = owed(&house).await.len();
        house.client(&person).data(DELETE, variables).await;
        let owed = owed(&house).await;
        // Now, and once more a minute later.
        assert_eq!(owed.len(), before + 4);
        for owner in ["channel", "message"] {
            let expected = (owner.to_owned(), erase(&person.id, messages));
            assert!(owed.contains(&expected), "{owed:?}");
        }
    }
}

#[tokio::test]
async fn its_bots_go_with_it() {
    let house = House::new().await;
    let (ada, ben) = (house.register("ada").await, house.register("ben").await);
    let (his, hers) = (
        bots::create(&house, &ben, "his").await,
        bots::create(&house, &ada, "hers").await,
    );
    let access = bots::sign_in(&house, &his.token).await;
    house.client(&ben).data(DELETE, password()).await;
    assert_eq!(bots::refused(&house, &his.token).await, bots::token_invalid());
    let client = Client::with(&house.subgraph, format!("Bearer {access}"));
    assert_eq!(client.error(WHO, json!({})).await, unauthenticated());
    let owed = owed(&house).await;
    assert!(
        owed.contains(&("channel".to_owned(), erase(&his.id, false))),
        "{owed:?}"
    );
    assert_eq!(owed.len(), 8);
    let db = house.world.platform.db.read();
    assert_eq!(bot::Entity::find().count(db).await.unwrap(), 1);
    bots::sign_in(&house, &hers.token).await;
}

#[tokio::test]
async fn who_owns_guilds_or_has_a_bot_that_does_stays() {
    let house = House::new().await;
    let ben = house.register("ben").await;
    let bot = bots::create(&house, &ben, "helper").await;
    let (db, clock) = (&house.world.platform.db, &*house.world.clock);
    let cleo = house.register("cleo").await;
    seed::guild(db, clock, cleo.id.parse().unwrap(), Permissions::empty()).await;
    let guild = seed::guild(db, clock, bot.id.parse().unwrap(), Permissions::empty()).await;
    let owns = json!({ "code": "CONFLICT", "reason": "OWNS_GUILDS" });
    let delete_bot = "mutation($input: DeleteBotInput!) { deleteBot(input: $input) { botId } }";
    let of_bot = input(json!({ "botId": bot.id }));
    assert_eq!(house.client(&ben).error(delete_bot, of_bot).await, owns);
    for person in [&ben, &cleo] {
        assert_eq!(house.client(person).error(DELETE, password()).await, owns);
    }
    house.client(&ben).data(WHO, json!({})).await;

    let row = guild::Entity::find_by_id(guild)
        .one(db.read())
        .await
        .unwrap()
        .unwrap();
    let mut row = row.into_active_model();
    row.deleted_at = Set(Some(house.world.platform.clock.now()));
    row.update(db.writer()).await.unwrap();
    house.client(&ben).data(DELETE, password()).await;
}

#[tokio::test]
async fn only_the_password_deletes() {
    let house = House::new().await;
    let ben = house.register("ben").await;
    for wrong in ["", "wrong password"] {
        let error = house
            .client(&ben)
            .error(DELETE, input(json!({ "password": wrong })))
            .await;
        assert_eq!(error, invalid("password", "WRONG_PASSWORD"));
    }
    house.client(&ben).data(WHO, json!({})).await;
    assert_eq!(owed(&house).await, []);
}

#[tokio::test]
async fn the_name_is_free_after_thirty_days() {
    let house = House::new().await;
    house.register("ada").await;
    let ben = house.register("ben").await;
    house.client(&ben).data(DELETE, password()).await;
    let _worker = house.service.work();
    let again = input(json!({ "username": "ben", "password": PASSWORD }));
    house
        .world
        .clock
        .advance(TimeDelta::days(30) - TimeDelta::milliseconds(1));
    let error = house.anonymous().error(REGISTER, again.clone()).await;
    assert_eq!(error["reason"], "USERNAME_TAKEN");
    house.world.clock.advance(TimeDelta::milliseconds(1));
    until("the name is free", || async {
        house.world.clock.advance(TimeDelta::seconds(30));
        house
            .anonymous()
            .send(REGISTER, again.clone())
            .await
            .get("errors")
            .is_none()
    })
    .await;
    let ada = house.login("ada").await;
    let seen = see(house.client(&ada), &ben, "ben").await;
    assert_eq!(
        seen["user"]["username"],
        ben.id.as_str(),
        "the old one is still nobody"
    );
    assert_ne!(seen["named"]["id"], ben.id.as_str());
    assert_ne!(seen["named"], Value::Null);
}

#[tokio::test]
async fn when_everybody_is_gone_the_next_one_is_the_first() {
    let house = House::closed().await;
    let ada = house.register("ada").await;
    house.client(&ada).data(DELETE, password()).await;
    let again = input(json!({ "username": "ben", "password": PASSWORD }));
    let data = house.anonymous().data(REGISTER, again).await;
    assert_eq!(data["register"]["signedIn"]["viewer"]["administrator"], true);
}
