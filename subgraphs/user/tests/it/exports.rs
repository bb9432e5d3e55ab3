//! Copies of accounts, for their owners.

use crate::{
    bots,
    house::{House, PASSWORD, Person, input, invalid, until},
};
use chrono::TimeDelta;
use commons_jobs::{Effect, Owner, Progress, Runner, Worker};
use commons_platform::ApiError;
use serde_json::{Value, json};
use std::sync::Arc;

const BEGIN: &str = "mutation { exportMyData { export { id state createdAt finishedAt expiresAt parts { nodes { content } } } } }";
const LIST: &str = "{ viewer { dataExports { nodes { id state } } } }";
const READ: &str = "query($id: ID!, $first: Int, $after: String) { dataExport(id: $id) {
    state finishedAt parts(first: $first, after: $after) {
        nodes { domain subject content } pageInfo { hasNextPage endCursor }
    }
} }";

pub(crate) async fn begin(house: &House, person: &Person) -> String {
    let data = house.client(person).data(BEGIN, json!({})).await;
    data["exportMyData"]["export"]["id"].as_str().unwrap().to_owned()
}

/// A domain that has nothing of anybody.
struct Empty;

#[async_trait::async_trait]
impl Runner for Empty {
    async fn run(&self, _: &Effect) -> Result<Progress, ApiError> {
        Ok(Progress::Done)
    }
}

/// The user domain at work, beside two that have nothing.
fn workers(house: &House) -> [Worker; 3] {
    let empty = |owner| Worker::start(house.world.platform.clone(), owner, Arc::new(Empty));
    [house.service.work(), empty(Owner::Channel), empty(Owner::Message)]
}

async fn read(house: &House, person: &Person, id: &str) -> Value {
    let data = house
        .client(person)
        .data(READ, json!({ "id": id, "first": 4 }))
        .await;
    data["dataExport"].clone()
}

async fn finished(house: &House, person: &Person, id: &str) -> Value {
    until("it is ready", || async {
        read(house, person, id).await["state"] == "READY"
    })
    .await;
    read(house, person, id).await
}

fn contents(export: &Value) -> Vec<(&str, &str, Value)> {
    let nodes = export["parts"]["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|node| {
            let content = serde_json::from_str(node["content"].as_str().unwrap()).unwrap();
            (
                node["domain"].as_str().unwrap(),
                node["subject"].as_str().unwrap(),
                content,
            )
        })
        .collect()
}

#[tokio::test]
async fn it_holds_what_the_account_has_and_nothing_secret() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let bot = bots::create(&house, &ada, "helper").await;
    let data = house.client(&ada).data(BEGIN, json!({})).await;
    let begun = &data["exportMyData"]["export"];
    let id = begun["id"].as_str().unwrap();
    assert_eq!(
        begun,
        &json!({
            "id": id, "state": "RUNNING", "createdAt": "2023-11-14T22:13:20+00:00", "finishedAt": null,
            "expiresAt": "2023-11-21T22:13:20+00:00", "parts": { "nodes": [] },
        })
    );
    let _workers = workers(&house);
    let export = finished(&house, &ada, id).await;
    assert_eq!(export["finishedAt"], "2023-11-14T22:13:20+00:00");
    let at = "2023-11-14T22:13:20Z";
    assert_eq!(
        contents(&export),
        [
            (
                "user",
                "account",
                json!([{
                    "id": ada.id, "username": "ada", "displayName": "ada", "bio": null, "avatarUrl": null,
                    "email": null, "administrator": true, "createdAt": at,
                }])
            ),
            (
                "user",
                "sessions",
                json!([{
                    "id": ada.session, "device": null, "address": "127.0.0.1", "createdAt": at,
                    "lastSeenAt": at, "expiresAt": "2023-12-14T22:13:20Z", "revokedAt": null,
                }])
            ),
            (
                "user",
                "bots",
                json!([{
                    "id": bot.id, "username": "helper", "displayName": "helper", "bio": null,
                    "avatarUrl": null, "createdAt": at,
                }])
            ),
        ]
    );
    let text = export.to_string();
    assert!(!text.contains("argon2") && !text.contains(&bot.token) && !text.contains(&ada.refresh));
}

