//! One trace from the gateway to the statement, and nothing in it that a client sent.

use super::{lines::Lines, subgraph::Served};
use commons_platform::{
    config::Config,
    telemetry::{self, TracePoint, span},
};
use commons_testing::Collector;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tracing::Instrument;

/// What a span is worth to one subscriber depends on all that live: here each test has its own.
static ALONE: Mutex<()> = Mutex::const_new(());

const PLANTED: &str = "the-planted-secret";

fn config(endpoint: &str, ratio: f64) -> Config {
    let settings = format!(
        "environment = \"production\"\n[auth]\nsecret = \"0123456789abcdef0123456789abcdef\"\n\
         [gateway]\nintrospection = \"open\"\n[log]\nfilter = \"trace\"\n\
         [telemetry]\notlp_endpoint = {endpoint:?}\nsample_ratio = {ratio:?}"
    );
    Config::from_toml(&settings).unwrap()
}

#[tokio::test]
async fn a_trace_goes_from_the_gateway_to_the_statement_and_tells_no_values() {
    let _alone = ALONE.lock().await;
    let served = Served::start("asking").await;
    let (collector, endpoint) = Collector::start();
    let lines = Lines::default();
    let (subscriber, running) =
        telemetry::subscriber("test", &config(&endpoint, 1.0), lines.clone()).unwrap();
    let _here = tracing::subscriber::set_default(subscriber);

    let root = span::gateway("query", Some("Compare"), "request-1");
    let answers = async {
        let trace = TracePoint::here().header();
        let query = "query Compare($one: String!) { same(one: $one, other: \"the-planted-secret\") broken }";
        served
            .ask(query, json!({ "one": PLANTED }), "request-1", trace.as_deref())
            .await
    };
    let answer = answers.instrument(root.clone()).await;
    span::settle(&root, "ok");
    drop(root);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL", "{answer}");
    running.flush();

    let (root, operation) = (collector.span("Compare"), collector.span("asking query same"));
    let statement = collector.span("SELECT");
    assert!(root.parent.is_empty());
    assert_eq!(operation.parent, root.id);
    assert_eq!(statement.parent, operation.id);
    for span in [&operation, &statement] {
        assert_eq!(span.trace, root.trace);
        assert!(
            root.time.0 <= span.time.0 && span.time.0 <= span.time.1,
            "{span:?}"
        );
    }
    assert!(statement.attributes["db.query.text"].contains("CAST($1 AS text)"));
    assert!(operation.attributes["request_id"].contains("request-1"));
    assert!(operation.attributes["outcome"].contains("INTERNAL"));
    assert!(!collector.text().contains(PLANTED), "{}", collector.text());

    let log = lines.text();
    assert!(!log.contains(PLANTED), "{log}");
    let failure = log.lines().find(|line| line.contains("request failed"));
    let failure: Value = serde_json::from_str(failure.unwrap()).unwrap();
    assert_eq!(failure["fields"]["cause"], "a cause");
    assert!(failure["spans"].to_string().contains("request-1"), "{failure}");
}

#[tokio::test]
async fn work_for_many_is_linked_to_each_and_work_for_later_to_its_cause() {
    let _alone = ALONE.lock().await;
    let (collector, endpoint) = Collector::start();
    let (subscriber, running) =
        telemetry::subscriber("test", &config(&endpoint, 1.0), Lines::default()).unwrap();
    let _here = tracing::subscriber::set_default(subscriber);
    let senders =
        ["One", "Two"].map(|name| span::gateway("mutation", Some(name), "-").in_scope(TracePoint::here));
    let unsampled = TracePoint::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    span::together(
        "commit",
        senders.iter().chain([&unsampled, &TracePoint::default()]),
    )
    .in_scope(|| {});
    span::caused("job", "Erase", &senders[1]).in_scope(|| {});
    span::caused("job", "Skip", &unsampled).in_scope(|| {});
    running.flush();

    let (one, two, commit) = (
        collector.span("One"),
        collector.span("Two"),
        collector.span("commit"),
    );
    assert_eq!(commit.parent, one.id);
    assert_eq!(commit.links, [(two.trace.clone(), two.id)]);
    let job = collector.span("job Erase");
    assert_ne!(job.trace, two.trace);
    assert_eq!(job.links[0].0, two.trace);
    assert_eq!(collector.spans().len(), 4);
}

#[tokio::test]
async fn what_is_not_sampled_is_not_sent_and_what_is_off_is_not_made() {
    let _alone = ALONE.lock().await;
    let (collector, endpoint) = Collector::start();
    {
        let (subscriber, running) =
            telemetry::subscriber("test", &config(&endpoint, 0.0), Lines::default()).unwrap();
        let _here = tracing::subscriber::set_default(subscriber);
        let header = span::gateway("query", None, "-").in_scope(|| {
            assert!(span::redis("cache").is_disabled());
            TracePoint::here().header()
        });
        assert!(
            header.unwrap().ends_with("-00"),
            "the services are told of the decision"
        );
        running.flush();
    }
    assert!(collector.spans().is_empty());

    let (subscriber, _running) = telemetry::subscriber("test", &config("", 1.0), Lines::default()).unwrap();
    let _here = tracing::subscriber::set_default(subscriber);
    // A disabled span is a constant: nothing was allocated and no field was looked at.
    for span in [
        span::gateway("query", None, "-"),
        span::operation("asking", "query", "same", "-", &TracePoint::default()),
        span::redis("cache"),
        span::together("commit", [&TracePoint::default()]),
        span::caused("job", "Erase", &TracePoint::default()),
    ] {
        assert!(span.is_disabled(), "{span:?}");
        assert_eq!(span.in_scope(TracePoint::here), TracePoint::default());
    }
}

#[tokio::test]
async fn a_collector_that_is_away_costs_spans_and_no_time() {
    let _alone = ALONE.lock().await;
    telemetry::start_metrics();
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let config = config(&format!("http://{closed}"), 1.0);
    let (subscriber, running) = telemetry::subscriber("test", &config, Lines::default()).unwrap();
    let _here = tracing::subscriber::set_default(subscriber);
    let began = Instant::now();
    for _ in 0..20_000 {
        span::gateway("query", None, "-").in_scope(|| {});
    }
    let ending = Instant::now();
    drop(running);
    assert!(
        ending.elapsed() < Duration::from_millis(1_500),
        "{:?}",
        ending.elapsed()
    );
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let text = telemetry::metrics_text();
    assert!(
        text.contains("commons_spans_dropped_total{reason=\"collector\"}"),
        "{text}"
    );
}
