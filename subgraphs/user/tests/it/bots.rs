//! Bots: made, signed in, their tokens replaced, deleted.

use crate::house::{
    House, Person, WHO, another_process, bearer, input, invalid, not_found, start, unauthenticated, until,
};
use chrono::TimeDelta;
use commons_entities::user::{bot, session};
use commons_platform::secret::token_hash;
use commons_testing::Client;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

const CREATE: &str = "mutation($input: CreateBotInput!) { createBot(input: $input) {
    token bot { id username displayName kind bot }
} }";
const ROTATE: &str =
    "mutation($input: RotateBotTokenInput!) { rotateBotToken(input: $input) { token bot { id } } }";
const DELETE: &str = "mutation($input: DeleteBotInput!) { deleteBot(input: $input) { botId } }";
const SIGN_IN: &str = "mutation($input: SignInBotInput!) { signInBot(input: $input) { signedIn {
    accessToken expiresAt session { id expiresAt lastSeenAt } viewer { administrator user { id } }
} } }";
const BOTS: &str = "{ viewer { bots { id username } } }";

pub(crate) struct Bot {
    pub(crate) id: String,
    pub(crate) token: String,
}

pub(crate) async fn create(house: &House, owner: &Person, username: &str) -> Bot {
    let data = house
        .client(owner)
        .data(CREATE, input(json!({ "username": username })))
        .await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Bot {
        id: text(&data["createBot"]["bot"]["id"]),
        token: text(&data["createBot"]["token"]),
    }
}

/// A bot's access token.
pub(crate) async fn sign_in(house: &House, token: &str) -> String {
    let data = house
        .anonymous()
        .data(SIGN_IN, input(json!({ "token": token })))
        .await;
    data["signInBot"]["signedIn"]["accessToken"]
        .as_str()
        .unwrap()
        .to_owned()
}

pub(crate) async fn refused(house: &House, token: &str) -> Value {
    house
        .anonymous()
        .error(SIGN_IN, input(json!({ "token": token })))
        .await
}

pub(crate) fn token_invalid() -> Value {
    json!({ "code": "UNAUTHENTICATED", "reason": "BOT_TOKEN_INVALID" })
}

fn of(bot: &Bot) -> Value {
    input(json!({ "botId": bot.id }))
}

#[tokio::test]
async fn a_bot_is_made_and_signs_in() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let fields = json!({ "username": "Helper", "displayName": " The helper " });
    let data = house.client(&ada).data(CREATE, input(fields)).await;
    let made = &data["createBot"];
    let id = made["bot"]["id"].as_str().unwrap();
    assert_eq!(
        made["bot"],
        json!({ "id": id, "username": "helper", "displayName": "The helper", "kind": "BOT", "bot": true })
    );
    let token = made["token"].as_str().unwrap();
    let (head, secret) = halves(token);
    assert_eq!(head, format!("bot_{}", id.strip_prefix("user_").unwrap()));
    assert_eq!(secret.len(), 43, "256 bits");
    // The database has its hash alone.
    let row = bot::Entity::find()
        .one(house.world.platform.db.read())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.token_hash, token_hash(token));

    let data = house
        .anonymous()
        .data(SIGN_IN, input(json!({ "token": token })))
        .await;
    let signed_in = &data["signInBot"]["signedIn"];
    assert_eq!(
        signed_in["viewer"],
        json!({ "administrator": false, "user": { "id": id } })
    );
    assert_eq!(signed_in["expiresAt"], "2023-11-14T22:18:20+00:00");
    let bot = Client::with(
        &house.subgraph,
        bearer(signed_in["accessToken"].as_str().unwrap()),
    );
    assert_eq!(bot.data(WHO, json!({})).await["viewer"]["user"]["id"], id);
    // Its token itself names nobody.
    for scheme in ["Bot", "Bearer"] {
        let client = Client::with(&house.subgraph, format!("{scheme} {token}"));
        assert_eq!(client.error(WHO, json!({})).await, unauthenticated());
    }
}

/// What names the bot, and the secret, which may have underscores of its own.
fn halves(token: &str) -> (&str, &str) {
    let (at, _) = token.match_indices('_').nth(1).unwrap();
    (&token[..at], &token[at + 1..])
}