#[tokio::test]
async fn its_parts_are_paged_and_bounded() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    bots::create(&house, &ada, "helper").await;
    let id = begin(&house, &ada).await;
    let _workers = workers(&house);
    finished(&house, &ada, &id).await;
    let client = house.client(&ada);
    let (mut after, mut subjects) = (Value::Null, Vec::new());
    for more in [true, true, false] {
        let data = client.data(READ, json!({ "id": id, "after": after })).await;
        let parts = &data["dataExport"]["parts"];
        assert_eq!(
            parts["nodes"].as_array().unwrap().len(),
            1,
            "one when nobody says"
        );
        assert_eq!(parts["pageInfo"]["hasNextPage"], more);
        subjects.push(parts["nodes"][0]["subject"].clone());
        after = parts["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(subjects, ["account", "sessions", "bots"]);
    for first in [0, 5, 100] {
        let error = client.error(READ, json!({ "id": id, "first": first })).await;
        assert_eq!(error, invalid("first", "PAGE_SIZE"), "{first}");
    }
    let error = client.error(READ, json!({ "id": id, "after": "!" })).await;
    assert_eq!(error, invalid("after", "CURSOR_MALFORMED"));
    let error = client.error(READ, json!({ "id": ada.id })).await;
    assert_eq!(error, invalid("id", "ID_MALFORMED"));
}

#[tokio::test]
async fn only_its_owner_reads_it_for_seven_days() {
    let house = House::new().await;
    let (ada, ben) = (house.register("ada").await, house.register("ben").await);
    let id = begin(&house, &ada).await;
    let _workers = workers(&house);
    finished(&house, &ada, &id).await;
    let unknown = "export_01h455vb4pex5vsknk084sn02q";
    for id in [id.as_str(), unknown] {
        assert_eq!(read(&house, &ben, id).await, Value::Null);
    }
    let listed = |data: Value| data["viewer"]["dataExports"]["nodes"].clone();
    assert_eq!(
        listed(house.client(&ada).data(LIST, json!({})).await),
        json!([{ "id": id, "state": "READY" }])
    );
    assert_eq!(listed(house.client(&ben).data(LIST, json!({})).await), json!([]));
    house.world.clock.advance(TimeDelta::days(7));
    let ada = house.login("ada").await;
    assert_eq!(read(&house, &ada, &id).await, Value::Null);
    assert_eq!(listed(house.client(&ada).data(LIST, json!({})).await), json!([]));
}

#[tokio::test]
async fn one_at_a_time_and_one_a_day() {
    let house = House::new().await;
    let ada = house.register("ada").await;
    let first = begin(&house, &ada).await;
    let running = json!({ "code": "CONFLICT", "reason": "EXPORT_RUNNING" });
    assert_eq!(house.client(&ada).error(BEGIN, json!({})).await, running);
    let workers = workers(&house);
    finished(&house, &ada, &first).await;
    drop(workers);
    house.world.clock.advance(TimeDelta::minutes(4));
    assert_eq!(
        house.client(&ada).error(BEGIN, json!({})).await,
        json!({ "code": "RATE_LIMITED", "retryAfter": 86_160.0 })
    );
    house.world.clock.advance(TimeDelta::hours(24));
    let ada = house.login("ada").await;
    let second = begin(&house, &ada).await;
    let (queries, data) = house.counted(house.client(&ada), LIST, json!({})).await;
    assert_eq!(queries, 3, "the account, its exports, how far they are");
    assert_eq!(
        data["viewer"]["dataExports"]["nodes"],
        json!([{ "id": second, "state": "RUNNING" }, { "id": first, "state": "READY" }])
    );
}

#[tokio::test]
async fn it_goes_with_the_account() {
    use commons_entities::job::data_export;
    use sea_orm::{EntityTrait, PaginatorTrait};
    let house = House::new().await;
    let ada = house.register("ada").await;
    let id = begin(&house, &ada).await;
    let _workers = workers(&house);
    finished(&house, &ada, &id).await;
    let delete = "mutation($input: DeleteAccountInput!) { deleteAccount(input: $input) { userId } }";
    house
        .client(&ada)
        .data(delete, input(json!({ "password": PASSWORD })))
        .await;
    let db = house.world.platform.db.read();
    until("its rows are gone", || async {
        data_export::Entity::find().count(db).await.unwrap() == 0
    })
    .await;
}
