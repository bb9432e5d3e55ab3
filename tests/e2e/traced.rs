//! One trace from the gateway through the services to the database and to Redis, sent to a collector.

use crate::harness::House;
use commons_testing::{Collector, collector::Span};
use serde_json::json;
use std::collections::BTreeSet;

const HISTORY: &str = "query History($id: ID!) {
    channel(id: $id) { messages(last: 5) { nodes { content author { displayName } } } }
}";
const SECRET: &str = "what nobody else may read";

#[tokio::test]
async fn a_request_is_one_trace() {
    let (collector, endpoint) = Collector::start();
    let settings = [
        ("COMMONS_TELEMETRY__OTLP_ENDPOINT", endpoint.as_str()),
        ("COMMONS_TELEMETRY__SAMPLE_RATIO", "1"),
    ];
    let mut house = House::with(&settings).await;
    let alice = house.register("alice").await;
    let (_, general) = alice.found("Harbour").await;
    alice.send(&general, SECRET).await;
    // What a process has read it does not ask Redis for again.
    house.terminate().await;
    house.open().await;
    alice.data(HISTORY, json!({ "id": general })).await;
    // What is not sent yet is sent before the end.
    let (ended, _) = house.terminate().await;
    assert!(ended.status.success(), "{}", ended.said);

    let root = collector.span("History");
    assert!(root.parent.is_empty());
    let services: BTreeSet<String> = collector
        .below(&root)
        .into_iter()
        .filter(|span| span.attributes.contains_key("subgraph"))
        .map(|span| span.name)
        .collect();
    let wanted = [
        "channel query channel",
        "message query _entities",
        "user query _entities",
    ];
    assert_eq!(services, wanted.map(str::to_owned).into());

    let trace: Vec<Span> = collector
        .spans()
        .into_iter()
        .filter(|span| span.trace == root.trace)
        .collect();
    let known: BTreeSet<&[u8]> = trace.iter().map(|span| span.id.as_slice()).collect();
    for span in &trace {
        let rooted = span.id == root.id || known.contains(span.parent.as_slice());
        assert!(rooted, "its parent was not sent: {span:?}");
    }
    let system = |name: &str| {
        let of = |span: &&Span| {
            let said = span.attributes.get("db.system.name");
            said.is_some_and(|said| said.contains(name))
        };
        trace.iter().filter(of).count()
    };
    let database = if house.is_embedded() {
        "sqlite"
    } else {
        "postgresql"
    };
    assert!(system(database) > 0, "{trace:#?}");
    assert_eq!(system("redis") > 0, !house.is_embedded(), "{trace:#?}");
    assert!(!collector.text().contains(SECRET), "a value was sent");
}