#[tokio::test]
async fn it_has_one_session_that_lives_on_as_it_signs_in() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let bot = create(&house, &ada, "helper").await;
    let sign_in = async || {
        let data = house
            .anonymous()
            .data(SIGN_IN, input(json!({ "token": bot.token })))
            .await;
        data["signInBot"]["signedIn"]["session"].clone()
    };
    let first = sign_in().await;
    assert_eq!(first["expiresAt"], "2023-12-14T22:13:20+00:00");
    house.world.clock.advance(TimeDelta::days(29));
    let second = sign_in().await;
    assert_eq!(second["id"], first["id"]);
    assert_eq!(second["lastSeenAt"], "2023-12-13T22:13:20+00:00");
    assert_eq!(second["expiresAt"], "2024-01-12T22:13:20+00:00");
    house.world.clock.advance(TimeDelta::days(30));
    assert_ne!(sign_in().await["id"], first["id"], "that one is over");
}

#[tokio::test]
async fn its_own_logout_ends_the_session_and_the_token_opens_another() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let bot = create(&house, &ada, "helper").await;
    let client = Client::with(&house.subgraph, bearer(&sign_in(&house, &bot.token).await));
    client.data("mutation { logout { sessionId } }", json!({})).await;
    assert_eq!(client.error(WHO, json!({})).await, unauthenticated());
    let again = Client::with(&house.subgraph, bearer(&sign_in(&house, &bot.token).await));
    again.data(WHO, json!({})).await;
}

#[tokio::test]
async fn another_token_ends_the_one_before_everywhere() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let bot = create(&house, &ada, "helper").await;
    let access = sign_in(&house, &bot.token).await;
    let elsewhere = another_process(&house.world).await;
    let (_service, subgraph) = start(&elsewhere).await;
    let there = Client::with(&subgraph, bearer(&access));
    there.data(WHO, json!({})).await;

    let data = house.client(&ada).data(ROTATE, of(&bot)).await;
    let next = data["rotateBotToken"]["token"].as_str().unwrap();
    assert_eq!(data["rotateBotToken"]["bot"]["id"], bot.id.as_str());
    assert_eq!(refused(&house, &bot.token).await, token_invalid());
    let here = Client::with(&house.subgraph, bearer(&access));
    assert_eq!(here.error(WHO, json!({})).await, unauthenticated());
    until("the other process has heard of it", || async {
        there.send(WHO, json!({})).await["errors"][0]["extensions"] == unauthenticated()
    })
    .await;
    sign_in(&house, next).await;
}

#[tokio::test]
async fn a_deleted_bot_is_nobody_in_particular() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let (bot, other) = (
        create(&house, &ada, "helper").await,
        create(&house, &ada, "other").await,
    );
    let access = sign_in(&house, &bot.token).await;
    let seen = "query($id: ID!) { user(id: $id) { username displayName kind bot } }";
    house.client(&ada).data(seen, json!({ "id": bot.id })).await;
    let data = house.client(&ada).data(DELETE, of(&bot)).await;
    assert_eq!(data, json!({ "deleteBot": { "botId": bot.id } }));
    assert_eq!(refused(&house, &bot.token).await, token_invalid());
    let client = Client::with(&house.subgraph, bearer(&access));
    assert_eq!(client.error(WHO, json!({})).await, unauthenticated());
    assert_eq!(
        house.client(&ada).data(seen, json!({ "id": bot.id })).await["user"],
        json!({ "username": bot.id, "displayName": "Deleted account", "kind": "BOT", "bot": true })
    );
    assert_eq!(
        house.client(&ada).data(BOTS, json!({})).await["viewer"]["bots"],
        json!([{ "id": other.id, "username": "other" }])
    );
    assert_eq!(house.client(&ada).error(DELETE, of(&bot)).await, not_found());
}

