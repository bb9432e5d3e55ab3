//! What `/metrics` says after some requests.

use super::subgraph::Served;
use async_graphql::Request;
use commons_platform::{
    auth::Actor,
    telemetry::{
        self,
        metric::{FIGURES, Kind},
    },
};
use commons_testing::world::call;
use futures_util::StreamExt;
use serde_json::json;
use std::{collections::BTreeMap, path::Path};

/// Samples by name and labels as they are written; fails for what is not Prometheus' text format.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.is_empty());
    let samples = lines.filter_map(|line| {
        if let Some(comment) = line.strip_prefix('#') {
            assert!(
                [" HELP ", " TYPE "].iter().any(|word| comment.starts_with(word)),
                "{line}"
            );
            return None;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
            "{line}"
        );
        assert!(series == name || series.ends_with('}'), "{line}");
        Some((series.to_owned(), value.parse().unwrap()))
    });
    samples.collect()
}

#[tokio::test]
async fn every_root_field_has_its_rate_errors_and_duration() {
    telemetry::start_metrics();
    let served = Served::start("counted").await;
    let asked = "{ same(one: \"a\", other: \"a\") again: same(one: \"a\", other: \"b\") broken }";
    served.ask(asked, json!({}), "-", None).await;
    served.ask("{ planted_by_a_client }", json!({}), "-", None).await;
    served.ask("not a document", json!({}), "-", None).await;
    let request = Request::new("subscription { count(to: 3) }");
    let stream = served
        .subgraph
        .stream(request, Actor::Anonymous, call(None).origin);
    assert_eq!(stream.count().await, 3);

    let text = served.metrics().await;
    assert!(!text.contains("planted_by_a_client"));
    let samples = parse(&text);
    let sample = |series: &str| {
        samples
            .get(series)
            .copied()
            .unwrap_or_else(|| panic!("{series}\n{text}"))
    };
    for (labels, count) in [
        (r#"kind="query",field="same",outcome="ok""#, 1.0),
        (r#"kind="query",field="broken",outcome="INTERNAL""#, 1.0),
        (r#"kind="query",field="-",outcome="INVALID""#, 1.0),
        (r#"kind="-",field="-",outcome="INVALID""#, 1.0),
        (r#"kind="subscription",field="count",outcome="ok""#, 1.0),
    ] {
        let series = format!("commons_operations_total{{subgraph=\"counted\",{labels}}}");
        assert_eq!(sample(&series), count, "{series}");
    }
    let seconds = r#"commons_operation_seconds_bucket{subgraph="counted",kind="query",field="same",le="30"}"#;
    assert_eq!(sample(seconds), 1.0);
    assert_eq!(
        sample(r#"commons_subscription_events_total{subgraph="counted",field="count"}"#),
        3.0
    );
    assert_eq!(sample(r#"commons_operations_in_flight{subgraph="counted"}"#), 0.0);
    for series in [
        "commons_sql_seconds_count",
        r#"commons_sql_connections{pool="read",state="idle"}"#,
        r#"commons_sql_connections{pool="write",state="used"}"#,
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_cpu_seconds_total",
        "process_start_time_seconds",
    ] {
        assert!(sample(series) >= 0.0, "{series}");
    }
}

/// What stands in quotes behind `counter!(`, `gauge!(` and `histogram!(` in a folder's sources.
fn counted(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            counted(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for of in ["counter!(", "gauge!(", "histogram!("] {
                let words = text.split(of).skip(1);
                let names = words.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
                found.extend(names.map(str::to_owned));
            }
        }
    }
}

#[test]
fn every_name_that_is_counted_under_is_in_the_dictionary() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for part in ["platform", "access", "streams", "jobs", "gateway", "subgraphs"] {
        counted(&root.join(part), &mut found);
    }
    found.retain(|name| name.starts_with("commons_"));
    assert!(found.len() > 10, "{found:?}");
    for name in found {
        assert!(FIGURES.iter().any(|(known, ..)| *known == name), "{name}");
    }
    for (name, kind, _) in FIGURES {
        assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
    }
}

#[test]
fn the_dashboard_and_the_alerts_know_every_figure_they_ask_for() {
    let files = [
        include_str!("../../../../deploy/grafana/commons.json"),
        include_str!("../../../../deploy/prometheus/alerts.yml"),
    ];
    for file in files {
        let words = file.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        for word in words.filter(|word| word.starts_with("commons_")) {
            let known = FIGURES.iter().any(|(name, ..)| {
                word.strip_prefix(name)
                    .is_some_and(|rest| matches!(rest, "" | "_bucket" | "_count" | "_sum"))
            });
            assert!(known, "{word}");
        }
    }
}
