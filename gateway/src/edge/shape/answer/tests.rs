//! Answers as the router writes them, and as clients get them.

use super::*;

fn seen(answer: &str) -> Option<Seen> {
    read("events", answer.as_bytes())
}

#[test]
fn what_the_edge_asked_for_is_read_and_taken_out() {
    let rest = r#""at":"2026-01-02T03:04:05Z","m":{ "commonsSeq": 1,"b":"\"} \u00e9 😀","a":[1.0, 1e5,null]},"seq":7"#;
    let tail = r#","errors":[{"message":"no {","path":["events","m"]}],"extensions":{"a":1}}"#;
    for (answer, expected) in [
        (
            format!(r#"{{"data":{{"events":{{"commonsSeq":7,"commonsKind":"Happened",{rest}}}}}{tail}"#),
            format!(r#"{{"data":{{"events":{{{rest}}}}}{tail}"#),
        ),
        (
            format!(
                r#" {{ "data" : {{ "events" : {{ {rest} , "commonsKind":"Happened", "commonsSeq" : 7 }} }} }} "#
            ),
            format!(r#"{{"data":{{"events":{{{rest}}}}}}}"#),
        ),
        (
            r#"{"data":{"events":{"commonsSeq":7,"commonsKind":"Happened"}}}"#.to_owned(),
            r#"{"data":{"events":{}}}"#.to_owned(),
        ),
    ] {
        let seen = seen(&answer).unwrap();
        assert_eq!((seen.seq, seen.kind.as_str()), (7, "Happened"));
        assert_eq!(seen.json, expected);
    }
}

#[test]
fn an_answer_without_a_numbered_root_is_no_event() {
    for answer in [
        r#"{"errors":[{"message":"no"}]}"#,
        r#"{"data":null,"errors":[{"message":"no"}]}"#,
        r#"{"data":{"events":null},"errors":[{"message":"no"}]}"#,
        r#"{"data":{}}"#,
        r#"{"data":{"other":{"commonsSeq":7,"commonsKind":"Happened"}}}"#,
        r#"{"data":{"events":{"commonsSeq":7,"commonsKind":"Happened"},"other":{}}}"#,
        r#"{"data":{"events":{"commonsKind":"Happened","seq":7}}}"#,
        r#"{"data":{"events":{"commonsSeq":7}}}"#,
        r#"{"data":{"events":{"commonsSeq":null,"commonsKind":"Happened"}}}"#,
        r#"{"data":{"events":{"commonsSeq":7.5,"commonsKind":"Happened"}}}"#,
        r#"{"data":{"events":{"commonsSeq":7,"commonsSeq":8,"commonsKind":"Happened"}}}"#,
        r#"{"data":{"events":[{"commonsSeq":7,"commonsKind":"Happened"}]}}"#,
        r#"{"data":{"events":{"commonsSeq":7,"commonsKind":"Happened"}}"#,
        "",
    ] {
        assert!(seen(answer).is_none(), "{answer}");
    }
}

#[test]
fn what_an_event_is_for_the_edge_is_in_its_name() {
    let of = |kind: &str| Seen {
        kind: kind.to_owned(),
        ..Seen::event(1, Bytes::new())
    };
    assert!(of("StreamHead").is_head() && of("GuildStreamHead").is_head() && !of("StreamReset").is_head());
    assert!(
        of("StreamReset").is_reset() && of("GuildStreamReset").is_reset() && !of("StreamHead").is_reset()
    );
    assert!(of("MessageDeleted").rewrites() && of("MessageUpdated").rewrites());
    assert!(!of("MessageCreated").rewrites() && !of("ReactionAdded").rewrites());
}

#[test]
fn the_edge_writes_the_head_as_it_is_asked_for() {
    let at = DateTime::from_timestamp(1_767_323_045, 678_900_000).unwrap();
    let fields = [
        ("s", HeadField::Seq),
        ("__typename", HeadField::Typename),
        ("at", HeadField::At),
    ];
    let fields = fields.map(|(key, what)| (Arc::from(key), what));
    assert_eq!(
        head("events", "StreamHead", &fields, 12, at),
        r#"{"data":{"events":{"s":12,"__typename":"StreamHead","at":"2026-01-02T03:04:05.678900+00:00"}}}"#
    );
    assert_eq!(head("e", "StreamHead", &[], 0, at), r#"{"data":{"e":{}}}"#);
}
