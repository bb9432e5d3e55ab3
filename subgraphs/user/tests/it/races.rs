//! What happens at once, in two processes over one database.

use crate::{
    bots,
    house::{
        House, LOGIN, PASSWORD, Person, REGISTER, WHO, another_process, bearer, credentials, input, start,
    },
    placeholders::{SOURCE, imported},
};
use chrono::TimeDelta;
use commons_entities::user::{refresh_token, signing_key};
use commons_platform::graphql::Subgraph;
use commons_testing::{Client, World};
use commons_user::{UserService, service};
use futures_util::future::join_all;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use std::sync::Arc;

const REFRESH: &str = "mutation($input: RefreshSessionInput!) { refreshSession(input: $input) { signedIn {
    accessToken refreshToken session { id } viewer { user { id } }
} } }";
const OTHERS: &str = "mutation { revokeOtherSessions { sessionIds } }";

/// A second process on the database of a house.
struct Annex {
    service: Arc<UserService>,
    subgraph: Subgraph,
}

impl Annex {
    async fn new(house: &House) -> Self {
        let (service, subgraph) = start(&another_process(&house.world).await).await;
        Self { service, subgraph }
    }
}

/// A house whose limits are in nobody's way, and its annex.
async fn both() -> (House, Annex) {
    let house = House::with(|config| config.limits.sign_ins_per_minute = 1_000).await;
    let annex = Annex::new(&house).await;
    (house, annex)
}

/// The same request many times, half of them in each process.
async fn all_at_once(house: &House, annex: &Annex, asked: Vec<(&str, Value)>) -> Vec<Value> {
    let asking = asked
        .into_iter()
        .enumerate()
        .map(|(number, (document, variables))| {
            let subgraph = if number % 2 == 0 {
                &house.subgraph
            } else {
                &annex.subgraph
            };
            async move { Client::anonymous(subgraph).send(document, variables).await }
        });
    join_all(asking).await
}

fn reasons(answers: &[Value]) -> Vec<&str> {
    answers
        .iter()
        .map(|answer| {
            answer["errors"][0]["extensions"]["reason"]
                .as_str()
                .unwrap_or("none")
        })
        .collect()
}