#[tokio::test]
async fn nobody_has_a_say_over_anothers_bot() {
    let house = House::new().await;
    let (ada, ben) = (house.register("ada").await, house.register("ben").await);
    let bot = create(&house, &ada, "helper").await;
    let unknown = Bot {
        id: "user_01h455vb4pex5vsknk084sn02q".to_owned(),
        token: String::new(),
    };
    // Another's bot, a person, and nobody: all the same.
    let person = Bot {
        id: ada.id.clone(),
        token: String::new(),
    };
    for document in [ROTATE, DELETE] {
        for bot in [&bot, &unknown, &person] {
            assert_eq!(house.client(&ben).error(document, of(bot)).await, not_found());
        }
        assert_eq!(house.client(&ada).error(document, of(&person)).await, not_found());
        let wrong = input(json!({ "botId": "helper" }));
        assert_eq!(
            house.client(&ben).error(document, wrong).await,
            invalid("botId", "ID_MALFORMED")
        );
    }
    assert_eq!(
        house.client(&ben).data(BOTS, json!({})).await["viewer"]["bots"],
        json!([])
    );
    sign_in(&house, &bot.token).await;
}

#[tokio::test]
async fn a_bot_does_not_do_what_is_a_persons() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let bot = create(&house, &ada, "helper").await;
    let client = Client::with(&house.subgraph, bearer(&sign_in(&house, &bot.token).await));
    for document in [
        "mutation { createBot(input: { username: \"child\" }) { token } }",
        "mutation { exportMyData { export { id } } }",
        "mutation { deleteAccount(input: { password: \"correct horse\" }) { userId } }",
        "mutation { changePassword(input: { currentPassword: \"\", newPassword: \"correct horse\" }) { viewer { email } } }",
    ] {
        assert_eq!(
            client.error(document, json!({})).await,
            json!({ "code": "FORBIDDEN", "reason": "NOT_FOR_BOTS" }),
            "{document}"
        );
    }
    let rename = "mutation { updateProfile(input: { displayName: \"R2\" }) { user { displayName } } }";
    client.data(rename, json!({})).await;
}

#[tokio::test]
async fn names_and_numbers_are_bounded() {
    let house = House::with(|config| config.limits.sign_ins_per_minute = 100).await;
    let ada = house.register("ada").await;
    let client = house.client(&ada);
    for (username, error) in [
        ("x", invalid("username", "CONTENT_TOO_SHORT")),
        (
            "ADA",
            json!({ "code": "CONFLICT", "reason": "USERNAME_TAKEN", "field": "username" }),
        ),
    ] {
        assert_eq!(
            client.error(CREATE, input(json!({ "username": username }))).await,
            error
        );
    }
    let named = json!({ "username": "helper", "displayName": "" });
    assert_eq!(
        client.error(CREATE, input(named)).await,
        invalid("displayName", "CONTENT_EMPTY")
    );
    for number in 0..25 {
        create(&house, &ada, &format!("bot{number}")).await;
    }
    let more = input(json!({ "username": "bot25" }));
    assert_eq!(
        client.error(CREATE, more.clone()).await,
        json!({ "code": "CONFLICT", "reason": "TOO_MANY_BOTS" })
    );
    let (queries, data) = house.counted(client.clone(), BOTS, json!({})).await;
    assert_eq!(queries, 2, "the account, then its bots");
    let bots = data["viewer"]["bots"].as_array().unwrap().clone();
    assert_eq!(bots.len(), 25);
    let gone = input(json!({ "botId": bots[3]["id"] }));
    client.data(DELETE, gone).await;
    client.data(CREATE, more).await;
}

#[tokio::test]
async fn tokens_are_made_and_guessed_only_so_often() {
    let house = House::with(|config| config.limits.sign_ins_per_minute = 3).await;
    let ada = house.register("ada").await;
    let bot = create(&house, &ada, "helper").await;
    for _ in 0..2 {
        house.client(&ada).data(ROTATE, of(&bot)).await;
    }
    let limited = json!({ "code": "RATE_LIMITED", "retryAfter": 20.0 });
    assert_eq!(house.client(&ada).error(ROTATE, of(&bot)).await, limited);
    for guess in ["", "bot_x", &bot.token] {
        assert_eq!(refused(&house, guess).await, token_invalid());
    }
    assert_eq!(refused(&house, "more").await, limited);
    // None of them left a session.
    let db = house.world.platform.db.read();
    assert_eq!(session::Entity::find().count(db).await.unwrap(), 1);
}
