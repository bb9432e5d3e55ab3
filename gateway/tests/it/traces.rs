//! One trace from the operation at the gateway to the subgraphs, in process and over the network.

use crate::world::World;
use commons_platform::{config::Config, telemetry};
use commons_testing::{Collector, collector::Span};

/// The spans below a gateway's operation, by name; each in its trace.
fn below(collector: &Collector, name: &str) -> (Span, Vec<String>) {
    let root = collector.span(name);
    assert!(root.parent.is_empty(), "{root:?}");
    let mut names: Vec<String> = collector.below(&root).into_iter().map(|span| span.name).collect();
    names.sort();
    (root, names)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_one_trace_wherever_its_subgraphs_are() {
    let (collector, endpoint) = Collector::start();
    let settings =
        format!("[log]\nfilter = \"off\"\n[telemetry]\notlp_endpoint = {endpoint:?}\nsample_ratio = 1");
    // The other tests of this process are traced as well, under other names.
    let running = telemetry::start("test", &Config::from_toml(&settings).unwrap());
    for (world, name) in [
        (World::start().await, "InProcess"),
        (World::apart().await, "Apart"),
    ] {
        let mut request = world.http.post(world.url("/graphql"));
        // A client's own trace is not ours.
        let theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        request = request.header("traceparent", theirs);
        let query = format!("query {name} {{ messages {{ text author {{ name }} }} }}");
        let response = request
            .json(&serde_json::json!({ "query": query }))
            .send()
            .await
            .unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert!(response.text().await.unwrap().contains("name 1"));

        let live = format!("{name}Live");
        let mut socket = world.socket(Some(&world.alice)).await;
        socket
            .subscribe("1", &format!("subscription {live} {{ count(to: 1) }}"))
            .await;
        socket.hear().await;
        let told = world.state.counted_for.lock().unwrap().clone().unwrap().trace;
        running.flush();

        let (root, names) = below(&collector, name);
        assert_eq!(
            names,
            ["message query messages", "user query _entities"],
            "{name}"
        );
        assert!(root.attributes["request_id"].contains(&id), "{root:?}");
        assert!(!format!("{:?}", collector.spans()).contains("b7ad6b7169203331"));
        let live = collector.span(&live);
        assert!(told.is_sampled());
        assert!(told.header().unwrap().contains(&hex(&live.trace)), "{name}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