fn count(reasons: &[&str], reason: &str) -> usize {
    reasons.iter().filter(|found| **found == reason).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_first_accounts_one_administers() {
    let (house, annex) = both().await;
    let names = (0..6).map(|number| json!({ "username": format!("person{number}"), "password": PASSWORD }));
    let asked = names.map(|fields| (REGISTER, input(fields))).collect();
    let answers = all_at_once(&house, &annex, asked).await;
    let administrators = answers
        .iter()
        .filter(|answer| answer["data"]["register"]["signedIn"]["viewer"]["administrator"] == true);
    assert_eq!(administrators.count(), 1, "{answers:#?}");
    assert_eq!(count(&reasons(&answers), "none"), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_instance_has_one_first_account() {
    use commons_platform::config::Registration;
    let house = House::with(|config| {
        config.limits.sign_ins_per_minute = 1_000;
        config.auth.registration = Registration::Closed;
    })
    .await;
    let annex = Annex::new(&house).await;
    let names = (0..4).map(|number| json!({ "username": format!("person{number}"), "password": PASSWORD }));
    let asked = names.map(|fields| (REGISTER, input(fields))).collect();
    let answers = all_at_once(&house, &annex, asked).await;
    assert_eq!(
        count(&reasons(&answers), "REGISTRATION_CLOSED"),
        3,
        "{answers:#?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_and_an_address_are_given_once() {
    let (house, annex) = both().await;
    house.register("ada").await;
    let same_name = vec![
        (
            REGISTER,
            input(json!({ "username": "ben", "password": PASSWORD }))
        );
        4
    ];
    let answers = all_at_once(&house, &annex, same_name).await;
    assert_eq!(count(&reasons(&answers), "USERNAME_TAKEN"), 3, "{answers:#?}");
    let same_address = (0..4).map(|number| {
        let name = format!("person{number}");
        (
            REGISTER,
            input(json!({ "username": name, "password": PASSWORD, "email": "one@example.org" })),
        )
    });
    let answers = all_at_once(&house, &annex, same_address.collect()).await;
    assert_eq!(count(&reasons(&answers), "EMAIL_TAKEN"), 3, "{answers:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_is_first_used_once_and_reused_once() {
    let (house, annex) = both().await;
    let ada = house.register("ada").await;
    let asked = || vec![(REFRESH, input(json!({ "refreshToken": ada.refresh }))); 4];
    let answers = all_at_once(&house, &annex, asked()).await;
    assert_eq!(
        count(&reasons(&answers), "none"),
        4,
        "within the grace: {answers:#?}"
    );
    let db = house.world.platform.db.read();
    let used = || async {
        let rows = refresh_token::Entity::find().all(db).await.unwrap();
        let used: Vec<_> = rows.iter().filter_map(|row| row.used_at).collect();
        (rows.len(), used)
    };
    let first = house.world.platform.clock.now();
    assert_eq!(used().await, (5, vec![first]));

    house.world.clock.advance(TimeDelta::milliseconds(10_001));
    let answers = all_at_once(&house, &annex, asked()).await;
    let reasons = reasons(&answers);
    assert_eq!(count(&reasons, "REFRESH_TOKEN_REUSED"), 1, "{answers:#?}");
    assert_eq!(count(&reasons, "REFRESH_TOKEN_INVALID"), 3, "{answers:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_refreshes_no_more() {
    let (house, annex) = both().await;
    let ada = house.register("ada").await;
    for _ in 0..5 {
        let other = house.login("ada").await;
        let refresh = input(json!({ "refreshToken": other.refresh }));
        let here = house.client(&ada);
        let there = Client::anonymous(&annex.subgraph);
        let (ended, refreshed) =
            tokio::join!(here.send(OTHERS, json!({})), there.send(REFRESH, refresh.clone()));
        assert!(ended.get("errors").is_none(), "{ended:#}");
        // Whichever came first, what it got is dead now.
        let next = &refreshed["data"]["refreshSession"]["signedIn"]["refreshToken"];
        let last = match next.as_str() {
            Some(next) => input(json!({ "refreshToken": next })),
            None => refresh,
        };
        let error = there.error(REFRESH, last).await;
        assert_eq!(error["reason"], "REFRESH_TOKEN_INVALID");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_devices_that_end_each_other_one_is_left() {
    let (house, annex) = both().await;
    house.register("ada").await;
    for _ in 0..5 {
        let (one, two) = (house.login("ada").await, house.login("ada").await);
        let here = house.client(&one);
        let there = Client::with(&annex.subgraph, bearer(&two.access));
        let (first, second) = tokio::join!(here.send(OTHERS, json!({})), there.send(OTHERS, json!({})));
        let done = [&first, &second].map(|answer| answer.get("errors").is_none());
        assert!(done[0] != done[1], "{first:#} {second:#}");
        let left = if done[0] { &one } else { &two };
        house.client(left).data(WHO, json!({})).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_of_before_opens_nothing_that_stays() {
    let (house, annex) = both().await;
    let ada = house.register("ada").await;
    let passwords = [PASSWORD, "battery staple"];
    for round in 0..4 {
        let (old, new) = (passwords[round % 2], passwords[(round + 1) % 2]);
        let change =
            "mutation($input: ChangePasswordInput!) { changePassword(input: $input) { viewer { email } } }";
        let change_input = input(json!({ "currentPassword": old, "newPassword": new }));
        let here = house.client(&ada);
        let there = Client::anonymous(&annex.subgraph);
        let (changed, opened) = tokio::join!(
            here.send(change, change_input),
            there.send(LOGIN, credentials("ada", old))
        );
        assert!(changed.get("errors").is_none(), "{changed:#}");
        if opened.get("errors").is_none() {
            let opened = Person::from(&opened["data"]["login"]["result"]);
            let error = there
                .error(REFRESH, input(json!({ "refreshToken": opened.refresh })))
                .await;
            assert_eq!(error["reason"], "REFRESH_TOKEN_INVALID");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_account_is_signed_in_nowhere() {
    let (house, annex) = both().await;
    let delete = "mutation($input: DeleteAccountInput!) { deleteAccount(input: $input) { userId } }";
    for round in 0..4 {
        let name = format!("person{round}");
        let person = house.register(&name).await;
        let (here, there) = (house.client(&person), Client::anonymous(&annex.subgraph));
        let (deleted, opened, refreshed) = tokio::join!(
            here.send(delete, input(json!({ "password": PASSWORD }))),
            there.send(LOGIN, credentials(&name, PASSWORD)),
            there.send(REFRESH, input(json!({ "refreshToken": person.refresh }))),
        );
        assert!(deleted.get("errors").is_none(), "{deleted:#}");
        for signed_in in [
            &opened["data"]["login"]["result"],
            &refreshed["data"]["refreshSession"]["signedIn"],
        ] {
            if let Some(token) = signed_in["refreshToken"].as_str() {
                let error = there
                    .error(REFRESH, input(json!({ "refreshToken": token })))
                    .await;
                assert_eq!(error["reason"], "REFRESH_TOKEN_INVALID");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_changes_of_a_profile_are_both_kept() {
    let (house, annex) = both().await;
    let ada = house.register("ada").await;
    let change = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }";
    let (here, there) = (
        house.client(&ada),
        Client::with(&annex.subgraph, bearer(&ada.access)),
    );
    for round in 0..5 {
        let (name, bio) = (format!("Ada {round}"), format!("bio {round}"));
        let before = row(&house, &ada).await.rev;
        tokio::join!(
            here.data(change, input(json!({ "displayName": name }))),
            there.data(change, input(json!({ "bio": bio }))),
        );
        let row = row(&house, &ada).await;
        assert_eq!(
            (row.display_name, row.bio, row.rev),
            (name, Some(bio), before + 2)
        );
    }
}

async fn row(house: &House, person: &Person) -> commons_entities::user::user::Model {
    let id: commons_entities::UserId = person.id.parse().unwrap();
    let db = house.world.platform.db.read();
    commons_entities::user::user::Entity::find_by_id(id)
        .one(db)
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_at_once_have_the_same_keys() {
    let world = World::new().await;
    let platforms = join_all((0..4).map(|_| another_process(&world))).await;
    let started = join_all(platforms.iter().map(start)).await;
    let db = world.platform.db.read();
    assert_eq!(signing_key::Entity::find().count(db).await.unwrap(), 2);
    let keys: Vec<_> = platforms
        .iter()
        .map(|platform| platform.tokens.jwks().unwrap())
        .collect();
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
    drop(started);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_placeholder_is_claimed_once_and_imported_once() {
    let (house, annex) = both().await;
    let admin = house.register("admin").await;
    let users: Vec<_> = (0..30)
        .map(|number| imported(&format!("U{number}"), "grace"))
        .collect();
    let (one, two) = tokio::join!(
        service::import_users(&house.service, SOURCE, &users),
        service::import_users(&annex.service, SOURCE, &users),
    );
    let made = one.unwrap();
    assert_eq!(made, two.unwrap());
    assert_eq!(made.len(), 30);

    let document =
        "mutation($id: ID!) { createPlaceholderClaim(input: { userId: $id }) { claim { token } } }";
    let id = json!({ "id": made["U0"].to_string() });
    let data = house.client(&admin).data(document, id.clone()).await;
    let token = &data["createPlaceholderClaim"]["claim"]["token"];
    let claim = "mutation($input: ClaimPlaceholderInput!) { claimPlaceholder(input: $input) { signedIn { expiresAt } } }";
    let asked = vec![(claim, input(json!({ "token": token, "password": PASSWORD }))); 4];
    let answers = all_at_once(&house, &annex, asked).await;
    let reasons = reasons(&answers);
    assert_eq!(count(&reasons, "none"), 1, "{answers:#?}");
    assert_eq!(count(&reasons, "CLAIM_INVALID"), 3, "{answers:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bots_and_exports_are_counted_under_the_accounts_lock() {
    let (house, annex) = both().await;
    let ada = house.register("ada").await;
    for number in 0..23 {
        bots::create(&house, &ada, &format!("bot{number}")).await;
    }
    let create = "mutation($input: CreateBotInput!) { createBot(input: $input) { token } }";
    let as_ada = |number: usize| {
        let subgraph = if number.is_multiple_of(2) {
            &house.subgraph
        } else {
            &annex.subgraph
        };
        Client::with(subgraph, bearer(&ada.access))
    };
    let asking = (0..6).map(|number| {
        let client = as_ada(number);
        async move {
            client
                .send(create, input(json!({ "username": format!("more{number}") })))
                .await
        }
    });
    let answers = join_all(asking).await;
    assert_eq!(count(&reasons(&answers), "TOO_MANY_BOTS"), 4, "{answers:#?}");

    let begin = "mutation { exportMyData { export { id } } }";
    let asking = (0..4).map(|number| {
        let client = as_ada(number);
        async move { client.send(begin, json!({})).await }
    });
    let answers = join_all(asking).await;
    assert_eq!(count(&reasons(&answers), "EXPORT_RUNNING"), 3, "{answers:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_signs_in_at_once_has_one_session() {
    let (house, annex) = both().await;
    let ada = house.register("ada").await;
    let bot = bots::create(&house, &ada, "helper").await;
    let sign_in =
        "mutation($input: SignInBotInput!) { signInBot(input: $input) { signedIn { session { id } } } }";
    let asked = vec![(sign_in, input(json!({ "token": bot.token }))); 6];
    let answers = all_at_once(&house, &annex, asked).await;
    let session = |answer: &Value| answer["data"]["signInBot"]["signedIn"]["session"]["id"].clone();
    assert!(
        answers
            .iter()
            .all(|answer| session(answer) == session(&answers[0])),
        "{answers:#?}"
    );
    assert!(session(&answers[0]).is_string());
}
